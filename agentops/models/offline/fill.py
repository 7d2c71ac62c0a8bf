"""Filling an answer's JSON Schema with sentences of the material, field by field.

What a field is filled with follows from its declared role (`agentops.kernel.roles`), else from its type: a string gets
the best sentence for the question with the field's name and description as further terms, a list the best few, an
object each field in turn. What only somebody who understands could fill (a number, a yes or no, a choice) takes its
default, else the whole request is refused: nothing is ever made up.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from agentops.errors import ModelFailed
from agentops.kernel.roles import ROLE_KEY
from agentops.models.offline.desk import Desk, Found
from agentops.models.offline.support import Support

__all__ = ["NOTE", "fill"]

NOTE: Final = "Each sentence is quoted word for word from the documents; no language model wrote or weighed anything."

_QUOTING: Final = frozenset({"quote", "answer"})
_LIST: Final = 6
"""Elements of a list whose schema sets no bound."""
_ANSWER: Final = 3
"""Sentences of an answer that stands alone."""
_MISSING: Final = object()


class _CannotFillError(Exception):
    """A field that takes understanding; the text says which, and of what type."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the answer we are: the path for errors, further query words, and the sentences already chosen."""

    path: str
    words: str = ""
    chosen: tuple[Found, ...] | None = None
    support: Support | None = None

    def field(self, name: str, node: Mapping[str, Any]) -> _Place:
        spoken = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", name)
        return replace(self, path=f"{self.path}.{name}", words=f"{self.words} {spoken} {node.get('description', '')}")


def fill(schema: Mapping[str, Any], desk: Desk, *, model: str, most: int = _LIST) -> Any:
    """A value of the schema. ``most``: elements of a list without a bound of its own.

    Raises `ModelFailed` (not transient) naming the field that cannot be filled without a language model.
    """
    try:
        return _Filler(schema, desk, most).value(schema, _Place("answer"))
    except _CannotFillError as error:
        raise ModelFailed(
            f"{model} cannot fill {error}: it quotes sentences, it does not judge, count or choose.",
            hint="Use a language model (--model openai/<model>), give the field a default, or declare its role "
            "(agentops.roles: Quote, Answer, SourceIds, Supported, Reason, Title, Note).",
            model=model,
            transient=False,
        ) from None


