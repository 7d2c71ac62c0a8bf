"""At Python's edge: interrupts, generators, handlers that will not end, values that no record can hold."""

from __future__ import annotations

import gc
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from agentops.errors import AgentOpsError, RunError
from agentops.kernel.agent import Agent, Restart, handles
from agentops.kernel.tool import tool
from agentops.messages import Message
from tests.kernel.driving import Drive


class Go(Message):
    n: int = 3


class Work(Message):
    bad: bool = False


@tool(effect="pure")
async def look(what: str) -> str:
    """Look something up."""
    return what


class Main(Agent):
    """Asks the worker as often as wanted, with bad work between good."""

    @handles
    async def on_go(self, go: Go) -> list[str]:
        seen = []
        for _ in range(go.n):
            for bad in (False, True):
                try:
                    seen.append(str(await self.ask("worker", Work(bad))))
                except AgentOpsError as error:
                    seen.append(type(error).__name__)
        return seen


class Worker(Agent):
    def __init__(self) -> None:
        self.done = 0

    @handles
    async def on_work(self, work: Work) -> int:
        self.done += 1
        if work.bad:
            raise ValueError("bad work")
        return self.done


def worker(strategy: Restart) -> type[Agent]:
    return type("Worker", (Worker,), {"on_failure": strategy, "name": "worker", "__module__": __name__})


@pytest.mark.parametrize("value", [object(), "\ud800", float("nan")], ids=["object", "surrogate", "nan"])
def test_an_error_whose_facts_cannot_be_recorded_is_recorded_all_the_same(value: object) -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            raise RunError("odd", fact=value)

    assert Drive(Main).start(Go()).failure.what == "odd"


@pytest.mark.parametrize(
    "said", [("q", "a", 3), ("q", "\ud800", ""), (object(), "a", "")], ids=["number", "surrogate", "object"]
)
def test_a_decision_that_cannot_be_recorded_is_the_handlers_error(said: tuple[str, str, str]) -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            self.decide(said[0], options=["a"], chosen=said[1], because=said[2])

    assert Drive(Main).start(Go()).failure.type == "MessageInvalid"


@pytest.mark.parametrize("to", [None, ["worker"], 3], ids=str)
def test_a_recipient_that_is_no_name_is_the_handlers_error(to: object) -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await self.ask(to, Work())  # type: ignore[call-overload]

    assert "recipient" in Drive(Main).start(Go()).failure.what


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interrupt_inside_a_step_is_not_recorded_and_leaves_the_kernel_unusable(stop: type[BaseException]) -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await look("x")
            raise stop("now")

    drive = Drive(Main).start(Go())
    blocks = list(drive.blocks)
    with pytest.raises(stop, match="now"):
        drive.answer("x")
    assert drive.blocks == blocks
    with pytest.raises(RunError, match="it broke before"):
        drive.later(1)
    assert sys.get_asyncgen_hooks() == (None, None)


def test_async_generators_are_closed_in_the_order_in_which_they_were_opened() -> None:
    closed: list[str] = []

    async def numbers(name: str) -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(name)

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            kept = [numbers("first"), numbers("second"), numbers("third")]
            return sum([await anext(each) for each in kept])

    assert Drive(Main).start(Go()).output == 3
    assert closed == ["first", "second", "third"]


def test_an_async_generator_whose_clean_up_awaits_is_an_error() -> None:
    async def numbers() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await look("late")

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return await anext(numbers())

    assert "whose clean-up awaits something" in Drive(Main).start(Go()).failure.what


def test_a_run_that_is_put_away_ends_its_handlers_without_letting_them_act(recwarn: pytest.WarningsRecorder) -> None:
    acted: list[str] = []

    class Stubborn(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            async def numbers() -> AsyncIterator[int]:
                yield 1
                yield 2

            async for _ in numbers():
                try:
                    await self.gather(look("x"), look("y"))
                finally:
                    acted.append("cleaned up")
                    await look("never")

    drive = Drive(Stubborn).start(Go())
    assert drive.kernel.close() == []
    assert acted == ["cleaned up"]
    assert len(drive.kernel.world.requests) == 2, "the one it asked for in its clean-up was not asked for"
    del drive
    gc.collect()
    assert list(recwarn) == []


def test_a_handler_that_will_not_end_is_named() -> None:
    alive = True

    class Immortal(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            while alive:
                with suppress(BaseException):
                    await look("x")

    drive = Drive(Immortal).start(Go())
    assert drive.kernel.close() == ["immortal/1/0"]
    alive = False
