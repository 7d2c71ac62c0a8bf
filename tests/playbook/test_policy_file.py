"""Policies in files of their own are read as strictly as playbooks, and every fault has its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentops.errors import PolicyError
from agentops.playbook.policy_file import PolicyFile, policy_of, read_policy_yaml
from agentops.playbook.yaml_source import parse_yaml
from tests.playbook.house import CATALOG, compiled

TOOLS = [tool.declaration for tool in CATALOG.tools.values()]


def read(text: str) -> PolicyFile:
    return policy_of(parse_yaml(text.encode(), file="p.yaml"), TOOLS)


def test_a_file_holds_the_rules_and_their_tests() -> None:
    text = "allow: [count_words]\ntests:\n  - {name: t, call: {tool: publish}, expect: deny}\n"
    found = read(text)
    assert [rule.tool for rule in found.form.allow] == ["count_words"]
    assert found.locate(("tests", 0)) == "p.yaml:3:5"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("alow: [publish]", "p.yaml:1:7: there is no key 'alow' here. Did you mean 'allow'"),
        ("allow: [publsh]", "p.yaml:1:9: no tool is called 'publsh'. Did you mean 'publish'"),
        ("allow:\n  - tool: publish\n    args: {titel: {equals: x}}", "p.yaml:3:19: publish takes no argument 'titel'"),
        ("allow:\n  - publish\n  - publish", "p.yaml:3:5: unreachable rule: 'allow:publish#2' decides nothing"),
        ("deny: ['*']\nallow: [publish]", "p.yaml:2:9: unreachable rule: 'allow:publish' decides nothing"),
        ("tests:\n  - name: t\n    call: {tool: publish}\n    expect: maybe", "p.yaml:4:13: 'maybe' is no verdict"),
        ("allow:\n  - {tool: publish, args: {title: {mx: 1}}}", "p.yaml:2:35: there is no matcher 'mx'"),
    ],
)
def test_every_fault_has_its_line_and_column(text: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        read(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"allow: [a]\nallow: [b]", "p.yaml:2:1: the key 'allow' stands here twice"),
        (b"allow: &x [a]\ndeny: *x", "anchors are not used in policies"),
        (b"allow: !!python/object:os.system [a]", "tags are not used in policies"),
        (b"", "p.yaml:1:1: the file is empty"),
        (b"- a", "the file holds a list, not a mapping"),
        (b"allow: [\xff]", "not UTF-8"),
    ],
)
def test_what_strict_yaml_refuses_is_refused_as_a_policy(tmp_path: Path, text: bytes, told: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_bytes(text)
    with pytest.raises(PolicyError, match=told) as caught:
        read_policy_yaml(path, shown="p.yaml")
    assert "playbook" not in str(caught.value)


PLAYBOOK = """
playbook: words
inputs:
  text: {type: text, description: What to count}
policy:
  allow:
    - {tool: count_words, at_most: 2, id: twice}
    - publish
  tests:
    - {name: t, call: {tool: count_words, agent: words, args: {text: x}}, expect: allow}
steps:
  - id: count
    tool: count_words
    input: {text: "${inputs.text}"}
output: ${count}
"""


def test_a_playbooks_policy_may_hold_tests_and_limits_and_only_the_limits_reach_the_run(tmp_path: Path) -> None:
    found = compiled(tmp_path, {"words": PLAYBOOK})
    assert found.config.policy == {"allow": [{"tool": "count_words", "at_most": 2, "id": "twice"}, {"tool": "publish"}]}


def test_an_unreachable_rule_is_a_fault_of_a_playbook(tmp_path: Path) -> None:
    faulty = PLAYBOOK.replace("    - publish\n", "    - publish\n    - count_words\n")
    with pytest.raises(PolicyError, match=r"words.yaml:9:7: unreachable rule: 'allow:count_words' decides nothing"):
        compiled(tmp_path, {"words": faulty})


def test_a_test_of_a_playbooks_policy_names_its_agents(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"no agent is called 'word'\. Did you mean 'words'"):
        compiled(tmp_path, {"words": PLAYBOOK.replace("agent: words", "agent: word")})
