"""Cancellation: whoever is cancelled stays cancelled, except for cleaning up; nothing is left open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agentops.errors import Cancelled, TimedOut
from agentops.kernel.agent import Agent, handles
from agentops.kernel.cancelling import PATIENCE
from agentops.kernel.gate import Admission, OpenGate, Proposal
from agentops.kernel.records import Abandoned, Cancel, Halted, Tick, Withdrawn
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


async def _an_effect(self: Agent) -> Any:
    await look("x")


async def _an_answer(self: Agent) -> Any:
    await self.ask("slow", Note())


async def _a_timer(self: Agent) -> Any:
    await self.sleep(100)


async def _a_branch(self: Agent) -> Any:
    await self.gather(self.start(self.sleep(100)))


async def _a_gather(self: Agent) -> Any:
    await self.gather(self.sleep(100), look("x"))


async def _room(self: Agent) -> Any:
    for _ in range(3):
        await self.send("slow", Note())


WAITS = [_an_effect, _an_answer, _a_timer, _a_branch, _a_gather, _room]


def test_cancellation_is_level_triggered() -> None:
    seen: list[str] = []

    async def body(self: Agent) -> None:
        for _ in range(3):
            try:
                await look("x")
            except Cancelled:
                seen.append("again")
        seen.append("ends")

    drive = driven(body)
    drive.deliver(Cancel(drive.at, "enough"))
    assert seen == ["again", "again", "again", "ends"]
    drive.answer("late")
    assert drive.failure.what == "cancelled: enough"


def test_a_handler_that_swallows_its_cancellation_for_ever_is_closed() -> None:
    swallowed: list[int] = []

    async def body(self: Agent) -> None:
        while True:
            try:
                await self.sleep(1)
            except Cancelled:
                swallowed.append(1)

    drive = driven(body)
    drive.deliver(Cancel(drive.at, "enough"))
    assert len(swallowed) == PATIENCE + 1
    assert drive.finished is not None
    assert drive.finished.status == "cancelled"


def test_effects_go_through_in_a_clean_up_although_the_handler_is_cancelled() -> None:
    async def body(self: Agent) -> None:
        try:
            await self.sleep(100)
        finally:
            async with self.cleanup(5):
                await look("saved")
                await look("closed")
            await look("never")

    drive = driven(body)
    drive.deliver(Cancel(drive.at, "enough"))
    drive.answer("ok")
    assert [request.id for request in drive.pending] == ["main/1/0.2"]
    drive.answer("ok")
    assert drive.pending == []
    assert drive.failure.what == "cancelled: enough"


def test_a_clean_up_may_have_other_agents_do_several_things() -> None:
    class Keeper(Agent):
        @handles
        async def on_note(self, note: Note) -> str:
            return f"{await look(note.text)}{await look('and that')}"

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            try:
                await self.sleep(100)
            finally:
                async with self.cleanup(5):
                    await self.ask("keeper", Note("this"))
                    await self.ask("keeper", Note("more"))

    drive = Drive(Main, Keeper).start(Go())
    drive.deliver(Cancel(drive.at, "enough"))
    for n in range(1, 5):
        assert drive.pending, f"the clean-up was cut off before effect {n}"
        drive.answer("ok")
    assert drive.of(Abandoned) == drive.of(Withdrawn) == []
    assert drive.failure.what == "cancelled: enough"


def test_a_clean_up_that_takes_too_long_is_ended_by_its_own_deadline() -> None:
    async def body(self: Agent) -> None:
        try:
            await self.sleep(100)
        finally:
            async with self.cleanup(5):
                await self.sleep(60)

    drive = driven(body)
    drive.deliver(Cancel(drive.at, "enough"))
    assert drive.finished is None
    drive.later(5)
    assert drive.finished is not None


def test_agents_that_talk_for_ever_in_a_clean_up_are_cut_into_slices_and_ended_by_its_deadline() -> None:
    class Echo(Agent):
        @handles
        async def on_note(self, note: Note) -> str:
            return note.text

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            try:
                await self.sleep(100)
            finally:
                async with self.cleanup(5):
                    while True:
                        await self.ask("echo", Note("again"))

    drive = Drive(Main, Echo, slice=50).start(Go())
    assert drive.kernel.deliver(Cancel(drive.at, "enough")).more
    reaction = drive.kernel.deliver(Tick(drive.at + 5 * SECOND))
    assert reaction.finished is not None


@pytest.mark.parametrize("wait", WAITS, ids=lambda wait: wait.__name__)
@pytest.mark.parametrize("by", ["timeout", "run"])
def test_whatever_a_handler_waits_for_it_can_be_interrupted(wait: Callable[[Agent], Awaitable[Any]], by: str) -> None:
    raised: list[str] = []

    async def body(self: Agent) -> str:
        try:
            async with self.timeout(1):
                await wait(self)
        except BaseException as error:
            raised.append(type(error).__name__)
            if by == "run":
                raise
        return "went on"

    drive = driven(body)
    if by == "timeout":
        drive.later(1)
    else:
        drive.deliver(Cancel(drive.at, "enough"))
    assert raised == ["TimedOut" if by == "timeout" else "Cancelled"]
    drive.run(lambda _: "late")
    assert drive.finished is not None
    assert drive.finished.status == ("done" if by == "timeout" else "cancelled")
    assert drive.kernel.close() == []


def test_a_branch_that_was_awaited_under_a_deadline_goes_on_behind_it() -> None:
    async def body(self: Agent) -> str:
        branch = self.start(look("x"))
        try:
            async with self.timeout(1):
                await branch
        except TimedOut:
            pass
        return str(await branch)

    drive = driven(body)
    drive.later(1)
    drive.answer("found")
    assert drive.output == "found"


def test_an_effect_that_is_given_up_in_the_delivery_that_asked_for_it_never_leaves() -> None:
    async def body(self: Agent) -> None:
        async def fails() -> None:
            raise ValueError

        await self.gather(look("x"), fails())

    drive = driven(body)
    assert drive.pending == []
    assert [record.effect for record in drive.of(Withdrawn)] == ["main/1/0.1.1"]
    assert drive.finished is not None


def test_an_approval_whose_asker_was_cancelled_is_withdrawn() -> None:
    class Asks(OpenGate):
        def admit(self, proposal: Proposal) -> Admission:
            return Admission(verdict="ask", rule="ask")

    async def body(self: Agent) -> None:
        async with self.timeout(1):
            await look("x")

    drive = driven(body, gate=Asks())
    assert len(drive.kernel.pending_approvals()) == 1
    drive.later(1)
    assert not drive.kernel.pending_approvals()
    assert drive.failure.type == "TimedOut"


def test_cancelling_an_ask_cancels_the_turn_that_is_at_work_on_it() -> None:
    async def body(self: Agent) -> str:
        try:
            async with self.timeout(1):
                await self.ask("slow", Note("a"))
        except TimedOut:
            pass
        return str(await self.ask("slow", Note("b")))

    drive = driven(body)
    drive.later(1)
    assert [(record.at, record.reason) for record in drive.of(Halted)] == [("slow/1/0", "its asker was cancelled")]
    drive.later(10)
    assert drive.output == "b"


def test_a_question_that_was_not_taken_up_yet_is_withdrawn_with_its_asker() -> None:
    async def body(self: Agent) -> str:
        first = self.start(self.ask("slow", Note("a")))
        await self.sleep(1)
        try:
            async with self.timeout(1):
                await self.ask("slow", Note("b"))
        except TimedOut:
            pass
        return str(await first)

    drive = driven(body)
    drive.later(1)
    drive.later(1)
    assert [record.effect for record in drive.of(Withdrawn)] == ["main/1/0.2"]
    drive.later(8)
    assert drive.output == "a"
    assert drive.kernel.world.processes["slow"].turns == 1


def test_what_a_branch_started_in_a_clean_up_asks_for_goes_through() -> None:
    async def body(self: Agent) -> None:
        try:
            await self.sleep(100)
        finally:
            async with self.cleanup(5):
                await self.gather(look("a"), look("b"))

    drive = driven(body)
    drive.deliver(Cancel(drive.at, "enough"))
    assert len(drive.pending) == 2
    drive.answer("a")
    drive.answer("b")
    assert drive.failure.what == "cancelled: enough"
