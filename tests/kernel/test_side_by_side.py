"""Pieces of one handler side by side: their order is the kernel's, and none of them is lost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agentops.errors import Cancelled, RunError
from agentops.kernel.agent import Agent, handles
from agentops.kernel.records import Abandoned, ErrorRecord, Sent, Withdrawn
from agentops.kernel.tool import tool
from agentops.messages import Message
from tests.kernel.driving import Drive


class Go(Message):
    n: int = 3


@tool(effect="pure")
async def look(what: str) -> str:
    """Look something up."""
    return what


def driven(body: Callable[[Any], Awaitable[Any]]) -> Drive:
    """A run of one agent with this handler."""

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> Any:
            return await body(self)

    return Drive(Main).start(Go())


def reply_in(order: str) -> Drive:
    drive = driven(lambda self: self.gather(look("a"), look("b"), look("c")))
    for each in order:
        drive.answer(each.upper(), effect=f"main/1/0.{'abc'.index(each) + 1}.1")
    return drive


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_gather_gives_results_in_argument_order_whatever_the_order_of_answers(order: str) -> None:
    assert reply_in(order).output == ["A", "B", "C"]


def test_all_effects_of_a_gather_are_asked_for_at_once() -> None:
    drive = driven(lambda self: self.gather(look("a"), look("b")))
    assert [request.id for request in drive.pending] == ["main/1/0.1.1", "main/1/0.2.1"]


def test_gather_fails_fast_and_waits_for_nothing_but_the_run_does() -> None:
    drive = driven(lambda self: self.gather(look("a"), look("b")))
    drive.answer(error=ErrorRecord("ToolFailed", "no a"))
    assert drive.cancelled == ["main/1/0.2.1"]
    assert [record.effect for record in drive.of(Abandoned)] == ["main/1/0.2.1"]
    assert drive.finished is None
    drive.answer("late")
    assert drive.failure.what == "no a"


def test_settle_waits_for_each_and_gives_failures_in_their_place() -> None:
    async def body(self: Agent) -> list[str]:
        found = await self.settle(look("a"), look("b"), look("c"))
        return [each if isinstance(each, str) else type(each).__name__ for each in found]

    drive = driven(body)
    drive.answer("A")
    drive.answer(error=ErrorRecord("ToolFailed", "no b"))
    drive.answer("C")
    assert drive.output == ["A", "ToolFailed", "C"]


def test_first_gives_index_and_result_and_gives_up_the_others() -> None:
    drive = driven(lambda self: self.first(look("a"), look("b"), look("c")))
    drive.answer("B", effect="main/1/0.2.1")
    assert sorted(drive.cancelled) == ["main/1/0.1.1", "main/1/0.3.1"]
    drive.answer("A")
    drive.answer("C")
    assert drive.output == [1, "B"]


def test_first_gives_a_tie_to_argument_order() -> None:
    async def at_once(n: int) -> int:
        return n

    assert driven(lambda self: self.first(at_once(7), at_once(8))).output == [0, 7]


def test_first_raises_when_the_first_to_end_failed() -> None:
    async def fails() -> None:
        raise ValueError("at once")

    drive = driven(lambda self: self.first(look("a"), fails()))
    assert drive.failure.what.endswith("raised ValueError: at once")
    assert drive.pending == []
    assert [record.effect for record in drive.of(Withdrawn)] == ["main/1/0.1.1"]


def test_first_of_nothing_is_an_error() -> None:
    assert "nothing to wait for" in driven(lambda self: self.first()).failure.what


def test_gather_and_settle_of_nothing_are_empty() -> None:
    async def body(self: Agent) -> list[Any]:
        return [await self.gather(), await self.settle()]

    assert driven(body).output == [[], []]


def test_a_branch_can_be_awaited_any_number_of_times() -> None:
    async def body(self: Agent) -> list[str]:
        branch = self.start(look("a"))
        assert not branch.done
        return [await branch, await branch, *await self.gather(branch, branch)]

    drive = driven(body)
    drive.answer("A")
    assert drive.output == ["A"] * 4


def test_a_branch_runs_beside_the_code_that_started_it() -> None:
    async def body(self: Agent) -> list[str]:
        branch = self.start(look("a"))
        mine = await look("b")
        return [mine, await branch]

    drive = driven(body)
    assert len(drive.pending) == 2
    drive.answer("B", effect="main/1/0.2")
    drive.answer("A")
    assert drive.output == ["B", "A"]


def test_the_failure_of_a_branch_that_nobody_awaits_fails_the_turn() -> None:
    async def body(self: Agent) -> str:
        _never_awaited = self.start(look("a"))
        return str(await look("b"))

    drive = driven(body)
    drive.answer(error=ErrorRecord("ToolFailed", "unseen"))
    drive.answer("B")
    assert drive.failure.what == "unseen"


def test_a_branch_may_not_outlive_its_turn() -> None:
    async def body(self: Agent) -> str:
        _never_awaited = self.start(look("a"))
        return "done"

    drive = driven(body)
    assert drive.pending == []
    assert "ended while its branches main/1/0.1 were still running" in drive.failure.what
    assert drive.failure.hint == "Await every branch that self.start returns."


def test_awaiting_a_branch_that_was_given_up_is_a_failure_and_not_a_silent_end() -> None:
    """The turn itself was not cancelled, so it may not end as if it had been."""

    class Worker(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            async def at_once() -> int:
                return 1

            branch = self.start(look("a"))
            await self.first(branch, at_once())
            await branch

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            await self.send("worker", go)
            return "sent"

    drive = Drive(Main, Worker).start(Go())
    assert len(drive.of(Sent)) == 1
    assert drive.failure.type == "HandlerFailed"
    assert "raised Cancelled: no longer needed" in drive.failure.what


def test_a_nested_gather_is_cancelled_with_the_one_around_it() -> None:
    async def fails(self: Agent) -> None:
        await look("x")

    drive = driven(lambda self: self.gather(self.gather(look("a"), look("b")), fails(self)))
    drive.answer(error=ErrorRecord("ToolFailed", "no x"), effect="main/1/0.2.1")
    assert sorted(drive.cancelled) == ["main/1/0.1.1.1", "main/1/0.1.2.1"]
    drive.answer("A")
    drive.answer("B")
    assert drive.failure.what == "no x"


def test_identity_is_a_path_so_an_effect_of_one_branch_renames_nothing_in_another() -> None:
    def ids(extra: int) -> list[str]:
        async def one() -> str:
            for _ in range(extra):
                await look("extra")
            return str(await look("one"))

        async def two() -> str:
            return str(await look("two"))

        drive = driven(lambda self: self.gather(one(), two()))
        seen = []
        while drive.pending:
            seen += [each.id for each in drive.pending if each.arguments == b'{"what":"two"}']
            drive.answer("x")
        return seen[:1]

    assert ids(0) == ids(2) == ["main/1/0.2.1"]


def test_a_branch_cannot_be_started_outside_a_handler() -> None:
    kept: list[Agent] = []

    async def body(self: Agent) -> int:
        kept.append(self)
        return 1

    driven(body)

    async def nothing() -> None:
        pass

    coroutine = nothing()
    with pytest.raises(RunError, match="outside a handler"):
        kept[0].start(coroutine)  # type: ignore[unused-awaitable]
    coroutine.close()


def test_a_thousand_branches_end_in_the_order_in_which_they_were_started() -> None:
    ended: list[int] = []

    async def one(n: int) -> int:
        ended.append(n)
        return n

    async def body(self: Agent) -> bool:
        return await self.gather(*[one(n) for n in range(1000)]) == list(range(1000))

    assert driven(body).output is True
    assert ended == list(range(1000))


def test_a_branch_started_under_a_deadline_that_has_passed_does_nothing() -> None:
    async def body(self: Agent) -> None:
        async with self.timeout(1):
            try:
                await look("a")
            except Cancelled:
                await self.gather(look("b"), look("c"))

    drive = driven(body)
    drive.later(1)
    drive.answer("late")
    assert drive.pending == []
    assert drive.failure.type == "TimedOut"
