"""``at_most``: a rule lets so many calls through in a run, whoever else would allow more."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.errors import PermissionDenied, PolicyError
from agentops.kernel.gate import Admission, Proposal
from agentops.messages import encode
from agentops.supervisor.config import Config
from agentops.supervisor.guardrails import Guardrail, ask, guardrail
from agentops.supervisor.limits import Limits
from agentops.supervisor.policy import Policy
from agentops.supervisor.supervisor import Supervisor


def supervisor(*guards: Guardrail, limits: Limits | None = None, **policy: Any) -> Supervisor:
    config = Config(limits=limits or Limits(), policy=policy, guardrails=tuple(guard.name for guard in guards))
    return Supervisor.from_config(config, guardrails=guards)


def call(
    gate: Supervisor, n: int, *, tool: str = "mail", agent: str = "a", approved: str = "", **args: Any
) -> Admission:
    proposal = Proposal(f"{agent}/1/0.{n}", "tool", tool, agent, encode(args), 0, approved=approved)
    return gate.admit(proposal)


def rules(gate: Supervisor, count: int, **args: Any) -> list[str]:
    return [call(gate, n, **args).rule for n in range(count)]


@pytest.mark.parametrize("args", [{}, {"to": {"max_length": 9}}])
def test_one_call_more_than_a_rule_lets_through_is_denied_by_its_limit(args: dict[str, Any]) -> None:
    gate = supervisor(allow=[{"tool": "mail", "at_most": 2, "id": "mails", "args": args}])
    assert rules(gate, 4, to="x") == ["mails", "mails", "mails:at_most", "mails:at_most"]
    assert gate.tally["mails"] == 2
    refused = call(gate, 9, to="x")
    assert isinstance(refused.error, PermissionDenied)
    assert "rule 'mails' lets 2 calls through in a run" in refused.error.what


def test_a_limit_is_on_the_run_and_not_on_each_agent() -> None:
    gate = supervisor(allow=[{"tool": "m*", "at_most": 2, "id": "two"}])
    found = [call(gate, 1, agent="a"), call(gate, 1, agent="b", tool="meet"), call(gate, 1, agent="c")]
    assert [each.rule for each in found] == ["two", "two", "two:at_most"]


def test_a_limit_holds_whatever_other_rules_allow() -> None:
    for allow in (
        ["*", {"tool": "mail", "at_most": 1, "id": "one"}],
        [{"tool": "mail", "at_most": 1, "id": "one"}, "*"],
    ):
        gate = supervisor(allow=allow)
        assert [call(gate, n).verdict for n in range(2)] == ["allow", "deny"]
        assert call(gate, 3).rule == "one:at_most"
        assert call(gate, 4, tool="look").rule == "allow:*"


def test_in_doubt_a_call_counts_and_what_surely_does_not_fit_does_not() -> None:
    limited = {"tool": "mail", "at_most": 1, "id": "one", "args": {"to": {"email_domain": "example.org"}}}
    gate = supervisor(allow=["mail", limited])
    assert rules(gate, 3, to="x@other.test") == ["allow:mail"] * 3
    assert call(gate, 5, to="Ann <ann@example.org>").verdict == "allow"
    assert call(gate, 6, to="ann@example.org").rule == "one:at_most"


def test_what_is_asked_for_counts_once_it_is_approved_and_nobody_is_asked_beyond_the_limit() -> None:
    gate = supervisor(ask=[{"tool": "mail", "at_most": 1, "id": "mails"}])
    assert call(gate, 1).verdict == "ask"
    assert call(gate, 2).verdict == "ask"
    assert call(gate, 1, approved="ann").verdict == "allow"
    assert call(gate, 2, approved="ann").rule == "mails:at_most"
    assert call(gate, 3).rule == "mails:at_most"


def test_what_a_guardrail_asks_about_counts_too() -> None:
    @guardrail(on="tool_call", name="wary")
    def wary(value: Any) -> Any:
        return ask("who knows")

    gate = supervisor(wary, allow=[{"tool": "mail", "at_most": 1, "id": "mails"}])
    assert call(gate, 1).verdict == "ask"
    assert call(gate, 1, approved="ann").verdict == "allow"
    assert call(gate, 2, approved="ann").rule == "mails:at_most"


def test_what_never_left_does_not_count_and_what_no_budget_covers_does_not_either() -> None:
    gate = supervisor(limits=Limits(tool_calls=1), allow=[{"tool": "mail", "at_most": 2, "id": "mails"}])
    assert call(gate, 1).verdict == "allow"
    assert call(gate, 2).rule == "budget:run"
    assert gate.tally["mails"] == 1
    gate.settle("a/1/0.1", None, happened=False)
    assert gate.tally["mails"] == 0
    assert call(gate, 3).verdict == "allow"
    gate.settle("a/1/0.3", None, happened=True)
    assert gate.tally["mails"] == 1


def test_each_attempt_of_a_retry_counts() -> None:
    gate = supervisor(allow=[{"tool": "mail", "at_most": 1, "id": "mails"}])
    first = Proposal("a/1/0.1", "tool", "mail", "a", b"{}", 0)
    assert gate.admit(first).verdict == "allow"
    gate.settle("a/1/0.1", None, happened=True)
    assert gate.admit(Proposal("a/1/0.1#2", "tool", "mail", "a", b"{}", 0)).rule == "mails:at_most"


def test_a_denial_is_told_by_its_own_rule_and_not_by_a_limit() -> None:
    gate = supervisor(allow=[{"tool": "mail", "at_most": 1, "id": "mails"}], deny=[{"tool": "mail", "agents": ["g"]}])
    assert call(gate, 1).verdict == "allow"
    assert call(gate, 2, agent="g").rule == "deny:mail"


def test_functions_are_limited_like_tools() -> None:
    gate = supervisor(allow=[{"tool": "act:house.mail", "at_most": 1, "id": "once"}])
    act = [Proposal(f"a/1/0.{n}", "act", "act:house.mail", "a", b'{"args":[]}', 0) for n in (1, 2)]
    assert [gate.admit(each).rule for each in act] == ["once", "once:at_most"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"allow": [{"tool": "mail", "at_most": 0}]}, "greater than or equal to 1"),
        ({"allow": [{"tool": "mail", "at_most": True}]}, "valid integer"),
        ({"allow": [{"tool": "mail", "at_most": 1.5}]}, "valid integer"),
        ({"deny": [{"tool": "mail", "at_most": 1}]}, "lets no call through to be counted"),
        ({"allow": [{"tool": "mail", "id": "x:at_most"}]}, "ends as the names of limits do"),
        ({"allow": [{"tool": "mail", "atmost": 1}]}, "Did you mean 'at_most'"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(said: dict[str, Any], text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        Policy.from_mapping(said)


def test_the_digest_tells_limits_apart_and_not_tests() -> None:
    plain = Policy.from_mapping({"allow": ["mail"]}).digest
    limited = Policy.from_mapping({"allow": [{"tool": "mail", "at_most": 1}]}).digest
    case = {"name": "x", "call": {"tool": "mail"}, "expect": "allow"}
    assert plain != limited
    assert Policy.from_mapping({"allow": ["mail"], "tests": [case]}).digest == plain
