"""Effects that wait for a person, are in doubt after a crash, or were completed by a turn that failed."""

from __future__ import annotations

from agentops.errors import PermissionDenied
from agentops.kernel.agent import Agent, Restart, handles
from agentops.kernel.gate import Admission, Amount, Charge, OpenGate, Proposal
from agentops.kernel.records import (
    Answer,
    Approval,
    Denied,
    Dispatched,
    Effect,
    Resumed,
    Reused,
    Withdrawn,
)
from agentops.kernel.tool import tool
from agentops.messages import Message
from tests.kernel.driving import Drive


class Go(Message):
    n: int = 1


@tool(effect="pure", retries=2)
async def look(what: str, limit: int = 3) -> list[str]:
    """Look something up."""
    return [what] * limit


@tool(effect="irreversible")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


class Looker(Agent):
    @handles
    async def on_go(self, go: Go) -> list[str]:
        return list(await look("bees", go.n))


class Payer(Agent):
    @handles
    async def on_go(self, go: Go) -> str:
        return str(await pay(go.n))


class RuleGate(OpenGate):
    """Judges as it is told, and remembers what it was asked."""

    def __init__(self, verdict: str = "allow", charge: Charge | None = None) -> None:
        self.verdict = verdict
        self.charge = charge
        self.asked: list[Proposal] = []
        self.settled: list[tuple[str, bool]] = []

    def admit(self, proposal: Proposal) -> Admission:
        self.asked.append(proposal)
        if self.verdict == "ask" and not proposal.approved:
            return Admission(verdict="ask", rule="ask-first", because="it costs money")
        if self.verdict == "deny":
            return Admission(verdict="deny", rule="never", error=PermissionDenied("not this one", rule="never"))
        return Admission(verdict="allow", rule="fine", because="it may", reserved=Amount(tool_calls=1))

    def settle(self, effect: str, usage: object, *, happened: bool) -> Charge | None:
        self.settled.append((effect, happened))
        return self.charge


class Flaky(Agent):
    on_failure = Restart("restart", redeliver=True)
    fails = 1

    @handles
    async def on_go(self, go: Go) -> list[str]:
        paid = await pay(go.n)
        found = await look("again", go.n)
        if type(self).fails:
            type(self).fails -= 1
            raise ValueError("not today")
        return [paid, *found]


def test_an_approved_effect_goes_ahead_and_names_who_approved() -> None:
    gate = RuleGate("ask")
    drive = Drive(Payer, gate=gate).start(Go(5))
    (approval,) = drive.of(Approval)
    assert (approval.effect, approval.rule, approval.because) == ("payer/1/0.1", "ask-first", "it costs money")
    assert drive.pending == []
    assert list(drive.kernel.pending_approvals().values()) == [approval]
    drive.deliver(Answer(drive.at, approval.effect, "approve", "ada"))
    assert gate.asked[-1].approved == "ada"
    assert drive.kernel.pending_approvals() == {}
    assert [request.dispatched for request in drive.pending] == [False]


def test_a_denied_approval_is_a_recorded_denial_that_names_who_and_why() -> None:
    drive = Drive(Payer, gate=RuleGate("ask")).start(Go(5))
    drive.deliver(Answer(drive.at, "payer/1/0.1", "deny", "ada", "too much"))
    assert drive.failure.type == "PermissionDenied"
    assert drive.failure.what == "tool pay was denied by ada: too much"
    assert [denied.rule for denied in drive.of(Denied)] == ["person"]


def test_an_irreversible_effect_is_requested_twice_and_performed_only_after_its_dispatch_is_recorded() -> None:
    drive = Drive(Payer).start(Go(5))
    assert [request.dispatched for request in drive.pending] == [False]
    drive.pending.clear()
    drive.deliver(Dispatched(drive.at, "payer/1/0.1"))
    assert [request.dispatched for request in drive.pending] == [True]
    drive.answer("paid")
    assert drive.output == "paid"


def test_a_pure_effect_is_performed_without_a_dispatch_record() -> None:
    assert [request.dispatched for request in Drive(Looker).start(Go()).pending] == [True]


