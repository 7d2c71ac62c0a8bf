"""Rules that can never decide anything are told, and only those of which that is certain."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import PolicyError
from agentops.messages import encode
from agentops.supervisor.policy import Policy
from agentops.supervisor.policy_form import PolicyForm, rule_names, rules_of
from agentops.supervisor.unreachable import unreachable_rules

OUT = {"path": {"path_under": "out"}}
SHORT = {"text": {"max_length": 5}}


def paths(**said: Any) -> list[str]:
    return [".".join(map(str, path)) for path, _ in unreachable_rules(PolicyForm.model_validate(said))]


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"allow": ["w", "w"]}, ["allow.1"]),
        ({"allow": [{"tool": "w", "args": OUT}, "w"]}, ["allow.0"]),
        ({"allow": ["w", {"tool": "w", "args": OUT}]}, ["allow.1"]),
        ({"allow": [{"tool": "w", "args": OUT}, {"tool": "w", "args": {**OUT, **SHORT}}]}, ["allow.1"]),
        ({"allow": ["w"], "deny": ["*"]}, ["allow.0"]),
        ({"ask": [{"tool": "w", "args": OUT}], "deny": [{"tool": "w", "args": OUT}]}, ["ask.0"]),
        ({"allow": [{"tool": "w", "args": SHORT}], "deny": [{"tool": "w", "args": SHORT}]}, ["allow.0"]),
        ({"allow": ["w"], "ask": ["w"]}, ["allow.0"]),
        ({"deny": ["write_*", {"tool": "write_*e", "agents": ["a"]}]}, ["deny.1"]),
        ({"deny": [{"tool": "w", "agents": ["g*"]}, {"tool": "w", "agents": ["guest", "go*"]}]}, ["deny.1"]),
        ({"allow": ["act:m.f"], "deny": ["*"]}, ["allow.0"]),
        ({"allow": [{"tool": "w", "at_most": 1}], "deny": ["w"]}, ["allow.0"]),
    ],
)
def test_a_rule_behind_another_that_always_decides_first_is_told(said: dict[str, Any], found: list[str]) -> None:
    assert paths(**said) == found


@pytest.mark.parametrize(
    "said",
    [
        {"allow": ["*", "act:m.f"]},
        {"allow": ["w*"], "ask": ["w"]},
        {"allow": ["w"], "deny": [{"tool": "w", "agents": ["g"]}]},
        {"allow": ["w"], "deny": [{"tool": "w", "args": OUT}]},
        {
            "allow": [{"tool": "w", "args": OUT}],
            "deny": [{"tool": "w", "args": OUT}],
        },  # an empty list fits the one only
        {"allow": [{"tool": "w", "args": OUT}], "deny": [{"tool": "w", "args": {"path": {"path_under": "out/x"}}}]},
        {"deny": ["w", "w*"]},
        {"deny": [{"tool": "*", "agents": ["g"]}, {"tool": "w", "agents": ["g"]}]},
        {"allow": ["*", {"tool": "w", "at_most": 3}]},
        {"ask": ["w"], "allow": [{"tool": "w", "at_most": 3}]},
        {"ask": [{"tool": "w", "args": OUT}], "allow": [{"tool": "w", "args": {**OUT, **SHORT}}]},
    ],
)
def test_a_rule_that_might_decide_something_is_left_alone(said: dict[str, Any]) -> None:
    assert paths(**said) == []


def test_it_is_an_error_of_policies_that_people_write_with_its_place_and_both_names() -> None:
    said = {"allow": ["w", {"tool": "w", "id": "again"}]}
    text = r"p.yaml:allow.1: unreachable rule: 'again' decides nothing, for 'allow:w' \(allow\) decides every call"
    with pytest.raises(PolicyError, match=text):
        Policy.from_mapping(said, reachable=True, locate=lambda path: f"p.yaml:{'.'.join(map(str, path))}")
    assert len(Policy.from_mapping(said).rules) == 2


MATCHERS = st.sampled_from(
    [{"max_length": 2}, {"equals": "a"}, {"one_of": ["a", "b"]}, {"max": 2}, {"path_under": "a"}]
)
RULE = st.fixed_dictionaries(
    {"tool": st.sampled_from(["w", "wx", "w*", "*", "act:w", "act:*"])},
    optional={
        "agents": st.lists(st.sampled_from(["a", "a*", "b"]), min_size=1, max_size=2),
        "args": st.dictionaries(st.sampled_from(["p", "q"]), MATCHERS, max_size=2),
    },
)
VALUE = st.sampled_from(["a", "b", "A", "", "abc", 1, 5, None, [], ["a"], ["a", "z"], {"k": 1}, True])


@given(
    said=st.fixed_dictionaries({kind: st.lists(RULE, max_size=4) for kind in ("allow", "ask", "deny")}),
    calls=st.lists(
        st.tuples(
            st.sampled_from(["w", "wx", "v", "act:w"]),
            st.sampled_from(["a", "ab", "b", "c"]),
            st.dictionaries(st.sampled_from(["p", "q"]), VALUE),
        ),
        min_size=20,
        max_size=40,
    ),
)
def test_no_rule_that_is_told_ever_decides_and_without_it_every_verdict_is_the_same(
    said: dict[str, Any], calls: list[tuple[str, str, dict[str, Any]]]
) -> None:
    form = PolicyForm.model_validate(said)
    dead = {path for path, _ in unreachable_rules(form)}
    names = {
        name for (verdict, number, _), name in zip(rules_of(form), rule_names(form), strict=True)
        if (verdict, number) in dead
    }  # fmt: skip
    kept = {
        kind: [rule for number, rule in enumerate(found) if (kind, number) not in dead] for kind, found in said.items()
    }
    whole, without = Policy(form), Policy.from_mapping(kept)
    for tool, agent, arguments in calls:
        ruling = whole.judge(tool, agent, encode(arguments))
        assert ruling.rule not in names
        assert without.judge(tool, agent, encode(arguments)).verdict == ruling.verdict
