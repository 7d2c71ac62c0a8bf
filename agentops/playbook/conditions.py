"""Conditions before a run: whether they make sense, and whether they are always true or always false."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agentops.playbook.evaluate import compare
from agentops.playbook.expressions import Both, Compare, Condition, Length, ListOf, Not, Operand, Ref, Value, render
from agentops.playbook.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NOTHING,
    NUMBER,
    TEXT,
    Either,
    Exactly,
    Items,
    Record,
    Shape,
    Table,
    described,
    either,
    fits,
    literal,
)

__all__ = ["Objection", "objections", "truth"]


@dataclass(frozen=True, slots=True)
class Objection:
    """What makes no sense in a condition, and the character where it stands."""

    what: str
    hint: str
    offset: int


Look = Callable[[Ref], Shape]
"""What a reference looks like; `ANYTHING` where that is not known."""


def truth(condition: Condition) -> bool | None:
    """True or False where the condition is that whatever happens; None where it depends."""
    match condition:
        case Value(value):
            return value if isinstance(value, bool) else None
        case Not(part):
            known = truth(part)
            return None if known is None else not known
        case Both(word, parts):
            known_parts = [truth(part) for part in parts]
            decisive = word == "or"
            if decisive in known_parts:
                return decisive
            return None if None in known_parts else not decisive
        case Compare(operator, left, right):
            if not (isinstance(left, Value) and isinstance(right, Value | ListOf)):
                return None
            try:
                return compare(operator, left.value, _plain(right))
            except TypeError:  # two values without an order: `objections` says so
                return None
        case Ref() | ListOf() | Length():
            return None


def _plain(operand: Value | ListOf) -> Any:
    return [item.value for item in operand.items] if isinstance(operand, ListOf) else operand.value


def objections(condition: Condition, look: Look) -> list[Objection]:
    """What makes no sense in a condition, given what its references look like."""
    match condition:
        case Both(_, parts):
            return [each for part in parts for each in objections(part, look)]
        case Not(part):
            return objections(part, look)
        case Compare():
            return _compared(condition, look)
        case Ref() | Value() | ListOf() | Length():
            shape = _shape(condition, look)
            if not _overlap(shape, BOOLEAN):
                what = f"{render(condition)} is {described(shape)}, not true or false"
                hint = "Compare it with something, for example: length(step.items) > 0"
                return [Objection(what, hint, condition.offset)]
            return _measured(condition, look)


def _shape(operand: Operand, look: Look) -> Shape:
    match operand:
        case Ref():
            return look(operand)
        case Value(value):
            return literal(value)
        case Length():
            return INTEGER
        case ListOf(items):
            return Items(either(*(literal(item.value) for item in items)))


def _compared(condition: Compare, look: Look) -> list[Objection]:
    found = [*_measured(condition.left, look), *_measured(condition.right, look)]
    left, right = _shape(condition.left, look), _shape(condition.right, look)
    operator, offset = condition.operator, condition.offset
    if operator == "in":
        return found + _membership(condition, left, right)
    if operator in {"==", "!="}:
        if not _overlap(left, right):
            always = "false" if operator == "==" else "true"
            what = f"{render(condition)} is always {always}: {described(left)} against {described(right)}"
            found.append(Objection(what, "Compare with a value that it can have.", offset))
        return found
    for side, shape in ((condition.left, left), (condition.right, right)):
        if not _overlap(shape, NUMBER) and not _overlap(shape, TEXT):
            found.append(Objection(f"{render(side)} is {described(shape)}, which has no order", _ORDER, side.offset))
    if not found and not any(_overlap(left, kind) and _overlap(right, kind) for kind in (NUMBER, TEXT)):
        what = f"{described(left)} cannot be compared with {described(right)} by '{operator}'"
        found.append(Objection(what, _ORDER, offset))
    return found


_ORDER = "'<' and its like compare numbers with numbers, and text with text."


def _membership(condition: Compare, left: Shape, right: Shape) -> list[Objection]:
    for each in _ways(right):
        if isinstance(each, Items) and (each.item == ANYTHING or _overlap(left, each.item)):
            return []
        if each == ANYTHING:
            return []
    if any(isinstance(each, Items) for each in _ways(right)):
        what = f"{render(condition)} is always false: {described(left)} in {described(right)}"
        return [Objection(what, "Compare with values that it can have.", condition.offset)]
    what = f"'in' needs a list on its right, and {render(condition.right)} is {described(right)}"
    return [Objection(what, 'For example: inputs.depth in ["quick", "deep"]', condition.right.offset)]


def _measured(operand: Operand, look: Look) -> list[Objection]:
    """Only what has a length can be measured."""
    if not isinstance(operand, Length):
        return []
    shape = look(operand.of)
    if any(isinstance(each, Items | Table) or each == ANYTHING or not fits(each, TEXT) for each in _ways(shape)):
        return []
    what = f"{render(operand.of)} is {described(shape)} and has no length"
    fields = shape.fields() if isinstance(shape, Record) else {}
    inner = [name for name, each in fields.items() if isinstance(each.shape, Items)]
    hint = f"Did you mean length({render(operand.of)}.{inner[0]})?" if inner else "Lists, mappings and texts have one."
    return [Objection(what, hint, operand.of.offset)]


def _ways(shape: Shape) -> tuple[Shape, ...]:
    return shape.shapes if isinstance(shape, Either) else (shape,)


def _overlap(one: Shape, other: Shape) -> bool:
    """Whether some value can be both."""
    for left in _single(one):
        for right in _single(other):
            if not fits(left, right) or not fits(right, left):
                return True
    return False


def _single(shape: Shape) -> list[Shape]:
    """Its alternatives, each literal on its own."""
    found: list[Shape] = []
    for each in _ways(shape):
        if isinstance(each, Exactly):
            found.extend(NOTHING if value is None else Exactly((value,)) for value in each.values)
        else:
            found.append(each)
    return found
