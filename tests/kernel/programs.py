"""Random programs of agents: what each handler does is data, and the world's moves are data too."""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st

from agentops.errors import AgentOpsError
from agentops.kernel.agent import Agent, Restart, handles
from agentops.kernel.gate import OpenGate
from agentops.kernel.kernel import Kernel, RunSpec
from agentops.kernel.records import (
    Cancel,
    Continue,
    Delivery,
    Dispatched,
    ErrorRecord,
    Outcome,
    Raw,
    Resumed,
    Start,
    Tick,
)
from agentops.kernel.tool import tool
from agentops.kernel.world import Request
from agentops.messages import Message, encode

Step: TypeAlias = tuple[Any, ...]
"""``(what, argument, inner steps)``."""
NAMES = ("a", "b", "c")
MARK: contextvars.ContextVar[str] = contextvars.ContextVar("mark", default="")


class Job(Message):
    """Do these steps, then those of the next agent's, ``depth`` deep."""

    depth: int = 3


@tool(effect="pure", retries=1)
async def look(n: int) -> int:
    """Look."""
    return n


@tool(effect="irreversible")
async def pay(n: int) -> int:
    """Pay."""
    return n


class Player(Agent):
    """Plays the steps that its class was given."""

    steps: Sequence[Step] = ()

    def __init__(self) -> None:
        self.seen = 0

    @handles
    async def on_job(self, job: Job) -> int:
        assert MARK.get() == "", f"a context variable of another handler is seen: {MARK.get()}"
        MARK.set(f"{self.name}/{job.depth}")
        await self.play(self.steps, job.depth)
        assert MARK.get() == f"{self.name}/{job.depth}"
        self.seen += 1
        return self.seen

    async def play(self, steps: Sequence[Step], depth: int) -> int:
        for what, argument, inner in steps:
            try:
                await self.step(what, argument, inner, depth)
            except AgentOpsError as error:
                self.decide("went wrong", options=[type(error).__name__], chosen=type(error).__name__)
        return len(steps)

    async def step(self, what: str, argument: int, inner: Sequence[Step], depth: int) -> None:
        to = NAMES[argument % len(NAMES)]
        parts = [self.play([each], depth - 1) for each in inner] if what in ("gather", "settle", "first") else []
        if what == "look":
            await look(argument)
        elif what == "pay":
            await pay(argument)
        elif what == "sleep":
            await self.sleep(argument)
        elif what == "ask" and depth > 0:
            async with self.timeout(50):
                await self.ask(to, Job(depth - 1))
        elif what == "send" and depth > 0:
            await self.send(to, Job(depth - 1))
        elif what == "decide":
            self.decide("which?", options=["x", "y"], chosen=self.random.choice(["x", "y"]), because=str(self.now()))
        elif what == "fail":
            raise ValueError(argument)
        elif what == "timeout":
            async with self.timeout(argument):
                await self.play(inner, depth - 1)
        elif what == "spawn":
            child = await self.spawn(Leaf)
            await self.send(child, Job(0))
        elif parts:
            await getattr(self, what)(*parts)


class Leaf(Player):
    steps = (("look", 1, ()), ("decide", 0, ()))


leaf_steps = st.tuples(
    st.sampled_from(["look", "look", "pay", "sleep", "ask", "send", "decide", "fail", "spawn"]),
    st.integers(0, 9),
    st.just(()),
)
steps = st.lists(
    st.one_of(
        leaf_steps,
        st.tuples(
            st.sampled_from(["gather", "settle", "first", "timeout"]),
            st.integers(0, 9),
            st.lists(leaf_steps, min_size=1, max_size=3).map(tuple),
        ),
    ),
    max_size=4,
)
strategies = st.sampled_from(["escalate", "restart", "resume", "stop"])
programs = st.tuples(*[st.tuples(steps, strategies, st.booleans()) for _ in NAMES])
moves = st.lists(st.integers(0, 1000), min_size=10, max_size=60)


def make(program: Any) -> RunSpec:
    """The agents of a program."""
    specs = []
    for name, (plays, strategy, redeliver) in zip(NAMES, program, strict=True):
        members = {"name": name, "steps": plays, "mailbox": 2, "on_failure": Restart(strategy, redeliver=redeliver)}
        kind: type[Player] = type(name.upper(), (Player,), members)
        specs.append(kind.spec())
    return RunSpec(tuple(specs), "a", slice=200, seconds=500)


class World:
    """Plays the world by a list of numbers: which request is answered next, how, and when the clock ticks."""

    def __init__(self, program: Any) -> None:
        self.kernel = Kernel(make(program), OpenGate())
        self.deliveries: list[Delivery] = []
        self.blocks: list[bytes] = []
        self.pending: list[Request] = []
        self.deadline: int | None = None
        self.more = False
        self.at = 1_000_000
        self.deliver(Start(self.at, "run", "Job", Raw(encode(Job()))))

    def deliver(self, delivery: Delivery) -> None:
        """One delivery."""
        reaction = self.kernel.deliver(delivery)
        self.deliveries.append(delivery)
        self.blocks.append(reaction.block)
        self.pending += reaction.requests
        self.deadline = reaction.deadline
        self.more = reaction.more

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.kernel.world.finished is not None

    def move(self, number: int) -> None:
        """The world's next move."""
        self.at += number * 1000
        if self.more:
            self.deliver(Continue(self.at))
        elif number == 1000:
            self.deliver(Cancel(self.at, "the world ends"))
        elif self.pending and number % 7:
            self.answer(self.pending.pop(number % len(self.pending)), number)
        elif self.deadline is not None:
            self.at = max(self.at, self.deadline)
            self.deliver(Tick(self.at))

    def answer(self, request: Request, number: int) -> None:
        """Let a request be dispatched, succeed, fail, or fail in passing."""
        if not request.dispatched:
            self.deliver(Dispatched(self.at, request.id))
        elif number % 5 == 0:
            error = ErrorRecord("ToolFailed", "no", facts={"transient": number % 2 == 0})
            self.deliver(Outcome(self.at, request.id, "error", error=error))
        else:
            self.deliver(Outcome(self.at, request.id, "ok", Raw(b"%d" % number)))

    def finish(self) -> None:
        """Answer everything that is still owed, until the run is over."""
        for number in range(2000):
            if self.over:
                return
            self.move(1 + 2 * (number % 3) if self.pending else 7)
        raise AssertionError(f"the run does not end: {self.blocks[-3:]}")

    def resumed(self) -> Resumed:
        """What is said after a crash, as the runtime says it."""
        lost: list[str] = []
        doubtful: list[str] = []
        for effect in self.kernel.world.open.values():
            if effect.state == "admitted":
                repeatable = effect.operation.kind.effect == "pure" or not effect.dispatched
                (lost if repeatable else doubtful).append(effect.id)
        return Resumed(self.at, tuple(lost), tuple(doubtful))
