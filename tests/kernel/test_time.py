"""Time: deadlines are the kernel's, and so is the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agentops.errors import TimedOut
from agentops.kernel.agent import Agent, handles
from agentops.kernel.records import Abandoned, Fired, Outcome, Raw
from agentops.kernel.tool import tool
from agentops.messages import Message
from tests.kernel.driving import SECOND, Drive


class Go(Message):
    n: int = 3


class Note(Message):
    text: str = ""


@tool(effect="pure")
async def look(what: str) -> str:
    """Look something up."""
    return what


class Slow(Agent):
    """Answers after ten seconds; its mailbox holds one message."""

    mailbox = 1

    @handles
    async def on_note(self, note: Note) -> str:
        await self.sleep(10)
        return note.text


def driven(body: Callable[[Any], Awaitable[Any]], **spec: Any) -> Drive:
    """A run of one agent with this handler, and of a slow one."""

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> Any:
            return await body(self)

    return Drive(Main, Slow, **spec).start(Go())


def test_sleep_ends_when_the_clock_has_advanced_and_not_before() -> None:
    async def body(self: Agent) -> float:
        before = self.now()
        await self.sleep(2.5)
        return (self.now() - before).total_seconds()

    drive = driven(body)
    drive.later(2.4)
    assert drive.finished is None
    drive.later(0.2)
    assert drive.output == 2.6


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_sleep_that_is_no_number_of_seconds_is_the_handlers_error(seconds: float) -> None:
    assert "nobody can sleep" in driven(lambda self: self.sleep(seconds)).failure.what


def test_timers_fire_by_deadline_and_then_in_the_order_in_which_they_were_set() -> None:
    woken: list[str] = []

    async def body(self: Agent) -> None:
        async def one(name: str, seconds: float) -> None:
            await self.sleep(seconds)
            woken.append(name)

        await self.gather(one("late", 3), one("a", 2), one("b", 2), one("early", 1))

    driven(body).later(10)
    assert woken == ["early", "a", "b", "late"]


def test_a_clock_that_goes_backwards_stands_still_instead() -> None:
    async def body(self: Agent) -> list[float]:
        first = self.now()
        await look("x")
        return [(self.now() - first).total_seconds()]

    drive = driven(body)
    drive.deliver(Outcome(drive.at - 5 * SECOND, drive.pending[0].id, "ok", Raw(b'"x"')))
    assert drive.output == [0.0]


def test_a_timeout_raises_and_gives_up_what_was_waited_for() -> None:
    async def body(self: Agent) -> str:
        try:
            async with self.timeout(2):
                return str(await look("x"))
        except TimedOut as late:
            return late.what

    drive = driven(body)
    drive.later(2)
    assert [record.effect for record in drive.of(Abandoned)] == ["main/1/0.1"]
    assert len(drive.of(Fired)) == 1
    assert drive.finished is None, "the run waits for the outcome that is owed"
    drive.answer("late")
    assert drive.output == "no end within 2 seconds"


def test_of_nested_timeouts_the_one_that_is_over_raises_where_it_was_entered() -> None:
    async def body(self: Agent) -> str:
        async with self.timeout(9):
            try:
                async with self.timeout(1):
                    await self.sleep(50)
            except TimedOut:
                await self.sleep(1)
                return "went on"
        return "never"

    drive = driven(body)
    drive.later(1)
    drive.later(1)
    assert drive.output == "went on"


def test_an_outer_timeout_ends_inner_ones_too() -> None:
    async def body(self: Agent) -> str:
        try:
            async with self.timeout(1):
                try:
                    async with self.timeout(9):
                        await self.sleep(50)
                except TimedOut:
                    return "the wrong one"
        except TimedOut as late:
            return f"{late.seconds:g}"
        return "never"

    drive = driven(body)
    drive.later(1)
    assert drive.output == "1"


def test_the_seconds_of_a_run_are_a_limit() -> None:
    drive = driven(lambda self: self.sleep(100), seconds=30)
    drive.later(29)
    assert drive.finished is None
    drive.later(1)
    assert drive.failure.type == "BudgetExceeded"
    assert drive.finished is not None
    assert drive.finished.status == "stopped"


def test_a_knot_is_seen_at_once_although_the_run_has_a_time_limit() -> None:
    class Left(Agent):
        mailbox = 1

        @handles
        async def on_go(self, go: Go) -> None:
            for _ in range(4):
                await self.send("right", Note())

        @handles
        async def on_note(self, note: Note) -> None:
            pass

    class Right(Agent):
        mailbox = 1

        @handles
        async def on_note(self, note: Note) -> None:
            for _ in range(4):
                await self.send("left", note)

    assert Drive(Left, Right, seconds=3600).start(Go()).failure.type == "Deadlock"
