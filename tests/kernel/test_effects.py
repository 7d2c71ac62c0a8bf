"""Effects: judged, recorded, requested, answered, settled; and what becomes of each when something goes wrong."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agentops.errors import BudgetExceeded, PermissionDenied, RunError
from agentops.kernel.agent import Agent, handles
from agentops.kernel.gate import Admission, Amount, Charge, OpenGate, Proposal
from agentops.kernel.records import (
    Denied,
    Effect,
    ErrorRecord,
    Outcome,
    Retrying,
    Settled,
)
from agentops.kernel.tool import tool
from agentops.messages import Message, decode
from tests.kernel.driving import SECOND, Drive


class Go(Message):
    n: int = 1


@tool(effect="pure", retries=2)
async def look(what: str, limit: int = 3) -> list[str]:
    """Look something up."""
    return [what] * limit


class Looker(Agent):
    @handles
    async def on_go(self, go: Go) -> list[str]:
        return list(await look("bees", go.n))


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


TRANSIENT = ErrorRecord("ToolFailed", "busy", facts={"transient": True})


def test_an_admitted_effect_is_on_record_with_its_rule_before_it_is_requested() -> None:
    gate = RuleGate()
    drive = Drive(Looker, gate=gate).start(Go(2))
    (effect,) = drive.of(Effect)
    assert (effect.id, effect.name, effect.rule, effect.because) == ("looker/1/0.1", "look", "fine", "it may")
    assert decode(bytes(effect.arguments)) == {"what": "bees", "limit": 2}
    assert effect.reserved == Amount(tool_calls=1)
    assert [request.id for request in drive.pending] == [effect.id]
    drive.answer(["a", "b"])
    assert drive.output == ["a", "b"]
    assert gate.settled == [("looker/1/0.1", True)]


def test_a_denied_effect_never_leaves_and_its_denial_names_the_rule() -> None:
    drive = Drive(Looker, gate=RuleGate("deny")).start(Go())
    (denied,) = drive.of(Denied)
    assert (denied.rule, denied.error.type, drive.pending) == ("never", "PermissionDenied", [])
    assert drive.finished is not None
    assert drive.finished.status == "denied"


def test_a_transient_failure_is_tried_again_after_a_pause_that_doubles() -> None:
    gate = RuleGate()
    drive = Drive(Looker, gate=gate).start(Go())
    drive.answer(error=TRANSIENT)
    assert drive.pending == []
    assert drive.deadline == drive.at + SECOND
    drive.later(1)
    drive.answer(error=TRANSIENT)
    assert drive.deadline == drive.at + 2 * SECOND
    drive.later(2)
    drive.answer(["x"])
    assert drive.output == ["x"]
    assert [each.attempt for each in drive.of(Retrying)] == [2, 3]
    keys = ["looker/1/0.1", "looker/1/0.1#2", "looker/1/0.1#3"]
    assert [proposal.effect for proposal in gate.asked] == keys, "each attempt is judged anew"
    assert gate.settled == [(key, True) for key in keys], "and settled"


def test_retries_end_and_the_last_failure_is_raised() -> None:
    drive = Drive(Looker).start(Go())
    for _ in range(3):
        drive.answer(error=TRANSIENT)
        if drive.deadline is not None:
            drive.later(60)
    assert drive.failure.type == "ToolFailed"
    assert drive.failure.what == "busy"


def test_a_failure_that_is_not_transient_is_not_tried_again() -> None:
    drive = Drive(Looker).start(Go())
    drive.answer(error=ErrorRecord("ToolFailed", "no such thing"))
    assert drive.failure.what == "no such thing"
    assert drive.of(Retrying) == []


@pytest.mark.parametrize(("wanted", "pause"), [(7.5, 7.5), (100_000, 60.0), (0, 0.0)])
def test_retry_after_says_how_long_the_pause_is_up_to_a_minute(wanted: float, pause: float) -> None:
    drive = Drive(Looker).start(Go())
    drive.answer(error=replace(TRANSIENT, facts={"transient": True, "retry_after": wanted}))
    assert drive.deadline == drive.at + round(pause * SECOND)


def test_an_operation_that_is_never_awaited_is_an_error_with_its_name() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            look("bees")  # type: ignore[unused-coroutine]
            self.sleep(3)  # type: ignore[unused-awaitable]

    drive = Drive(Main).start(Go())
    assert drive.failure.what == "main/1/0 made and never awaited: tool look, sleep(3)"
    assert drive.pending == []


def test_what_an_effect_came_to_is_recorded_where_it_is_not_what_was_reserved() -> None:
    charge = Charge(Amount(tool_calls=3), overrun=Amount(tool_calls=2))
    drive = Drive(Looker, gate=RuleGate(charge=charge)).start(Go())
    drive.answer(["x"])
    (settled,) = drive.of(Settled)
    assert (settled.effect, settled.amount, settled.overrun) == ("looker/1/0.1", charge.settled, charge.overrun)


def test_what_an_effect_came_to_is_not_repeated_where_it_is_what_was_reserved() -> None:
    drive = Drive(Looker, gate=RuleGate(charge=Charge(Amount(tool_calls=1)))).start(Go())
    drive.answer(["x"])
    assert drive.of(Settled) == []


def test_an_outcome_of_the_wrong_type_is_the_handlers_error() -> None:
    drive = Drive(Looker).start(Go())
    drive.answer({"not": "a list"})
    assert drive.failure.type == "MessageInvalid"


def test_an_outcome_for_an_effect_that_is_not_open_breaks_the_kernel_for_good() -> None:
    drive = Drive(Looker).start(Go())
    with pytest.raises(RunError, match="which is not open"):
        drive.deliver(Outcome(drive.at, "looker/9/0.1", "ok"))
    with pytest.raises(RunError, match="it broke before"):
        drive.answer(["x"])


def test_a_budget_that_is_used_up_is_the_error_that_the_gate_gave() -> None:
    class Broke(OpenGate):
        def admit(self, proposal: Proposal) -> Admission:
            return Admission(verdict="deny", rule="budget", error=BudgetExceeded("nothing left", unit="money"))

    drive = Drive(Looker, gate=Broke()).start(Go())
    assert drive.failure.type == "BudgetExceeded"
    assert drive.finished is not None
    assert drive.finished.status == "stopped"


def test_large_arguments_and_outcomes_are_kept_aside_under_their_digest() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return len(await look("b" * 5000))

    drive = Drive(Main).start(Go())
    assert bytes(drive.of(Effect)[0].arguments).startswith(b'{"$payload":')
    reaction = drive.answer(["y" * 5000])
    assert len(reaction.block) < 1000
    assert any(b"yyyy" in blob for blob in reaction.blobs.values())
    assert drive.output == 1


def test_a_value_that_looks_like_a_reference_to_a_payload_comes_back_as_it_is() -> None:
    @tool(effect="pure")
    async def fetch() -> dict[str, str]:
        """Fetch."""
        return {}

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> dict[str, str]:
            return dict(await fetch())

    drive = Drive(Main).start(Go())
    drive.answer({"$payload": "cuckoo"})
    assert b'{"$payload":"cuckoo"}' not in drive.blocks[-1], "else a resume would look for it among the payloads"
