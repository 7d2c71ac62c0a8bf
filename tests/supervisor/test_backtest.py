"""Recorded calls under another policy: what it stops, asks about and opens."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.kernel.gate import ToolDeclaration
from agentops.messages import encode
from agentops.supervisor.backtest import BackTest, RecordedCall, back_test
from agentops.supervisor.policy import Policy


def call(
    n: int, tool: str = "mail", outcome: Any = "made", *, rule: str = "old", approved: str = "", **args: Any
) -> RecordedCall:
    return RecordedCall(f"a/1/0.{n}", tool, "a", encode(args), outcome, rule, approved)


def tried(*calls: RecordedCall, **policy: Any) -> BackTest:
    return back_test("r", calls, Policy.from_mapping(policy))


@pytest.mark.parametrize(
    ("outcome", "verdict", "change"),
    [
        ("made", "allow", None),
        ("made", "ask", "asked"),
        ("made", "deny", "stopped"),
        ("waiting", "allow", "opened"),
        ("waiting", "ask", None),
        ("waiting", "deny", "stopped"),
        ("refused", "allow", "opened"),
        ("refused", "ask", "opened"),
        ("refused", "deny", None),
        ("stopped", "allow", None),
        ("stopped", "deny", None),
        ("withdrawn", "deny", None),
    ],
)
def test_what_changes_follows_from_what_happened_and_what_would_be_said(
    outcome: str, verdict: str, change: str | None
) -> None:
    found = tried(call(1, outcome=outcome), **{verdict: ["mail"]})
    assert [each.change for each in found.findings] == ([] if change is None else [change])


def test_what_a_person_decided_is_taken_as_decided_where_the_policy_would_ask() -> None:
    assert tried(call(1, approved="ann"), ask=["mail"]).findings == ()
    assert tried(call(1, outcome="refused", rule="person"), ask=["mail"]).findings == ()
    (opened,) = tried(call(1, outcome="refused", rule="person"), allow=["mail"]).findings
    assert (opened.change, opened.then_rule) == ("opened", "person")


def test_the_first_stop_of_a_run_is_told_with_its_rule_and_who_had_approved_the_call() -> None:
    found = tried(
        call(1, "read"), call(2, approved="ann"), call(3), allow=["read"], deny=[{"tool": "mail", "id": "no"}]
    )
    assert found.calls == 3
    assert found.stopped is not None
    assert (found.stopped.effect, found.stopped.rule, found.stopped.approved) == ("a/1/0.2", "no", "ann")
    assert [each.effect for each in found.findings] == ["a/1/0.2", "a/1/0.3"]
    assert tried(call(1, "read"), allow=["read"]).stopped is None


def test_limits_count_the_calls_that_were_made_and_would_be_let_through() -> None:
    limited = {"tool": "mail", "at_most": 2, "id": "two", "args": {"to": {"equals": "x"}}}
    calls = [
        call(1, outcome="refused", to="x"),
        call(2, outcome="withdrawn", to="x"),
        call(3, to="y"),
        *(call(n, to="x") for n in (4, 5, 6)),
    ]
    found = tried(*calls, allow=[limited])
    assert [(each.effect, each.rule) for each in found.findings if each.change == "stopped"] == [
        ("a/1/0.3", "default-deny"),
        ("a/1/0.6", "two:at_most"),
    ]


def test_defaults_that_a_tool_declares_count() -> None:
    declared = ToolDeclaration("mail", "", {"properties": {"to": {"default": "x"}}}, "irreversible")
    policy = Policy.from_mapping({"allow": [{"tool": "mail", "args": {"to": {"equals": "x"}}}]})
    assert back_test("r", [call(1)], policy).stopped is not None
    assert back_test("r", [call(1)], policy, {"mail": declared}).stopped is None


def test_the_reason_says_what_kept_the_nearest_rule_from_allowing() -> None:
    found = tried(call(1, to="y"), allow=[{"tool": "mail", "args": {"to": {"equals": "x"}}}])
    assert "takes 'to' only where equals x, and it is 'y'" in found.findings[0].because


def test_a_run_without_calls_has_no_findings() -> None:
    assert tried(allow=["mail"]) == BackTest("r", 0, ())
