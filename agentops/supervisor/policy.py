"""Permissions: which agent may call which tool with which arguments. Deny by default; deny over ask over allow.

The order of rules means nothing. A rule that allows needs certainty: every argument that it names is there and fits.
A rule that forbids, or asks, needs only doubt: an argument that is missing, of another type, or readable in two ways
counts as fitting. Where a rule that asks fits only perhaps and nothing allows, the call is denied, not asked for: doubt
never opens anything.

Rules are sorted once by what they name, so a verdict costs nothing for rules that name other tools, and where no rule
that names the tool looks at arguments, they are not even parsed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple

import msgspec

from agentops.kernel.gate import ToolDeclaration
from agentops.messages import decode
from agentops.supervisor.matchers import Matcher, compile_matchers, glob
from agentops.supervisor.policy_form import DEFAULT_DENY, MALFORMED, PolicyForm, RuleForm, rule_names, rules_of
from agentops.supervisor.policy_reading import Locate, read_form

__all__ = [
    "DEFAULT_DENY",
    "MALFORMED",
    "NO_OBJECT",
    "Docket",
    "Policy",
    "Quota",
    "Rule",
    "Ruling",
    "read_arguments",
    "with_defaults",
]

Verdict = Literal["allow", "ask", "deny"]

_REMEMBERED: Final = 4096


class Quota(NamedTuple):
    """How many calls a rule may let through in one run."""

    rule: str
    at_most: int


class Ruling(msgspec.Struct, frozen=True):
    """A policy's answer to one call. ``why`` is what came closest to allowing a call that no rule names."""

    verdict: Verdict
    rule: str
    because: str = ""
    why: str = ""
    quotas: tuple[Quota, ...] = ()
    """Those that the call counts towards if it goes through. A policy knows no earlier calls; a `Tally` does."""


_NOBODY_ALLOWS: Final = Ruling("deny", DEFAULT_DENY, "no rule allows it")
NO_OBJECT: Final = Ruling("deny", MALFORMED, "its arguments are not a JSON object")
"""The answer to arguments that are none."""


class Rule(NamedTuple):
    """One rule, compiled. ``ruling`` is what it answers."""

    ruling: Ruling
    tool: str
    agents: tuple[str, ...]
    """Empty: every agent."""
    args: tuple[tuple[str, tuple[Matcher, ...]], ...]
    quota: Quota | None = None

    def names(self, tool: str, agent: str) -> bool:
        """Whether it is about this tool and agent. Only a pattern that opens with ``act:`` opens functions."""
        if not glob(self.tool)(tool):
            return False
        if tool.startswith("act:") and self.ruling.verdict != "deny" and not self.tool.startswith("act:"):
            return False
        return not self.agents or any(glob(name)(agent) for name in self.agents)

    def surely(self, arguments: Mapping[str, Any]) -> bool:
        """Whether each argument that it names is there and fits."""
        for name, matchers in self.args:
            if name not in arguments:
                return False
            value = arguments[name]
            for matcher in matchers:
                if not matcher.surely(value):
                    return False
        return True

    def perhaps(self, arguments: Mapping[str, Any]) -> bool:
        """Whether no argument that it names is known not to fit."""
        for name, matchers in self.args:
            if name in arguments:
                value = arguments[name]
                for matcher in matchers:
                    if not matcher.perhaps(value):
                        return False
        return True


class Docket:
    """The rules that name one tool and one agent. ``fixed`` is their answer where it hangs on no argument.

    Of rules with one verdict, those that look at no argument give their name first, so that which of them is on
    record does not hang on what else the policy says.
    """

    __slots__ = ("allow", "ask", "counting", "deny", "fixed")

    def __init__(self, rules: Iterable[Rule]) -> None:
        found = sorted(rules, key=lambda rule: bool(rule.args))
        self.counting = [rule for rule in found if rule.quota is not None]
        self.deny = [rule for rule in found if rule.ruling.verdict == "deny"]
        self.ask = [rule for rule in found if rule.ruling.verdict == "ask"]
        self.allow = [rule for rule in found if rule.ruling.verdict == "allow"]
        self.fixed = self._fixed()

    def _fixed(self) -> Ruling | None:
        for rule in self.deny:
            if not rule.args:
                return rule.ruling
        if self.deny or any(rule.args for rule in self.counting):
            return None
        for rules in (self.ask, self.allow):
            if rules:
                return None if rules[0].args else self._counted(rules[0].ruling, {})
        return _NOBODY_ALLOWS

    def _counted(self, ruling: Ruling, values: Mapping[str, Any]) -> Ruling:
        """The ruling with the quotas of all rules that may fit the call: a limit holds whoever else allows it."""
        quotas = tuple(rule.quota for rule in self.counting if rule.quota is not None and rule.perhaps(values))
        return msgspec.structs.replace(ruling, quotas=quotas) if quotas else ruling

    @property
    def hopeless(self) -> bool:
        """Whether no arguments whatever could get a call through."""
        return not (self.ask or self.allow) or (self.fixed is not None and self.fixed.verdict == "deny")

    def judge(self, arguments: bytes, declaration: ToolDeclaration | None) -> Ruling:
        """The ruling on these arguments; those left out count as the defaults that the tool declares."""
        if self.fixed is not None:
            return self.fixed
        given = read_arguments(arguments)
        if given is None:
            return NO_OBJECT
        values = with_defaults(given, declaration)
        for rule in self.deny:
            if rule.perhaps(values):
                return rule.ruling
        allowed = next((rule for rule in self.allow if rule.surely(values)), None)
        for rule in self.ask:
            if rule.perhaps(values) and (allowed is not None or rule.surely(values)):
                return self._counted(rule.ruling, values) if self.counting else rule.ruling
        if allowed is not None:
            return self._counted(allowed.ruling, values) if self.counting else allowed.ruling
        return Ruling("deny", DEFAULT_DENY, "no rule allows it with these arguments", self._nearly(values))

    def _nearly(self, values: Mapping[str, Any]) -> str:
        """What kept the first rule that could open this tool from doing so."""
        for rule in (*self.allow, *self.ask):
            for name, matchers in rule.args:
                if name not in values:
                    return f"rule {rule.ruling.rule!r} needs the argument {name!r}, which is missing"
                for matcher in matchers:
                    if not matcher.surely(values[name]):
                        shown = repr(values[name])
                        shown = shown if len(shown) <= 80 else f"{shown[:80]}..."
                        return f"rule {rule.ruling.rule!r} takes {name!r} only where {matcher}, and it is {shown}"
        return ""


