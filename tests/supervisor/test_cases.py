"""The tests inside a policy: read strictly, and run each for itself."""

from __future__ import annotations

from typing import Any

import pytest

from agentops.errors import PolicyError
from agentops.kernel.gate import ToolDeclaration
from agentops.supervisor.cases import CaseResult, run_cases
from agentops.supervisor.policy import Policy
from agentops.supervisor.policy_reading import read_form

MAIL = ToolDeclaration("mail", "Mails.", {"type": "object", "properties": {"to": {"default": "x"}}}, "irreversible")
RULES: dict[str, Any] = {"allow": [{"tool": "mail", "at_most": 2, "id": "two", "args": {"to": {"equals": "x"}}}]}


def results(*cases: dict[str, Any]) -> list[CaseResult]:
    form = read_form({**RULES, "tests": list(cases)}, tools=[MAIL])
    return run_cases(Policy(form), form.tests, {"mail": MAIL})


def case(expect: str = "allow", name: str = "t", **more: Any) -> dict[str, Any]:
    rule = {"rule": more.pop("rule")} if "rule" in more else {}
    return {"name": name, "call": {"tool": "mail", **more}, "expect": expect, **rule}


def test_a_test_passes_where_verdict_and_rule_are_as_expected() -> None:
    found = results(
        case(),
        case("deny", "wrong verdict"),
        case("allow", "rule", rule="two"),
        case("deny", "by whom", args={"to": "y"}, rule="two"),
        case("deny", "default", args={"to": "y"}, rule="default-deny"),
    )
    assert [each.passed for each in found] == [True, False, True, False, True]
    assert (found[3].verdict, found[3].rule, found[3].expect_rule) == ("deny", "default-deny", "two")


def test_earlier_calls_belong_to_the_test_that_names_them() -> None:
    found = results(case(name="a", earlier=1), case("deny", "b", earlier=2, rule="two:at_most"), case(name="c"))
    assert [each.passed for each in found] == [True, True, True]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (case(agnt="a"), "policy.tests.0.call.agnt: there is no key 'agnt' here. Did you mean 'agent'"),
        ({**case(), "expct": "deny"}, "tests.0.expct: there is no key 'expct' here. Did you mean 'expect'"),
        (case("alow"), "tests.0.expect: 'alow' is no verdict. Did you mean 'allow'"),
        ({"name": "x", "expect": "deny"}, "tests.0: the test has no 'call'"),
        ({"name": "x", "call": {}, "expect": "deny"}, "tests.0.call: the test has no 'tool'"),
        (case(args={"too": 1}), "tests.0.call.args.too: mail takes no argument 'too'. Did you mean 'to'"),
        ({**case(), "call": {"tool": "mial"}}, "tests.0.call.tool: no tool is called 'mial'. Did you mean 'mail'"),
        (case(rule="tow"), "tests.0.rule: no rule is called 'tow'. Did you mean 'two'"),
        (case(earlier=-1), "tests.0.call.earlier: '-1' does not fit"),
        (case(agent="wirter"), "tests.0.call.agent: no agent is called 'wirter'. Did you mean 'writer'"),
    ],
)
def test_a_test_that_could_not_mean_what_it_says_is_an_error(said: dict[str, Any], text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        read_form({**RULES, "tests": [said]}, tools=[MAIL], agents=["writer"])


def test_two_tests_with_one_name_are_an_error() -> None:
    with pytest.raises(PolicyError, match="two tests are called 't'"):
        read_form({**RULES, "tests": [case(), case()]})
