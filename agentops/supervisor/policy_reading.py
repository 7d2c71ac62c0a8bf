"""Reads a policy from a mapping: everything that is wrong with it in words, all at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ValidationError

from agentops.errors import PolicyError
from agentops.kernel.gate import ToolDeclaration
from agentops.kernel.suggest import nearest
from agentops.supervisor.matchers import glob
from agentops.supervisor.policy_form import (
    AT_MOST,
    BUILT_IN,
    CallForm,
    CaseForm,
    PolicyForm,
    RuleForm,
    rule_names,
    rules_of,
)
from agentops.supervisor.unreachable import unreachable_rules

__all__ = ["Locate", "read_form"]

Locate: TypeAlias = Callable[[Sequence[str | int]], str]
"""Where the value at a path of the mapping stands, for errors: ``playbook.yaml:12:7``."""


class Fault(NamedTuple):
    """One thing that is wrong with a policy."""

    path: tuple[str | int, ...]
    what: str
    hint: str


def read_form(
    said: Mapping[str, Any],
    *,
    tools: Iterable[ToolDeclaration] | None = None,
    agents: Collection[str] | None = None,
    locate: Locate | None = None,
    reachable: bool = False,
) -> PolicyForm:
    """Check a mapping. With ``tools`` and ``agents`` given, names that fit none of them are errors too.

    ``reachable``: a rule that can never decide anything is an error; for policies that people write, not for those
    that programs put together. Raises `PolicyError` listing everything that is wrong, each with its place; facts
    ``path``: that of the first, ``faults``: all.
    """
    if not isinstance(said, Mapping):
        raise _refusal([Fault((), f"{str(said)[:60]!r} is not a mapping", "Write it as in {allow: [...]}.")], locate)
    try:
        form = PolicyForm.model_validate(dict(said))
    except ValidationError as error:
        raise _refusal([_fault(found) for found in error.errors()], locate) from error
    known = None if tools is None else {tool.name: tool for tool in tools}
    faults = [*_unknown_names(form, known, agents), *_odd_rules(form), *_odd_tests(form, known, agents)]
    if reachable and not faults:
        hint = "Remove it, or narrow the other one."
        faults = [Fault(path, f"unreachable rule: {why}", hint) for path, why in unreachable_rules(form)]
    if faults:
        raise _refusal(faults, locate)
    return form


# --- the shape -----------------------------------------------------------------------------------------------------


def _fault(found: Any) -> Fault:
    """One of pydantic's errors, in our words."""
    path = tuple(found["loc"])
    kind, said = found["type"], found["input"]
    if kind == "extra_forbidden":
        fields = _form_at(path[:-1]).model_fields
        return Fault(path, f"there is no key {str(path[-1])!r} here", nearest(str(path[-1]), fields))
    if kind == "missing":
        if path[0] == "tests":
            hint = "Write it as in {name: ..., call: {tool: write_file, args: {...}}, expect: deny}."
            return Fault(path[:-1], f"the test has no {path[-1]!r}", hint)
        return Fault(path[:-1], f"the rule names no {path[-1]}", "Write it as in {tool: write_file}.")
    if kind == "matcher":
        return Fault(path, found["msg"], "")
    if kind == "plain":
        return Fault(path, f"{str(said)[:60]!r} {found['msg']}", "")
    if kind == "literal_error":
        return Fault(path, f"{str(said)[:60]!r} is no verdict", nearest(str(said), ("allow", "ask", "deny")))
    return Fault(path, f"{str(said)[:60]!r} does not fit: {found['msg']}", "")


def _form_at(path: Sequence[str | int]) -> type[BaseModel]:
    """What is read at this path of a policy."""
    if not path:
        return PolicyForm
    if path[0] == "tests":
        return CallForm if "call" in path else CaseForm
    return RuleForm


