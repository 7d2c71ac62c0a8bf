"""The little language of playbooks: references, templates and conditions.

::

    ${inputs.question}                        a reference: the whole value, with its type
    Notes on ${inputs.question}               a template: text with scalars in it; $${ writes a plain ${
    review.accepted and inputs.depth != "quick"            a condition
    length(retrieve.passages) == 0 or not (inputs.n < 3)   another

A reference is a step's id (or ``inputs``) followed by ``.field``, ``[0]``, ``[-1]`` or ``["key"]``. Conditions know
``== != < <= > >= in``, ``and or not``, parentheses, ``length(...)``, texts, numbers, ``true false null`` and lists of
literals. There are no calls of anything else, no arithmetic and no attributes of Python: what is parsed here is a
tree of a few frozen nodes, and nothing is ever handed to ``eval``.

Comparisons are strict: ``==`` never holds between a truth value and a number or between a number and text; ``<`` and
its like compare numbers with numbers and text with text. ``and``, ``or``, ``not`` take truth values only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

__all__ = [
    "Both",
    "Compare",
    "Condition",
    "ExpressionError",
    "Length",
    "ListOf",
    "Not",
    "Operand",
    "Operator",
    "Ref",
    "Template",
    "Value",
    "references",
    "render",
]

Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in"]
Scalar: TypeAlias = str | int | float | bool | None


class ExpressionError(ValueError):
    """Text that does not parse; ``offset`` is the character, from 0, where it stops making sense."""

    def __init__(self, what: str, offset: int, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference: ``root`` is a step's id or ``inputs``, ``path`` what follows. ``offset`` is where it stands."""

    root: str
    path: tuple[str | int, ...] = ()
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Value:
    """A literal."""

    value: Scalar
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of literals, for the right side of ``in``."""

    items: tuple[Value, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Length:
    """How many items a list or mapping has, or how many characters a text."""

    of: Ref
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Compare:
    """A comparison of two values."""

    operator: Operator
    left: Operand
    right: Operand
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """True where ``part`` is false."""

    part: Condition
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Both:
    """Two or more conditions joined by ``and`` or by ``or``; later ones are looked at only when they matter."""

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]
    offset: int = field(default=0, compare=False)


Operand: TypeAlias = Ref | Value | ListOf | Length
Condition: TypeAlias = Operand | Compare | Not | Both


@dataclass(frozen=True, slots=True)
class Template:
    """Text with references in it. ``whole``: it is one reference and nothing else, so the value keeps its type."""

    parts: tuple[str | Ref, ...]

    @property
    def whole(self) -> Ref | None:
        """The reference that this is, where it is nothing else."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only if isinstance(only, Ref) else None


def references(node: Condition | Template) -> Iterator[Ref]:
    """Every reference in a tree, from left to right."""
    match node:
        case Ref():
            yield node
        case Template(parts):
            yield from (part for part in parts if isinstance(part, Ref))
        case Both(_, parts):
            for each in parts:
                yield from references(each)
        case Not(part):
            yield from references(part)
        case Compare(_, left, right):
            yield from references(left)
            yield from references(right)
        case Length(of):
            yield of
        case Value() | ListOf():
            return


_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*\Z")


def render(node: Condition) -> str:
    """The tree as text that parses to the same tree; for records, reasons and errors."""
    match node:
        case Ref(root, path):
            return root + "".join(_step(part) for part in path)
        case Value(value):
            return json.dumps(value, ensure_ascii=False)
        case ListOf(items):
            return f"[{', '.join(map(render, items))}]"
        case Length(of):
            return f"length({render(of)})"
        case Compare(operator, left, right):
            return f"{render(left)} {operator} {render(right)}"
        case Not(part):
            return f"not {_inner(part)}"
        case Both(word, parts):
            return f" {word} ".join(map(_inner, parts))


def _inner(node: Condition) -> str:
    return f"({render(node)})" if isinstance(node, Both) else render(node)


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _NAME.match(part) else f"[{json.dumps(part, ensure_ascii=False)}]"
