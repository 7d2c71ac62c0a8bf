"""Effects: judged, recorded, requested, answered, settled; and what becomes of each when something goes wrong."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from agentops.errors import AgentDefinitionError, BudgetExceeded, MessageInvalid, PermissionDenied, RunError
from agentops.kernel.agent import Agent, Restart, handles
from agentops.kernel.gate import Admission, Amount, Charge, OpenGate, Proposal
from agentops.kernel.records import (
    Answer,
    Approval,
    Denied,
    Dispatched,
    Effect,
    ErrorRecord,
    Outcome,
    Resumed,
    Retrying,
    Reused,
    Settled,
    Withdrawn,
)
from agentops.kernel.tool import PERFORMING, ToolContext, tool
from agentops.messages import Message, decode
from tests.kernel.driving import SECOND, Drive


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


def shout(text: str) -> str:
    return text.upper()


class Looker(Agent):
    @handles
    async def on_go(self, go: Go) -> list[str]:
        return await look("bees", go.n)


class Payer(Agent):
    @handles
    async def on_go(self, go: Go) -> str:
        return await pay(go.n)


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
            look("bees")  # type: ignore[unused-awaitable]
            self.sleep(3)  # type: ignore[unused-awaitable]

    drive = Drive(Main).start(Go())
    assert drive.failure.what == "main/1/0 made and never awaited: tool look, sleep(3)"
    assert drive.pending == []


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
            return paid

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


def _kernel_refuses(call: object) -> ErrorRecord:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await call(self)  # type: ignore[operator]

    return Drive(Main).start(Go()).failure


def test_a_tools_arguments_are_checked_where_it_is_called() -> None:
    wrong_name = _kernel_refuses(lambda _: look(whatever="bees"))  # type: ignore[call-arg]
    assert (wrong_name.type, wrong_name.hint.startswith("Its signature is look(")) == ("MessageInvalid", True)
    assert "Expected `int`" in _kernel_refuses(lambda _: look("bees", limit="many")).what  # type: ignore[arg-type]
    assert _kernel_refuses(lambda _: look(object())).type == "MessageInvalid"  # type: ignore[arg-type]


def test_act_names_its_function_by_module_and_must_not_be_repeated() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            return str(await self.act(shout, "hey"))

    drive = Drive(Main).start(Go())
    (effect,) = drive.of(Effect)
    assert effect.name == f"act:{__name__}.shout"
    assert decode(bytes(effect.arguments)) == {"args": ["hey"]}
    assert drive.pending[0].operation.kind.effect == "irreversible"


def test_act_refuses_what_has_no_name_or_holds_variables() -> None:
    held = 3

    def closure() -> int:
        return held

    for function in (closure, lambda: 3):
        assert _kernel_refuses(lambda agent, f=function: agent.act(f)).what.startswith("act cannot call")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", object()], ids=str)
def test_act_refuses_arguments_that_the_record_could_not_give_back(value: object) -> None:
    assert _kernel_refuses(lambda agent: agent.act(shout, value)).type == "MessageInvalid"


def test_a_tool_inside_another_tool_is_refused_unless_it_is_pure() -> None:
    token = PERFORMING.set(ToolContext("run", "a/1/0.1", "run/a/1/0.1", None, None))  # type: ignore[arg-type]
    try:
        with pytest.raises(RunError, match=r"tool pay \(irreversible\) was called inside another tool"):
            pay(3)  # type: ignore[unused-awaitable]
        look("bees").close()
    finally:
        PERFORMING.reset(token)


def test_only_what_may_be_repeated_can_ask_for_retries() -> None:
    with pytest.raises(AgentDefinitionError, match="is irreversible and asks for 2 retries"):

        @tool(effect="irreversible", retries=2)
        async def once() -> None:
            """Happen."""


def test_a_tool_outside_a_run_is_its_function() -> None:
    with pytest.raises(StopIteration) as stop:  # noqa: PT012 - match is on the value below
        look("bees", 2).send(None)
    assert stop.value.value == ["bees", "bees"]


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
            return await fetch()

    drive = Drive(Main).start(Go())
    drive.answer({"$payload": "cuckoo"})
    assert b'{"$payload":"cuckoo"}' not in drive.blocks[-1], "else a resume would look for it among the payloads"


def test_messages_are_checked_as_they_are_sent() -> None:
    with pytest.raises(MessageInvalid, match="nan"):
        from agentops.messages import codec

        codec(float).encode(float("nan"))
