"""Deny by default; deny over ask over allow, whatever the order; doubt never opens anything."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import PolicyError
from agentops.kernel.gate import ToolDeclaration
from agentops.messages import encode
from agentops.supervisor.policy import Policy

WRITE = ToolDeclaration(
    "write_file",
    "Writes.",
    {"type": "object", "properties": {"path": {"type": "string"}, "mode": {"type": "string", "default": "new"}}},
    "irreversible",
)
SEARCH = ToolDeclaration("search_documents", "Searches.", {"type": "object", "properties": {"query": {}}}, "pure")


def policy(**said: Any) -> Policy:
    return Policy.from_mapping(said)


def judged(rules: Policy, tool: str = "write_file", agent: str = "writer", **arguments: Any) -> tuple[str, str]:
    ruling = rules.judge(tool, agent, encode(arguments), WRITE if tool == "write_file" else None)
    return ruling.verdict, ruling.rule


def test_an_empty_policy_denies_every_tool() -> None:
    assert judged(policy()) == ("deny", "default-deny")


def test_a_tool_named_is_allowed_and_no_other() -> None:
    rules = policy(allow=["write_file"])
    assert judged(rules) == ("allow", "allow:write_file")
    for other in ("write_files", "Write_file", "write_file ", "write\u200b_file", "writе_file", "write_fil", ""):  # noqa: RUF001
        assert judged(rules, other)[0] == "deny"


def test_the_order_of_rules_means_nothing() -> None:
    every = [("allow", "write_file"), ("ask", "write_*"), ("deny", "*")]
    for count in (1, 2, 3):
        for some in itertools.permutations(every, count):
            verdict = judged(policy(**{kind: [tool] for kind, tool in some}))[0]
            assert verdict == min((kind for kind, _ in some), key=["deny", "ask", "allow"].index)


def test_an_argument_must_be_there_and_fit_before_a_rule_allows() -> None:
    rules = policy(allow=[{"tool": "write_file", "args": {"path": {"path_under": "out"}}}])
    assert judged(rules, path="out/a.md")[0] == "allow"
    for path in ("etc/a", "out/../a", "/out/a", None, 5, ["etc/a", "out/a"], {"path": "out/a"}):
        assert judged(rules, path=path) == ("deny", "default-deny")
    assert judged(rules) == ("deny", "default-deny")


def test_an_argument_that_is_missing_or_odd_does_not_escape_a_rule_that_forbids() -> None:
    rules = policy(
        allow=["write_file"], deny=[{"tool": "write_file", "args": {"path": {"path_under": "secrets"}}, "id": "no"}]
    )
    assert judged(rules, path="out/a.md")[0] == "allow"
    for path in ("secrets/a", "Secrets/a", "out/../secrets/a", "/x/secrets", None, 5, ["out/a", "secrets/b"]):
        assert judged(rules, path=path) == ("deny", "no")
    assert judged(rules) == ("deny", "no")


def test_a_rule_that_asks_asks_in_doubt_only_about_what_is_allowed() -> None:
    asks = [{"tool": "write_file", "args": {"path": {"path_under": "out"}}}]
    assert judged(policy(ask=asks), path="out/x")[0] == "ask"
    assert judged(policy(ask=asks), path=5)[0] == "deny"
    assert judged(policy(ask=asks, allow=["write_file"]), path=5)[0] == "ask"
    assert judged(policy(ask=asks, allow=["write_file"]), path="etc/x")[0] == "allow"


def test_an_argument_left_out_counts_as_its_declared_default() -> None:
    rules = policy(allow=[{"tool": "write_file", "args": {"mode": {"one_of": ["new"]}}}])
    assert judged(rules, path="x")[0] == "allow"
    assert judged(rules, path="x", mode="append")[0] == "deny"


@pytest.mark.parametrize("arguments", [b"", b"[1]", b"null", b"{", b'"x"', b"\xff", b"[" * 100_000])
def test_arguments_that_are_no_object_are_denied_where_a_rule_looks_at_them(arguments: bytes) -> None:
    looks = policy(allow=[{"tool": "t", "args": {"a": {"max": 1}}}])
    assert looks.judge("t", "a", arguments).rule == "malformed-arguments"


def test_ten_thousand_levels_and_ten_megabytes_get_an_answer() -> None:
    rules = policy(allow=[{"tool": "t", "args": {"a": {"max_length": 5}}}])
    assert rules.judge("t", "a", b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}").verdict == "deny"
    assert rules.judge("t", "a", encode({"a": "x" * 10_000_000})).verdict == "deny"


def test_rules_can_be_for_some_agents_only() -> None:
    rules = policy(allow=[{"tool": "t", "agents": ["writer", "team.*"]}])
    verdicts = {agent: judged(rules, "t", agent)[0] for agent in ("writer", "team.a", "critic", "writer2", "")}
    assert verdicts == {"writer": "allow", "team.a": "allow", "critic": "deny", "writer2": "deny", "": "deny"}


def test_functions_are_opened_only_by_rules_that_say_act() -> None:
    assert judged(policy(allow=["*"], ask=["*"]), "act:shutil.rmtree")[0] == "deny"
    assert judged(policy(allow=["act:math.*"]), "act:math.sqrt")[0] == "allow"
    assert judged(policy(allow=["act:*"], deny=["*"]), "act:math.sqrt")[0] == "deny"


def test_models_are_free_unless_listed() -> None:
    assert policy().judge_model("any/model").verdict == "allow"
    some = policy(models=["offline/*", "openai/gpt-5-mini"])
    assert some.judge_model("offline/extractive").rule == "models:offline/*"
    assert some.judge_model("openai/gpt-5").verdict == "deny"
    assert policy(models=[]).judge_model("offline/extractive").verdict == "deny"


def test_a_denial_says_what_kept_the_nearest_rule_from_allowing() -> None:
    rules = policy(allow=[{"tool": "write_file", "id": "drafts", "args": {"path": {"path_under": "out"}}}])
    why = rules.judge("write_file", "writer", b'{"path":"etc/x"}', WRITE).why
    assert why == "rule 'drafts' takes 'path' only where path_under out, and it is 'etc/x'"
    assert "'path', which is missing" in rules.judge("write_file", "writer", b"{}", WRITE).why


def test_arguments_are_not_parsed_where_no_rule_looks_at_them() -> None:
    assert policy(allow=["t"], deny=[{"tool": "u", "args": {"a": {"max": 1}}}]).judge("t", "a", b"{").verdict == "allow"


def test_a_digest_names_a_policy_by_its_content() -> None:
    short, long = policy(allow=["t"]), policy(allow=[{"tool": "t"}])
    assert short.digest == long.digest
    assert len(short.digest) == 64
    assert policy(allow=["u"]).digest != short.digest
    assert policy(ask=["t"]).digest != short.digest


def test_names_of_rules_are_unique() -> None:
    rules = policy(allow=["t", "t", {"tool": "x", "id": "allow:t#2"}])
    assert len({rule.ruling.rule for rule in rules.rules}) == 3


FAULTS: list[tuple[Any, str]] = [
    ({"alow": []}, "policy.alow: there is no key 'alow' here. Did you mean 'allow'"),
    ({"allow": [{"tool": "t", "agent": ["a"]}]}, "policy.allow.0.agent: there is no key .*Did you mean 'agents'"),
    ({"allow": [{}]}, "policy.allow.0: the rule names no tool"),
    ({"allow": "t"}, "policy.allow: 't' does not fit"),
    ({"allow": [5]}, r"policy.allow.0: '5' does not fit"),
    ({"allow": [True]}, r"policy.allow.0: 'True' does not fit"),
    ({"allow": [""]}, "policy.allow.0.tool: '' does not fit"),
    ({"allow": ["t "]}, "policy.allow.0.tool: 't ' has white space"),
    ({"allow": ["t\u200b"]}, "hidden characters"),
    ({"allow": [{"tool": "t", "agents": []}]}, "policy.allow.0.agents"),
    ({"allow": [{"tool": "t", "agents": "a"}]}, "policy.allow.0.agents"),
    ({"deny": [{"tool": "t", "args": {"p": "x"}}]}, "policy.deny.0.args.p: 'x' is not a matcher"),
    ({"deny": [{"tool": "t", "args": {"p": {"maximum": 5}}}]}, "there is no matcher 'maximum'"),
    ({"deny": [{"tool": "t", "args": {"p": {"max": "5"}}}]}, "policy.deny.0.args.p: max: '5' is not a number"),
    ({"allow": [{"tool": "t", "id": "x"}], "deny": [{"tool": "u", "id": "x"}]}, "two rules are called 'x'"),
    ({"allow": [{"tool": "t", "id": "default-deny"}]}, "the name of a built-in rule"),
    ({"allow": [{"tool": "t", "because": 5}]}, "policy.allow.0.because"),
    ({"models": "offline/*"}, "policy.models"),
    ({1: []}, "policy"),
    (None, "policy: 'None' is not a mapping"),
    ([], "is not a mapping"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "text"), FAULTS)
def test_a_faulty_policy_is_refused_with_its_place(said: Any, text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        Policy.from_mapping(said)


def test_all_faults_are_told_at_once_at_the_places_that_the_caller_knows() -> None:
    said = {"allow": [{"tool": "t", "agent": 1}, {"tool": "u", "args": {"a": 1}}]}
    with pytest.raises(PolicyError, match=r"2 faults: book.yaml:allow/0/agent: .*\n  book.yaml:allow/1/args/a") as told:
        Policy.from_mapping(said, locate=lambda path: "book.yaml:" + "/".join(map(str, path)))
    assert told.value.path == ["allow", 0, "agent"]


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({"allow": ["write_fil"]}, "no tool is called 'write_fil'. Did you mean 'write_file'"),
        ({"deny": ["delete_*"]}, r"no tool is called 'delete_\*'"),
        ({"allow": [{"tool": "write_file", "args": {"pth": {"max_length": 3}}}]}, "write_file takes no argument 'pth'"),
        ({"allow": [{"tool": "*", "agents": ["wrter"]}]}, "no agent is called 'wrter'. Did you mean 'writer'"),
    ],
)
def test_names_that_fit_nothing_are_errors_where_the_names_are_known(said: dict[str, Any], text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        Policy.from_mapping(said, known_tools=[WRITE, SEARCH], known_agents=["writer", "critic"])


def test_known_names_are_accepted() -> None:
    said = {"allow": ["act:math.sqrt", {"tool": "*", "agents": ["w*"], "args": {"query": {"max_length": 9}}}]}
    assert Policy.from_mapping(said, known_tools=[WRITE, SEARCH], known_agents=["writer"]).rules


def test_two_hundred_rules_cost_nothing_but_those_that_name_the_tool() -> None:
    rules = [{"tool": f"tool_{n}", "args": {"path": {"path_under": "out"}}} for n in range(200)]
    made = policy(allow=rules, ask=[{**rule, "tool": f"{rule['tool']}_x"} for rule in rules])
    docket = made.docket("tool_7", "a")
    assert (len(docket.allow), len(docket.ask), len(docket.deny)) == (1, 0, 0)


values = st.sampled_from(["out/a", "etc/a", "out/../a", "OUT/a", 5, None, True, [], ["out/a", 5], {"x": 1}])
args: st.SearchStrategy[dict[str, Any]] = (
    st.just({}) | st.just({"a": {"path_under": "out"}}) | st.just({"b": {"equals": 5}})
)
rule_lists = st.lists(st.builds(lambda args: {"tool": "t", "args": args}, args), max_size=2)


@given(rule_lists, rule_lists, rule_lists, st.dictionaries(st.sampled_from("ab"), values))
def test_more_rules_of_a_stricter_kind_never_open_anything(
    allow: list[Any], ask: list[Any], deny: list[Any], arguments: dict[str, Any]
) -> None:
    """Adding a deny rule never loosens a verdict, nor does an ask rule loosen one that was allow."""
    strictness = ["allow", "ask", "deny"].index

    def verdict(**said: Any) -> int:
        return strictness(policy(**said).judge("t", "agent", encode(arguments)).verdict)

    assert verdict(allow=allow, ask=ask, deny=deny) >= verdict(allow=allow, ask=ask)
    if verdict(allow=allow) == strictness("allow"):
        assert verdict(allow=allow, ask=ask) >= strictness("allow")
    if not allow and not ask:
        assert verdict(deny=deny) == strictness("deny")
