"""Why a call was decided as it was: every rule that names the tool accounts for itself."""

from __future__ import annotations

from typing import Any

from agentops.kernel.gate import ToolDeclaration
from agentops.messages import encode
from agentops.supervisor.explain import explain
from agentops.supervisor.policy import Policy, Quota
from agentops.supervisor.tally import Tally

RULES = {
    "allow": [
        {"tool": "write", "args": {"path": {"path_under": "out/"}}, "id": "out", "at_most": 2},
        {"tool": "*", "agents": ["root*"], "id": "root"},
        "read",
    ],
    "ask": [{"tool": "write", "args": {"size": {"min": 100}}, "id": "large"}],
    "deny": [{"tool": "write", "args": {"path": {"matches": "*.exe"}}, "id": "no-programs"}],
}


def told(
    tally: Tally | None = None, tool: str = "write", agent: str = "a", **arguments: Any
) -> dict[str, tuple[str, str]]:
    found = explain(Policy.from_mapping(RULES), tool, agent, encode(arguments), tally=tally)
    decided = [each.rule for each in found.accounts if each.decided]
    assert decided in ([], [found.ruling.rule.removesuffix(":at_most")])
    return {each.rule: (each.fits, each.reason) for each in found.accounts} | {
        "": (found.ruling.verdict, found.ruling.rule)
    }


def test_every_rule_that_names_the_tool_is_listed_with_its_reason_and_no_other() -> None:
    assert told(path="out/a", size=5) == {
        "": ("allow", "out"),
        "no-programs": ("no", "path is 'out/a', not matches *.exe"),
        "large": ("no", "size is 5, not min 100"),
        "out": ("yes", "path fits"),
        "root": ("no", "it is for root*, not for a"),
    }


def test_doubt_is_told_from_certainty() -> None:
    found = told(path="out/../x", size=5)
    assert found[""] == ("deny", "default-deny")
    fits, reason = found["out"]
    assert fits == "perhaps"
    assert reason.partition("; ")[::2] == (
        "path is 'out/../x', of which it cannot be told whether it is path_under out/",
        "a rule that allows needs certainty",
    )
    assert told(path=5)["no-programs"] == (
        "perhaps",
        "path is 5, of which it cannot be told whether it is matches *.exe",
    )
    assert told(path="etc/x")["large"][1] == (
        "size is missing; in doubt a person is asked only about what some rule allows"
    )


def test_what_goes_over_a_rule_that_fits_is_told() -> None:
    assert told(path="out/a", size=200)["out"] == ("yes", "path fits; ask goes over allow")
    assert told(path="out/a.exe", size=200)["large"] == ("yes", "size fits; deny goes over ask")
    assert told(agent="root", path="out/a", size=1)["out"] == (
        "yes",
        "path fits; another rule of its kind gave its name first",
    )


def test_a_limit_that_is_reached_decides() -> None:
    tally = Tally()
    for n in range(2):
        tally.count(f"a/1/0.{n}", (Quota("out", 2),))
    found = told(tally, path="out/a", size=5)
    assert found[""] == ("deny", "out:at_most")
    assert told(tally, agent="root", path="out/a", size=5)["root"][1] == "it looks at no argument; a limit goes over it"


def test_a_tool_that_no_rule_names_has_nothing_to_account_for() -> None:
    found = explain(Policy.from_mapping({"allow": ["read"]}), "write", "a", b"{}")
    assert (found.ruling.rule, found.accounts) == ("default-deny", ())


def test_functions_need_rules_of_their_own() -> None:
    assert told(tool="act:m.f", agent="root")["root"] == (
        "no",
        "only a rule whose tool begins with 'act:' opens functions",
    )


def test_arguments_that_are_none_are_told() -> None:
    found = explain(Policy.from_mapping(RULES), "write", "a", b"[]")
    assert found.ruling.rule == "malformed-arguments"
    assert {each.reason.partition(";")[0] for each in found.accounts if each.fits == "perhaps"} == {
        "the arguments are no JSON object"
    }


def test_declared_defaults_count() -> None:
    declared = ToolDeclaration(
        "write", "", {"properties": {"path": {"default": "out/a"}, "size": {"default": 1}}}, "pure"
    )
    found = explain(Policy.from_mapping(RULES), "write", "a", b"{}", declared)
    assert found.ruling.rule == "out"