def test_an_irreversible_effect_that_is_given_up_before_its_dispatch_is_withdrawn_on_record() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            async with self.timeout(1):
                await pay(go.n)

    gate = RuleGate()
    drive = Drive(Main, gate=gate).start(Go())
    drive.pending.clear()
    drive.later(1)
    drive.deliver(Dispatched(drive.at, "main/1/0.1"))
    assert drive.pending == []
    assert [record.effect for record in drive.of(Withdrawn)] == ["main/1/0.1"]
    assert gate.settled == [("main/1/0.1", False)]
    assert drive.failure.type == "TimedOut"


def test_an_effect_in_doubt_waits_for_a_person_who_may_have_it_made_again() -> None:
    drive = Drive(Payer).start(Go(5))
    drive.deliver(Dispatched(drive.at, "payer/1/0.1"))
    drive.pending.clear()
    drive.deliver(Resumed(drive.at, (), ("payer/1/0.1",)))
    assert [approval.rule for approval in drive.kernel.pending_approvals().values()] == ["in-doubt"]
    assert drive.pending == []
    drive.deliver(Answer(drive.at, "payer/1/0.1", "approve", "ada"))
    assert [effect.id for effect in drive.of(Effect)] == ["payer/1/0.1", "payer/1/0.1#2"]
    drive.answer("paid")
    assert drive.output == "paid"


def test_an_effect_in_doubt_that_a_person_does_not_have_repeated_is_an_error() -> None:
    drive = Drive(Payer).start(Go(5))
    drive.deliver(Dispatched(drive.at, "payer/1/0.1"))
    drive.deliver(Resumed(drive.at, (), ("payer/1/0.1",)))
    drive.deliver(Answer(drive.at, "payer/1/0.1", "deny", "ada"))
    assert drive.failure.type == "InDoubt"
    assert "may or may not have happened" in drive.failure.what


def test_a_lost_effect_that_may_be_repeated_is_requested_again_under_the_same_id() -> None:
    drive = Drive(Looker).start(Go())
    drive.pending.clear()
    drive.deliver(Resumed(drive.at, ("looker/1/0.1",)))
    assert [request.id for request in drive.pending] == ["looker/1/0.1"]
    drive.answer(["x"])
    assert drive.output == ["x"]


def test_a_lost_effect_that_nobody_waits_for_any_more_is_not_made_again() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            async with self.timeout(1):
                await look("bees")

    drive = Drive(Main).start(Go())
    drive.later(1)
    assert drive.finished is None, "the run waits for what it gave up"
    drive.pending.clear()
    drive.deliver(Resumed(drive.at, ("main/1/0.1",)))
    assert drive.pending == []
    assert drive.failure.type == "TimedOut"


def test_a_redelivered_message_reuses_the_effects_that_its_failed_turn_completed() -> None:
    Flaky.fails = 1
    drive = Drive(Flaky).start(Go())
    drive.deliver(Dispatched(drive.at, "flaky/1/0.1"))
    drive.pending.pop(0)
    drive.answer("paid once")
    drive.answer(["seen"])
    assert drive.output == ["paid once", "seen"]
    assert [(reused.id, reused.of) for reused in drive.of(Reused)] == [
        ("flaky/2/0.1", "flaky/1/0.1"),
        ("flaky/2/0.2", "flaky/1/0.2"),
    ]


def test_the_next_message_reuses_nothing_of_a_turn_that_was_cancelled() -> None:
    class Worker(Agent):
        on_failure = Restart("restart", redeliver=True)

        @handles
        async def on_go(self, go: Go) -> str:
            paid = await pay(go.n)
            await self.sleep(10)
            return str(paid)

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            try:
                async with self.timeout(1):
                    await self.ask("worker", go)
            except Exception:  # noqa: BLE001, S110 - the first one is given up
                pass
            return str(await self.ask("worker", go))

    drive = Drive(Main, Worker).start(Go())
    drive.deliver(Dispatched(drive.at, "worker/1/0.1"))
    drive.pending.pop(0)
    drive.answer("first")
    drive.later(1)
    assert drive.of(Reused) == []
    assert [request.id for request in drive.pending] == ["worker/2/0.1"]
