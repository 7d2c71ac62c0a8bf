"""Driving a kernel by hand: no event loop, no clock, no journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentops.kernel.agent import Agent
from agentops.kernel.gate import Gate, OpenGate
from agentops.kernel.kernel import Kernel, Reaction, RunSpec
from agentops.kernel.records import Continue, Delivery, ErrorRecord, Finished, Outcome, Raw, Start, Tick
from agentops.kernel.world import Request
from agentops.messages import Message, decode, encode

SECOND = 1_000_000


class Drive:
    """A kernel with the world around it played by the test."""

    def __init__(self, *agents: type[Agent], gate: Gate | None = None, **spec: Any) -> None:
        self.kernel = Kernel(
            RunSpec(tuple(agent.spec() for agent in agents), agents[0].name, **spec), gate or OpenGate()
        )
        self.deliveries: list[Delivery] = []
        self.blocks: list[bytes] = []
        self.records: list[Any] = []
        self.pending: list[Request] = []
        self.cancelled: list[str] = []
        self.deadline: int | None = None
        self.finished: Finished | None = None
        self.at = SECOND

    def deliver(self, delivery: Delivery) -> Reaction:
        """One delivery, and the continuations that it needs."""
        reaction = self.kernel.deliver(delivery)
        self.deliveries.append(delivery)
        self.blocks.append(reaction.block)
        self.records += reaction.records
        self.pending += reaction.requests
        self.cancelled += reaction.cancels
        self.deadline = reaction.deadline
        self.finished = reaction.finished
        return self.deliver(Continue(self.at)) if reaction.more else reaction

    def start(self, message: Message) -> Drive:
        """Ask the root agent."""
        self.deliver(Start(self.at, "test-run", type(message).__name__, Raw(encode(message))))
        return self

    def answer(self, value: Any = None, *, effect: str = "", error: ErrorRecord | None = None) -> Reaction:
        """Answer the oldest open request, or the one named."""
        number = next((n for n, each in enumerate(self.pending) if each.id == effect), 0)
        request = self.pending.pop(number)
        status = "ok" if error is None else "error"
        return self.deliver(Outcome(self.at, request.id, status, Raw(encode(value)), error=error))

    def later(self, seconds: float) -> Reaction:
        """Let time pass, and the clock tick."""
        self.at += round(seconds * SECOND)
        return self.deliver(Tick(self.at))

    def run(self, reply: Callable[[Request], Any]) -> Drive:
        """Answer whatever is asked, oldest first, and tick when nothing is, until the end."""
        for _ in range(100_000):
            if self.finished is not None:
                return self
            if self.pending:
                self.answer(reply(self.pending[0]))
            elif self.deadline is not None:
                self.later((self.deadline - self.at) / SECOND)
            else:
                break
        raise AssertionError(f"the run came to rest without an end; records: {self.records[-5:]}")

    @property
    def output(self) -> Any:
        """The run's output, plain."""
        assert self.finished is not None, "the run has not finished"
        assert self.finished.status == "done", self.finished
        return decode(bytes(self.finished.output))

    @property
    def failure(self) -> ErrorRecord:
        """The error that the run ended with."""
        assert self.finished is not None, "the run has not finished"
        assert self.finished.error is not None, self.finished
        return self.finished.error

    def of(self, kind: type) -> list[Any]:
        """The records of one kind."""
        return [record for record in self.records if isinstance(record, kind)]

    def again(self, *agents: type[Agent], **spec: Any) -> list[bytes]:
        """The blocks that a fresh kernel makes of the same deliveries."""
        other = Drive(*agents, **spec)
        return [other.kernel.deliver(delivery).block for delivery in self.deliveries]