def _refusal(faults: Sequence[Fault], locate: Locate | None) -> PolicyError:
    lines = []
    for path, what, hint in faults:
        place = locate(path) if locate is not None else f"policy.{'.'.join(map(str, path))}".rstrip(".")
        lines.append(f"{place}: {what}{f'. {hint}' if hint else ''}")
    head = "the policy cannot be used" if len(lines) == 1 else f"the policy has {len(lines)} faults"
    return PolicyError(
        "\n  ".join([f"{head}: {lines[0]}", *lines[1:]]),
        path=list(faults[0].path),
        faults=[list(f.path) for f in faults],
    )


# --- names that mean nothing ---------------------------------------------------------------------------------------


def _unknown_names(
    form: PolicyForm, known: Mapping[str, ToolDeclaration] | None, agents: Collection[str] | None
) -> Iterator[Fault]:
    for verdict, number, rule in rules_of(form):
        if known is not None and not rule.tool.startswith("act:"):
            named = [tool for name, tool in known.items() if glob(rule.tool)(name)]
            if not named:
                yield Fault((verdict, number, "tool"), f"no tool is called {rule.tool!r}", nearest(rule.tool, known))
            else:
                yield from _unknown_arguments((verdict, number, "args"), rule.tool, rule.args, named)
        for place, name in enumerate(rule.agents or ()):
            if agents is not None and not any(map(glob(name), agents)):
                yield Fault((verdict, number, "agents", place), f"no agent is called {name!r}", nearest(name, agents))


def _unknown_arguments(
    path: tuple[str | int, ...], tool: str, args: Iterable[str], named: Sequence[ToolDeclaration]
) -> Iterator[Fault]:
    """An argument that none of the named tools takes: a typing error would silently never match."""
    taken = {argument for each in named for argument in each.parameters.get("properties", {})}
    for argument in args:
        if argument not in taken:
            yield Fault((*path, argument), f"{tool} takes no argument {argument!r}", nearest(argument, taken))


def _odd_rules(form: PolicyForm) -> Iterator[Fault]:
    seen: set[str] = set()
    for verdict, number, rule in rules_of(form):
        if rule.id in BUILT_IN:
            yield Fault((verdict, number, "id"), f"{rule.id!r} is the name of a built-in rule", "Choose another id.")
        elif rule.id is not None and rule.id.endswith(AT_MOST):
            yield Fault((verdict, number, "id"), f"{rule.id!r} ends as the names of limits do", "Choose another id.")
        elif rule.id in seen:
            yield Fault((verdict, number, "id"), f"two rules are called {rule.id!r}", "Give each an id of its own.")
        elif rule.id is not None:
            seen.add(rule.id)
        if verdict == "deny" and rule.at_most is not None:
            hint = "Put 'at_most' on the rule that allows or asks."
            yield Fault((verdict, number, "at_most"), "a rule that denies lets no call through to be counted", hint)


# --- tests ---------------------------------------------------------------------------------------------------------


def _odd_tests(
    form: PolicyForm, known: Mapping[str, ToolDeclaration] | None, agents: Collection[str] | None
) -> Iterator[Fault]:
    limited = [n + AT_MOST for n, (*_, r) in zip(rule_names(form), rules_of(form), strict=True) if r.at_most]
    names = {*rule_names(form), *limited, *BUILT_IN}
    seen: set[str] = set()
    for number, test in enumerate(form.tests):
        here: tuple[str | int, ...] = ("tests", number)
        tool, agent = test.call.tool, test.call.agent
        if test.name in seen:
            yield Fault((*here, "name"), f"two tests are called {test.name!r}", "Give each a name of its own.")
        seen.add(test.name)
        if test.rule is not None and test.rule not in names:
            yield Fault((*here, "rule"), f"no rule is called {test.rule!r}", nearest(test.rule, names))
        if known is not None and not tool.startswith("act:"):
            if tool not in known:
                yield Fault((*here, "call", "tool"), f"no tool is called {tool!r}", nearest(tool, known))
            else:
                yield from _unknown_arguments((*here, "call", "args"), tool, test.call.args, [known[tool]])
        if agents is not None and "agent" in test.call.model_fields_set and agent not in agents:
            yield Fault((*here, "call", "agent"), f"no agent is called {agent!r}", nearest(agent, agents))