def read_arguments(arguments: bytes) -> dict[str, Any] | None:
    """Arguments as a mapping; None where they are not a JSON object."""
    try:
        value = decode(arguments)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return value if type(value) is dict else None


def with_defaults(given: dict[str, Any], declaration: ToolDeclaration | None) -> dict[str, Any]:
    """The arguments, with the declared defaults of those that were left out."""
    properties = {} if declaration is None else declaration.parameters.get("properties", {})
    missing = {
        name: schema["default"]
        for name, schema in properties.items()
        if name not in given and isinstance(schema, dict) and "default" in schema
    }
    return {**missing, **given} if missing else given


class Policy:
    """A policy, compiled. ``digest`` names it by content: the same rules have the same digest, in any file.

    Tests, which decide nothing, are no part of it.
    """

    __slots__ = ("_dockets", "_exact", "_models", "_patterns", "digest", "rules")

    def __init__(self, form: PolicyForm) -> None:
        content = form.model_dump(mode="json", exclude={"tests"}, exclude_defaults=True)
        self.digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        self.rules = tuple(_compile(form))
        self._models = None if form.models is None else tuple((name, glob(name)) for name in form.models)
        self._patterns = [rule for rule in self.rules if "*" in rule.tool]
        self._exact: dict[str, list[Rule]] = {}
        for rule in self.rules:
            if "*" not in rule.tool:
                self._exact.setdefault(rule.tool, []).append(rule)
        self._dockets: dict[tuple[str, str], Docket] = {}

    @classmethod
    def from_mapping(
        cls,
        said: Mapping[str, Any],
        *,
        known_tools: Iterable[ToolDeclaration] | None = None,
        known_agents: Collection[str] | None = None,
        locate: Locate | None = None,
        reachable: bool = False,
    ) -> Policy:
        """A policy from a mapping as a YAML file holds it; the empty one denies every tool.

        With ``known_tools`` and ``known_agents``, rules about others, and about arguments that a tool does not take,
        are errors; with ``reachable``, so are rules that can never decide anything. ``locate`` turns a path inside
        the mapping into a place, such as ``playbook.yaml:12:7``. Raises `PolicyError`, listing all that is wrong.
        """
        return cls(read_form(said, tools=known_tools, agents=known_agents, locate=locate, reachable=reachable))

    def docket(self, tool: str, agent: str) -> Docket:
        """The rules about this tool and agent, found once. Functions are tools called ``act:module.function``."""
        key = (tool, agent)
        found = self._dockets.get(key)
        if found is None:
            if len(self._dockets) >= _REMEMBERED:  # a model may invent names without end
                self._dockets.clear()
            near = (*self._exact.get(tool, ()), *self._patterns)
            found = self._dockets[key] = Docket(rule for rule in near if rule.names(tool, agent))
        return found

    def judge(self, tool: str, agent: str, arguments: bytes, declaration: ToolDeclaration | None = None) -> Ruling:
        """May ``agent`` call ``tool`` with these arguments (a JSON object)? Never raises."""
        return self.docket(tool, agent).judge(arguments, declaration)

    def judge_model(self, model: str) -> Ruling:
        """May this model be called? Where the policy lists no models: any."""
        if self._models is None:
            return Ruling("allow", "any-model")
        for name, fits in self._models:
            if fits(model):
                return Ruling("allow", f"models:{name}")
        listed = ", ".join(name for name, _ in self._models)
        return Ruling("deny", "models", f"the policy lists other models: {listed or 'none'}")


def _compile(form: PolicyForm) -> Iterable[Rule]:
    for (verdict, _, rule), name in zip(rules_of(form), rule_names(form), strict=True):
        yield _compiled(name, verdict, rule)


def _compiled(name: str, verdict: Any, rule: RuleForm) -> Rule:
    args = tuple((argument, compile_matchers(said)) for argument, said in rule.args.items())
    quota = None if rule.at_most is None else Quota(name, rule.at_most)
    return Rule(Ruling(verdict, name, rule.because), rule.tool, tuple(rule.agents or ()), args, quota)
