"""The calls of a run are read from its blocks as they were decided, with who approved them."""

from __future__ import annotations

from typing import Any

from agentops.app.recorded import agent_of, base_of, recorded_calls
from agentops.kernel.records import Answer, Approval, Denied, Effect, ErrorRecord, Raw, Tick, Withdrawn

NOTHING = Raw(b"{}")


def effect(ident: str = "a/1/0.1", kind: str = "tool", arguments: Raw = NOTHING) -> Effect:
    return Effect(ident, kind, "mail", arguments, "ok")


def denied(ident: str = "a/1/0.1", rule: str = "no", error: str = "PermissionDenied") -> Denied:
    return Denied(ident, "tool", "mail", NOTHING, rule, ErrorRecord(error, "no"))


def approval(ident: str = "a/1/0.1", rule: str = "mails") -> Approval:
    return Approval(ident, "tool", "mail", NOTHING, rule)


def read(*lines: Any) -> list[tuple[str, str, str, str]]:
    blocks: list[Any] = [(line, []) if isinstance(line, Answer) else (Tick(1), [line]) for line in lines]
    return [(each.effect, each.outcome, each.rule, each.approved) for each in recorded_calls(blocks, _no_payload)]


def _no_payload(digest: str) -> bytes:
    raise AssertionError(digest)


def test_calls_come_in_the_order_of_the_record_and_models_are_none() -> None:
    found = read(effect("a/1/0.2"), effect("a/1/0.1", kind="model"), denied("b/1/0.1"), effect("b/1/0.2", kind="act"))
    assert [each[:2] for each in found] == [("a/1/0.2", "made"), ("b/1/0.1", "refused"), ("b/1/0.2", "made")]


def test_what_a_person_approved_bears_their_name_on_every_attempt() -> None:
    found = read(approval(), Answer(1, "a/1/0.1", "approve", "ann"), effect(), effect("a/1/0.1#2"), effect("a/1/0.2"))
    assert [each[3] for each in found] == ["ann", "ann", ""]
    assert read(approval(), Answer(1, "a/1/0.1", "approve"), effect())[0][3] == "somebody"


def test_a_persons_no_is_a_refusal_and_a_budgets_is_not() -> None:
    assert read(approval(), Answer(1, "a/1/0.1", "deny", "ann"), denied(rule="person")) == [
        ("a/1/0.1", "refused", "person", "")
    ]
    assert read(denied(rule="budget:run", error="BudgetExceeded"))[0][1] == "stopped"
    assert read(denied(rule="size", error="GuardrailBlocked"))[0][1] == "stopped"


def test_what_nobody_has_answered_still_waits_and_a_doubt_is_no_call_of_its_own() -> None:
    assert read(approval(), effect("a/1/0.2")) == [("a/1/0.2", "made", "ok", ""), ("a/1/0.1", "waiting", "mails", "")]
    assert read(approval(), Withdrawn("a/1/0.1")) == []
    doubt = [effect(), approval(rule="in-doubt")]
    assert read(*doubt) == [("a/1/0.1", "made", "ok", "")]
    assert read(*doubt, Answer(1, "a/1/0.1", "approve", "ann"), effect("a/1/0.1#2"))[1:] == [
        ("a/1/0.1#2", "made", "ok", "ann")
    ]


def test_what_was_given_up_before_it_left_was_not_made() -> None:
    assert read(effect(), effect("a/1/0.1#2"), Withdrawn("a/1/0.1")) == [
        ("a/1/0.1", "made", "ok", ""),
        ("a/1/0.1#2", "withdrawn", "ok", ""),
    ]
    assert read(effect(), Withdrawn("a/2/0.1"))[0][1] == "made"


def test_large_arguments_are_fetched_by_their_digest() -> None:
    block = (Tick(1), [effect(arguments=Raw(b'{"$payload":"abc"}'))])
    (found,) = recorded_calls([block], lambda digest: b'{"digest":"%s"}' % digest.encode())
    assert found.arguments == b'{"digest":"abc"}'


def test_an_effects_id_tells_its_agent_and_its_first_attempt() -> None:
    assert (agent_of("compare.writer/12/0.1#3"), base_of("compare.writer/12/0.1#3")) == (
        "compare.writer",
        "compare.writer/12/0.1",
    )
    assert base_of("a#b/1/0.1") == "a#b/1/0.1"
