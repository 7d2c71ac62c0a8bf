"""The shape of a policy as people write it, checked by pydantic.

A policy is a mapping, from a playbook or from a file of its own::

    policy:
      models: [offline/*, openai/gpt-5-mini]     # left out: any model
      allow:
        - search_documents                       # short for {tool: search_documents}
        - tool: write_file
          agents: [writer]
          args: {path: {path_under: out/}}
      ask:
        - {tool: send_email, at_most: 3, because: mail leaves the house}
      deny:
        - {tool: "*", agents: [guest], id: guests-only-read}
      tests:
        - name: a guest may not even search
          call: {tool: search_documents, agent: guest, args: {query: pay}}
          expect: deny
          rule: guests-only-read
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from agentops.supervisor.lookalikes import has_controls
from agentops.supervisor.matchers import compile_matchers

__all__ = [
    "AT_MOST",
    "BUILT_IN",
    "DEFAULT_DENY",
    "MALFORMED",
    "VERDICTS",
    "CallForm",
    "CaseForm",
    "PolicyForm",
    "RuleForm",
    "rule_names",
    "rules_of",
]

DEFAULT_DENY: Final = "default-deny"
"""The rule that decides where no other does."""
MALFORMED: Final = "malformed-arguments"
"""The rule that denies arguments that are no JSON object."""
BUILT_IN: Final = frozenset({DEFAULT_DENY, MALFORMED})
AT_MOST: Final = ":at_most"
"""What follows a rule's name where a call is denied because the rule has counted as many as it may."""

VERDICTS: Final = ("deny", "ask", "allow")
"""What rules say, the strictest first."""


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
    at_most: Annotated[int, Field(ge=1, le=10**9)] | None = None
    """How many calls it may let through in one run; of rules that allow or ask."""


class CallForm(_Form):
    """The call that a test makes. ``earlier``: how many like it went through before, in the same run."""

    tool: Name
    agent: Name = "anyone"
    args: dict[str, Any] = {}
    earlier: Annotated[int, Field(ge=0, le=10_000)] = 0


class CaseForm(_Form):
    """One test: what is to become of a call and, with ``rule``, by which rule."""

    name: Annotated[str, Field(min_length=1)]
    call: CallForm
    expect: Literal["allow", "ask", "deny"]
    rule: str | None = None


Rules = list[Annotated[RuleForm, BeforeValidator(_long_form)]]


class PolicyForm(_Form):
    """A whole policy."""

    models: list[Name] | None = None
    allow: Rules = []
    ask: Rules = []
    deny: Rules = []
    tests: list[CaseForm] = []


def rules_of(form: PolicyForm) -> Iterable[tuple[str, int, RuleForm]]:
    """Each rule with its verdict and its place under that verdict; the strictest verdict first."""
    for verdict in VERDICTS:
        for number, rule in enumerate(getattr(form, verdict)):
            yield verdict, number, rule


def rule_names(form: PolicyForm) -> list[str]:
    """What the rules are called on record, in the order of `rules_of`: by their ids, else ``allow:write_file``."""
    taken = {rule.id for _, _, rule in rules_of(form)} | BUILT_IN
    names = []
    for verdict, _, rule in rules_of(form):
        name, number = rule.id or f"{verdict}:{rule.tool}", 1
        while rule.id is None and name in taken:
            number += 1
            name = f"{verdict}:{rule.tool}#{number}"
        taken.add(name)
        names.append(name)
    return names
