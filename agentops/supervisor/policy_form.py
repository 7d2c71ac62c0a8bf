"""The shape of a policy as people write it, checked by pydantic; its errors in words, all of them at once.

A policy is a mapping, usually from a playbook::

    policy:
      models: [offline/*, openai/gpt-5-mini]     # left out: any model
      allow:
        - search_documents                       # short for {tool: search_documents}
        - tool: write_file
          agents: [writer]
          args: {path: {path_under: out/}}
      ask:
        - {tool: send_email, because: mail leaves the house}
      deny:
        - {tool: "*", agents: [guest], id: guests-only-read}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from agentops.errors import PolicyError
from agentops.kernel.gate import ToolDeclaration
from agentops.kernel.suggest import nearest
from agentops.supervisor.lookalikes import has_controls
from agentops.supervisor.matchers import compile_matchers, glob

__all__ = ["DEFAULT_DENY", "MALFORMED", "VERDICTS", "Locate", "PolicyForm", "RuleForm", "read_form"]

DEFAULT_DENY: Final = "default-deny"
"""The rule that decides where no other does."""
MALFORMED: Final = "malformed-arguments"
"""The rule that denies arguments that are no JSON object."""

VERDICTS: Final = ("deny", "ask", "allow")
"""What rules say, the strictest first."""

Locate: TypeAlias = Callable[[Sequence[str | int]], str]
"""Where the value at a path of the mapping stands, for errors: ``playbook.yaml:12:7``."""


class Fault(NamedTuple):
    """One thing that is wrong with a policy."""

    path: tuple[str | int, ...]
    what: str
    hint: str


def _plain_name(text: str) -> str:
    if text != text.strip() or has_controls(text):
        raise PydanticCustomError("plain", "has white space around it, or hidden characters in it")
    return text


def _matcher(said: Any) -> Any:
    try:
        compile_matchers(said)
    except ValueError as error:
        raise PydanticCustomError("matcher", "{what}", {"what": str(error)}) from error
    return said


def _long_form(said: Any) -> Any:
    return {"tool": said} if isinstance(said, str) else said


Name = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain_name)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class RuleForm(_Form):
    """One rule. ``tool`` and ``agents`` may hold ``*`` for any text; ``args`` must all fit."""

    tool: Name
    agents: Annotated[list[Name], Field(min_length=1)] | None = None
    args: dict[Name, Annotated[Any, BeforeValidator(_matcher)]] = {}
    because: str = ""
    id: Name | None = None


Rules = list[Annotated[RuleForm, BeforeValidator(_long_form)]]


class PolicyForm(_Form):
    """A whole policy."""

    models: list[Name] | None = None
    allow: Rules = []
    ask: Rules = []
    deny: Rules = []


def read_form(
    said: Mapping[str, Any],
    *,
    tools: Iterable[ToolDeclaration] | None = None,
    agents: Collection[str] | None = None,
    locate: Locate | None = None,
) -> PolicyForm:
    """Check a mapping. With ``tools`` and ``agents`` given, names that fit none of them are errors too.

    Raises `PolicyError` listing everything that is wrong, each with its place; fact ``path``: that of the first.
    """
    if not isinstance(said, Mapping):
        raise _refusal([Fault((), f"{str(said)[:60]!r} is not a mapping", "Write it as in {allow: [...]}.")], locate)
    try:
        form = PolicyForm.model_validate(dict(said))
    except ValidationError as error:
        raise _refusal([_fault(found) for found in error.errors()], locate) from error
    faults = [*_unknown_names(form, tools, agents), *_repeated_ids(form)]
    if faults:
        raise _refusal(faults, locate)
    return form


def _fault(found: Any) -> Fault:
    """One of pydantic's errors, in our words."""
    path = tuple(found["loc"])
    kind, said = found["type"], found["input"]
    if kind == "extra_forbidden":
        fields = (PolicyForm if len(path) == 1 else RuleForm).model_fields
        return Fault(path, f"there is no key {str(path[-1])!r} here", nearest(str(path[-1]), fields))
    if kind == "missing":
        return Fault(path[:-1], f"the rule names no {path[-1]}", "Write it as in {tool: write_file}.")
    if kind == "matcher":
        return Fault(path, found["msg"], "")
    if kind == "plain":
        return Fault(path, f"{str(said)[:60]!r} {found['msg']}", "")
    return Fault(path, f"{str(said)[:60]!r} does not fit: {found['msg']}", "")


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


def _rules(form: PolicyForm) -> Iterable[tuple[str, int, RuleForm]]:
    for verdict in VERDICTS:
        for number, rule in enumerate(getattr(form, verdict)):
            yield verdict, number, rule


def _unknown_names(
    form: PolicyForm, tools: Iterable[ToolDeclaration] | None, agents: Collection[str] | None
) -> Iterable[Fault]:
    known = None if tools is None else {tool.name: tool for tool in tools}
    for verdict, number, rule in _rules(form):
        if known is not None and not rule.tool.startswith("act:"):
            named = [tool for name, tool in known.items() if glob(rule.tool)(name)]
            if not named:
                yield Fault((verdict, number, "tool"), f"no tool is called {rule.tool!r}", nearest(rule.tool, known))
            else:
                yield from _unknown_arguments((verdict, number, "args"), rule, named)
        for place, name in enumerate(rule.agents or ()):
            if agents is not None and not any(map(glob(name), agents)):
                yield Fault((verdict, number, "agents", place), f"no agent is called {name!r}", nearest(name, agents))


def _unknown_arguments(
    path: tuple[str | int, ...], rule: RuleForm, named: Sequence[ToolDeclaration]
) -> Iterable[Fault]:
    """An argument that none of the named tools takes: a typing error would silently never match."""
    taken = {argument for tool in named for argument in tool.parameters.get("properties", {})}
    for argument in rule.args:
        if argument not in taken:
            yield Fault((*path, argument), f"{rule.tool} takes no argument {argument!r}", nearest(argument, taken))


def _repeated_ids(form: PolicyForm) -> Iterable[Fault]:
    seen: set[str] = set()
    for verdict, number, rule in _rules(form):
        if rule.id in {DEFAULT_DENY, MALFORMED}:
            yield Fault((verdict, number, "id"), f"{rule.id!r} is the name of a built-in rule", "Choose another id.")
        elif rule.id in seen:
            yield Fault((verdict, number, "id"), f"two rules are called {rule.id!r}", "Give each an id of its own.")
        elif rule.id is not None:
            seen.add(rule.id)
