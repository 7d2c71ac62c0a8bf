"""The supervisor on its own: one call in, its verdict out, the same as in a run."""

from __future__ import annotations

import doctest
import math
from typing import Any

import pytest

from agentops.errors import PolicyError
from agentops.kernel.gate import ToolDeclaration
from agentops.supervisor import judge as module
from agentops.supervisor.guardrails import block, guardrail, passed
from agentops.supervisor.judge import Call, judge
from agentops.supervisor.limits import Limits
from agentops.supervisor.policy import Policy

WRITE = ToolDeclaration(
    "write",
    "Writes.",
    {"type": "object", "properties": {"path": {"type": "string"}, "mode": {"type": "string", "default": "new"}}},
    "irreversible",
)
NEW_ONLY = {"allow": [{"tool": "write", "args": {"mode": {"equals": "new"}}}]}


def test_the_example_in_its_docstring_holds() -> None:
    found = doctest.testmod(module)
    assert (found.failed, found.attempted > 5) == (0, True)


def test_declared_defaults_count_where_the_declaration_is_given() -> None:
    assert judge(WRITE, {"path": "x"}, policy=NEW_ONLY).verdict == "allow"
    assert judge("write", {"path": "x"}, policy=NEW_ONLY).verdict == "deny"
    assert judge(WRITE, b'{"path":"x","mode":"over"}', policy=NEW_ONLY).rule == "default-deny"


@pytest.mark.parametrize(
    "arguments", [b"", b"[]", b"{", b'"x"', b'{"a":1}{', {"x": math.nan}, {"x": object()}, {1: 2}, b"[" * 20_000]
)
def test_arguments_that_json_cannot_carry_are_denied_even_where_no_rule_looks_at_them(arguments: Any) -> None:
    found = judge("write", arguments, policy={"allow": ["*"]})
    assert (found.verdict, found.rule) == ("deny", "malformed-arguments")


def test_a_denial_says_what_to_do() -> None:
    found = judge(WRITE, {"path": "x"}, policy={}, agent="writer")
    assert found.because.startswith("'writer' may not call tool 'write': rule 'default-deny'")
    assert found.hint.startswith("Allow it in the playbook's policy")


def test_earlier_calls_count_towards_limits_of_rules_and_budgets_as_far_as_they_were_allowed() -> None:
    policy = Policy.from_mapping(
        {"ask": [{"tool": "write", "at_most": 2}], "deny": [{"tool": "write", "agents": ["g"]}]}
    )
    mine, theirs = Call(WRITE, {}), Call(WRITE, {}, "g")
    assert judge(WRITE, {}, policy=policy, earlier=[mine, theirs]).verdict == "ask"
    assert judge(WRITE, {}, policy=policy, earlier=[mine, theirs, mine]).rule == "ask:write:at_most"
    spent = judge(WRITE, {}, policy=policy, earlier=[mine], limits=Limits(tool_calls=1))
    assert (spent.verdict, spent.rule) == ("deny", "budget:run")


def test_an_approval_turns_a_question_into_an_answer_and_nothing_else() -> None:
    policy = {"ask": ["write"], "deny": [{"tool": "write", "agents": ["g"]}]}
    assert judge(WRITE, {}, policy=policy, approved="ann").verdict == "allow"
    assert judge(WRITE, {}, policy=policy, agent="g", approved="ann").verdict == "deny"


def test_functions_are_judged_by_their_name() -> None:
    assert judge("act:house.f", {"args": []}, policy={"allow": ["act:house.*"]}).verdict == "allow"
    assert judge("act:house.f", {"args": []}, policy={"allow": ["*"]}).verdict == "deny"


def test_guardrails_look_too_your_own_and_those_of_the_house() -> None:
    @guardrail(on="tool_call", name="no-x")
    def no_x(value: Any) -> Any:
        return block("x") if value.get("path") == "x" else passed

    policy = {"allow": ["write"]}
    assert judge(WRITE, {"path": "x"}, policy=policy, guardrails=[no_x]).rule == "no-x"
    key = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"
    found = judge(WRITE, {"path": key}, policy=policy, guardrails=["secrets", no_x])
    assert found.verdict == "allow"
    assert found.arguments is not None
    assert key not in str(found.arguments)
    with pytest.raises(PolicyError, match="there is no guardrail 'secret'"):
        judge(WRITE, {}, policy=policy, guardrails=["secret"])


def test_a_policy_that_cannot_be_used_is_an_error_and_no_verdict() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'allow'"):
        judge(WRITE, {}, policy={"alow": ["write"]})