class _Filler:
    def __init__(self, schema: Mapping[str, Any], desk: Desk, most: int) -> None:
        self.definitions: Mapping[str, Any] = schema.get("$defs", {})
        self.desk = desk
        self.most = most

    def value(self, node: Mapping[str, Any], at: _Place) -> Any:
        """A value of one node of the schema."""
        node = self._resolved(node)
        role = node.get(ROLE_KEY)
        if role is not None:
            return self._by_role(str(role), node, at)
        if "const" in node:
            return node["const"]
        options = node.get("anyOf") or node.get("oneOf")
        if options:
            return self._either(options, node, at)
        return self._by_type(node, at)

    def _resolved(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node with its reference followed; what stands beside the reference wins."""
        while "$ref" in node:
            name = str(node["$ref"]).rsplit("/", 1)[-1]
            node = {**self.definitions.get(name, {}), **{key: kept for key, kept in node.items() if key != "$ref"}}
        return node

    def _by_type(self, node: Mapping[str, Any], at: _Place) -> Any:
        enum = node.get("enum")
        match node.get("type"):
            case _ if enum:
                return enum[0] if len(enum) == 1 else self._default(node, at, f"one of {enum}")
            case "object":
                return self._object(node, at)
            case "array":
                return self._list(node, at)
            case "string":
                return self._text(node, at, 1)
            case "null":
                return None
            case kind:
                return self._default(node, at, str(kind or "anything"))

    def _default(self, node: Mapping[str, Any], at: _Place, kind: str) -> Any:
        found = node.get("default", _MISSING)
        if found is _MISSING:
            msg = f"`{at.path}` ({kind})"
            raise _CannotFillError(msg)
        return found

    def _either(self, options: Sequence[Mapping[str, Any]], node: Mapping[str, Any], at: _Place) -> Any:
        """The first option that can be filled, null last; a default only where none can."""
        first_error: _CannotFillError | None = None
        for option in sorted(options, key=lambda option: option.get("type") == "null"):
            try:
                return self.value(option, at)
            except _CannotFillError as error:
                first_error = first_error or error
        if "default" in node:
            return node["default"]
        raise first_error or _CannotFillError(f"`{at.path}`")

    # Objects and lists

    def _object(self, node: Mapping[str, Any], at: _Place) -> dict[str, Any]:
        fields = {name: self._resolved(field) for name, field in node.get("properties", {}).items()}
        roles = self._roles(node)
        if at.chosen is None and roles & _QUOTING:
            count = 1 if "quote" in roles else _ANSWER
            at = replace(at, chosen=tuple(self.desk.best(count, at.words)))
        if "supported" in roles:
            at = replace(at, support=self._support(at))
        required = frozenset(node.get("required", ()))
        filled = {}
        for name, field in fields.items():
            try:
                filled[name] = self.value(field, at.field(name, field))
            except _CannotFillError:
                if name in required:
                    raise
        return filled

    def _roles(self, node: Mapping[str, Any]) -> frozenset[str]:
        """The roles that an object declares for its fields: it says by them, not by names, what it wants."""
        fields = [self._resolved(field) for field in node.get("properties", {}).values()]
        return frozenset(str(field[ROLE_KEY]) for field in fields if ROLE_KEY in field)

    def _support(self, at: _Place) -> Support | None:
        """A judgement of the sentences chosen beside it, else of the material's claim; None: there is neither."""
        said = self.desk.claim if at.chosen is None else " ".join(found.text for found in at.chosen)
        return self.desk.support(said) if said or at.chosen is not None else None

    def _list(self, node: Mapping[str, Any], at: _Place) -> list[Any]:
        element = self._resolved(node.get("items", {}))
        if self._roles(element):
            at = replace(at, words="")
        most = min(self.most, int(node.get("maxItems", self.most)))
        if element.get("type") not in {"object", "string"}:
            return [self.value(element, at)] if node.get("minItems", 0) else []
        found = [at.chosen[:1]] if at.chosen else [(one,) for one in self.desk.best(most, at.words)]
        if len(found) < node.get("minItems", 0):
            msg = f"`{at.path}` (at least {node['minItems']} elements; the material has {len(found)} that answer)"
            raise _CannotFillError(msg)
        return [self.value(element, replace(at, path=f"{at.path}[{n}]", chosen=one)) for n, one in enumerate(found)]

    # Strings and roles

    def _by_role(self, role: str, node: Mapping[str, Any], at: _Place) -> Any:
        match role:
            case "quote":
                return self._text(node, at, 1)
            case "answer":
                return self._text(node, at, _ANSWER)
            case "title":
                return self.desk.title
            case "note":
                return NOTE
            case "sources":
                return self._sources(at)
            case "reason":
                return self._reason(at)
            case "supported":
                return self._supported(at)
            case _:
                return self._by_type({key: kept for key, kept in node.items() if key != ROLE_KEY}, at)

    def _supported(self, at: _Place) -> bool:
        support = at.support or self._support(at)
        if support is None:
            msg = (
                f"`{at.path}` (whether something is supported, with no quote beside it and no `claim` in the material)"
            )
            raise _CannotFillError(msg)
        return support.supported

    def _text(self, node: Mapping[str, Any], at: _Place, count: int) -> str:
        found = self.desk.best(count, at.words) if at.chosen is None else at.chosen
        return _shortened(" ".join(one.text for one in found[:count]), node.get("maxLength"))

    def _sources(self, at: _Place) -> list[str]:
        if at.chosen is not None:
            return list(dict.fromkeys(found.id for found in at.chosen))
        if self.desk.claim:
            support = at.support or self.desk.support(self.desk.claim)
            return list(support.ids)
        return list(dict.fromkeys(found.id for found in self.desk.best(self.most, "")))

    def _reason(self, at: _Place) -> str:
        if at.support:
            return at.support.reason
        found = self.desk.best(1, "") if at.chosen is None else at.chosen
        return self.desk.why(found)


def _shortened(text: str, most: int | None) -> str:
    """At most so many characters, cut between words: still verbatim, only less of it."""
    if most is None or len(text) <= most:
        return text
    return text[: most + 1].rsplit(" ", 1)[0][:most]
