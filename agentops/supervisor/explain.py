"""Why a policy says what it says about one call: every rule that names the tool, and whether and why it fits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from agentops.kernel.gate import ToolDeclaration
from agentops.supervisor.matchers import glob
from agentops.supervisor.policy import Policy, Rule, Ruling, read_arguments, with_defaults
from agentops.supervisor.policy_form import AT_MOST
from agentops.supervisor.redact import Redactor
from agentops.supervisor.tally import Tally

__all__ = ["Account", "Explained", "explain"]

_LONGEST_SHOWN = 80
_CLEAN = Redactor()


class Account(msgspec.Struct, frozen=True):
    """What one rule makes of a call."""

    rule: str
    verdict: Literal["allow", "ask", "deny"]
    fits: Literal["yes", "perhaps", "no"]
    """``perhaps``: it cannot be told; enough for a rule that denies, never for one that allows."""
    reason: str
    decided: bool = False


class Explained(msgspec.Struct, frozen=True):
    """The answer, and what each rule that names the tool made of the call; the strictest verdict first."""

    ruling: Ruling
    accounts: tuple[Account, ...]


def explain(
    policy: Policy,
    tool: str,
    agent: str,
    arguments: bytes,
    declaration: ToolDeclaration | None = None,
    tally: Tally | None = None,
) -> Explained:
    """Judge a call (``arguments``: a JSON object) and account for it. ``tally``: of the calls made before it."""
    ruling = policy.judge(tool, agent, arguments, declaration)
    if tally is not None:
        ruling = tally.checked(ruling)
    given = read_arguments(arguments)
    values = None if given is None else with_defaults(given, declaration)
    decider = ruling.rule.removesuffix(AT_MOST)
    accounts = []
    for rule in policy.rules:
        if glob(rule.tool)(tool):
            fits, reason = _fit(rule, tool, agent, values)
            decided = rule.ruling.rule == decider
            if not decided:
                reason += _passed_over(rule, fits, ruling)
            accounts.append(Account(rule.ruling.rule, rule.ruling.verdict, fits, _CLEAN.text(reason), decided))
    return Explained(ruling, tuple(accounts))


_Fits = Literal["yes", "perhaps", "no"]


def _fit(rule: Rule, tool: str, agent: str, values: Mapping[str, Any] | None) -> tuple[_Fits, str]:
    """Whether a rule that names the tool fits this call, and what its answer hangs on."""
    if not rule.names(tool, agent):
        if rule.agents and not any(glob(name)(agent) for name in rule.agents):
            return "no", f"it is for {', '.join(rule.agents)}, not for {agent}"
        return "no", "only a rule whose tool begins with 'act:' opens functions"
    if not rule.args:
        return "yes", "it looks at no argument"
    if values is None:
        return "perhaps", "the arguments are no JSON object"
    doubts = list(_doubts(rule, values))
    against = [reason for sure, reason in doubts if sure]
    if against:
        return "no", "; ".join(against)
    if doubts:
        return "perhaps", "; ".join(reason for _, reason in doubts)
    names = [name for name, _ in rule.args]
    return "yes", f"{', '.join(names)} {'fits' if len(names) == 1 else 'fit'}"


def _doubts(rule: Rule, values: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """What keeps the arguments from fitting: for certain (True), or perhaps."""
    for name, matchers in rule.args:
        if name not in values:
            yield False, f"{name} is missing"
            continue
        value = values[name]
        for matcher in matchers:
            if not matcher.perhaps(value):
                yield True, f"{name} is {_shown(value)}, not {matcher}"
            elif not matcher.surely(value):
                yield False, f"{name} is {_shown(value)}, of which it cannot be told whether it is {matcher}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _passed_over(rule: Rule, fits: _Fits, ruling: Ruling) -> str:
    """Why a rule that fits did not decide."""
    verdict = rule.ruling.verdict
    if fits == "no":
        return ""
    if fits == "perhaps" and verdict == "allow":
        return "; a rule that allows needs certainty"
    if ruling.rule.endswith(AT_MOST) and verdict != "deny":
        return "; a limit goes over it"
    if verdict == ruling.verdict:
        return "; another rule of its kind gave its name first"
    if fits == "perhaps" and verdict == "ask":
        return "; in doubt a person is asked only about what some rule allows"
    return f"; {ruling.verdict} goes over {verdict}"
