"""Rules that can never decide anything, because another one always decides first. Only what is certain is reported.

Such a rule is a mistake: its author believes that it does something. Whether one covers another is told from their
texts: the other names every tool and every agent that this one names, and asks no more of the arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from agentops.supervisor.matchers import MATCHERS, glob
from agentops.supervisor.policy_form import PolicyForm, RuleForm, rule_names, rules_of

__all__ = ["unreachable_rules"]


class _Known(NamedTuple):
    verdict: str
    number: int
    rule: RuleForm
    name: str


def unreachable_rules(form: PolicyForm) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """The path of each rule that never decides, and why."""
    pairs = zip(rules_of(form), rule_names(form), strict=True)
    every = [_Known(*rule, name) for rule, name in pairs]
    for one in every:
        if one.rule.at_most is not None and one.verdict != "deny":
            rivals = [other for other in every if other.verdict == "deny"]  # it counts what others decide, too
        else:
            rivals = every
        over = next((other for other in rivals if other is not one and _hides(other, one)), None)
        if over is not None:
            what = "that it names" if one.verdict == over.verdict else f"that it would {one.verdict}"
            why = f"{one.name!r} decides nothing, for {over.name!r} ({over.verdict}) decides every call {what}"
            yield (one.verdict, one.number), why


def _hides(other: _Known, one: _Known) -> bool:
    """Whether ``other`` decides wherever ``one`` could."""
    ranks = {"deny": 0, "ask": 1, "allow": 2}
    if ranks[other.verdict] > ranks[one.verdict] or not _covers_names(other, one):
        return False
    if other.verdict == one.verdict:
        return _order(other) < _order(one) and _covers_arguments(other.rule, one.rule, lists=True)
    return _covers_arguments(other.rule, one.rule, lists=one.verdict != "allow")


def _order(known: _Known) -> tuple[bool, bool, int]:
    """Which of the fitting rules of one verdict gives its name: see `agentops.supervisor.policy.Docket`."""
    return (bool(known.rule.args), "*" in known.rule.tool, known.number)


def _covers_names(other: _Known, one: _Known) -> bool:
    """Whether ``other`` is about every tool and every agent that ``one`` is about.

    A pattern fits another as a text only where it fits all that the other fits: stars are met by stars alone.
    """
    tool = one.rule.tool
    if not glob(other.rule.tool)(tool):
        return False
    if tool.startswith("act:") and other.verdict != "deny" and not other.rule.tool.startswith("act:"):
        return False
    if other.rule.agents is None:
        return True
    mine = one.rule.agents or ()
    return bool(mine) and all(any(glob(wide)(name) for wide in other.rule.agents) for name in mine)


def _covers_arguments(other: RuleForm, one: RuleForm, *, lists: bool) -> bool:
    """Whether arguments that fit ``one`` always fit ``other``: what ``other`` asks for, ``one`` asks for as well.

    Of a rule that allows under one that denies or asks, an empty list is certain to fit the one and certain not to
    fit the other where matchers look into lists (``lists`` False): there, nothing is certain.
    """
    for argument, wanted in other.args.items():
        mine = one.args.get(argument)
        if mine is None:
            return False
        for name, setting in wanted.items():
            if name not in mine or repr(mine[name]) != repr(setting) or (MATCHERS[name][1] and not lists):
                return False
    return True
