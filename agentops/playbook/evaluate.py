"""Evaluates expressions on the plain values of a run: dicts, lists, texts, numbers, truth values, nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from agentops.playbook.expressions import (
    Both,
    Compare,
    Condition,
    Length,
    ListOf,
    Not,
    Operand,
    Operator,
    Ref,
    Template,
    Value,
    render,
)
from agentops.playbook.plan import Tree
from agentops.playbook.problems import Place, listing

__all__ = ["ABSENT", "EvaluationError", "compare", "fill", "holds", "why"]


class EvaluationError(ValueError):
    """A value is not what an expression needs.

    ``place`` is the way to the text that the expression stands in, inside what was evaluated; ``offset`` is the
    character there.
    """

    def __init__(self, what: str, offset: int, place: Place = ()) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset
        self.place = place


class _Absent:
    """There is no such result: the round that would have made it has not been run."""

    def __repr__(self) -> str:
        return "absent"


ABSENT: Final = _Absent()
"""What a reference to the round before is in the first round. In conditions it is ``null``."""

Values = Mapping[str, Any]


def find(ref: Ref, values: Values) -> Any:
    """The value that a reference leads to; `ABSENT` where its root has no result yet."""
    if ref.root not in values:
        return ABSENT
    value = values[ref.root]
    for number, part in enumerate(ref.path):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError) as error:
            here = render(Ref(ref.root, ref.path[:number]))
            raise EvaluationError(f"{here} has no {_called(part)}: it is {_told(value)}", ref.offset) from error
    return value


def _called(part: str | int) -> str:
    return f"item [{part}]" if isinstance(part, int) else f"field {part!r}"


def _told(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case list():
            return f"a list of {len(value)}"
        case dict():
            return f"a mapping with {listing(value)}"
        case _:
            text = json.dumps(value, ensure_ascii=False)
            return text if len(text) <= 60 else f"{text[:60]}..."


def fill(tree: Tree, values: Values) -> Any:
    """A tree with its references replaced by what they lead to.

    A field of the outermost mapping whose whole value is `ABSENT` is left out; anywhere else there may be none.
    """
    if isinstance(tree, Mapping):
        filled = {name: _part(name, item, values) for name, item in tree.items()}
        return {name: item for name, item in filled.items() if item is not ABSENT}
    return _fill(tree, values)


def _fill(tree: Tree, values: Values) -> Any:
    match tree:
        case Template():
            return find(tree.whole, values) if tree.whole else _interpolated(tree, values)
        case tuple():
            return [_present(number, item, values) for number, item in enumerate(tree)]
        case Mapping():
            return {name: _present(name, item, values) for name, item in tree.items()}
        case _:
            return tree


def _part(key: str | int, tree: Tree, values: Values) -> Any:
    """What stands under a key; an error in it knows that."""
    try:
        return _fill(tree, values)
    except EvaluationError as error:
        raise EvaluationError(error.what, error.offset, (key, *error.place)) from error


def _present(key: str | int, tree: Tree, values: Values) -> Any:
    value = _part(key, tree, values)
    return None if value is ABSENT else value


def _interpolated(template: Template, values: Values) -> str:
    return "".join(part if isinstance(part, str) else _as_text(part, values) for part in template.parts)


def _as_text(ref: Ref, values: Values) -> str:
    match find(ref, values):
        case str() as text:
            return text
        case bool() as truth:
            return "true" if truth else "false"
        case int() | float() as number:
            return json.dumps(number)
        case other:
            shown = "nothing yet" if other is ABSENT else _told(other)
            raise EvaluationError(f"{render(ref)} cannot stand inside text: it is {shown}", ref.offset)


def holds(condition: Condition, values: Values) -> bool:
    """Whether a condition is true."""
    match condition:
        case Both(word, parts):
            return all(holds(part, values) for part in parts) if word == "and" else any(holds(p, values) for p in parts)
        case Not(part):
            return not holds(part, values)
        case Compare(operator, left, right):
            try:
                return compare(operator, _operand(left, values), _operand(right, values))
            except TypeError as error:
                raise EvaluationError(f"{render(condition)}: {error}", condition.offset) from error
        case Ref() | Value() | ListOf() | Length():
            value = _operand(condition, values)
            if not isinstance(value, bool):
                raise EvaluationError(f"{render(condition)} is {_told(value)}, not true or false", condition.offset)
            return value


def _operand(operand: Operand, values: Values) -> Any:
    match operand:
        case Ref():
            value = find(operand, values)
            return None if value is ABSENT else value
        case Value(value):
            return value
        case ListOf(items):
            return [item.value for item in items]
        case Length(of):
            value = _operand(of, values)
            if not isinstance(value, list | dict | str):
                raise EvaluationError(f"{render(of)} has no length: it is {_told(value)}", of.offset)
            return len(value)


def compare(operator: Operator, left: Any, right: Any) -> bool:
    """Compare two plain values strictly; `TypeError` says which two have no order."""
    match operator:
        case "==":
            return equal(left, right)
        case "!=":
            return not equal(left, right)
        case "in":
            if not isinstance(right, list):
                msg = f"'in' needs a list on its right, not {_told(right)}"
                raise TypeError(msg)
            return any(equal(left, item) for item in right)
        case _:
            return _ordered(operator, left, right)


def equal(left: Any, right: Any) -> bool:
    """As JSON values: true is not 1, 1 is 1.0, and lists and mappings are compared item by item."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _ordered(operator: Operator, left: Any, right: Any) -> bool:
    numbers = all(isinstance(side, int | float) and not isinstance(side, bool) for side in (left, right))
    if not numbers and not (isinstance(left, str) and isinstance(right, str)):
        msg = f"{_told(left)} and {_told(right)} have no order"
        raise TypeError(msg)
    match operator:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
        case _:
            return bool(left >= right)


def why(condition: Condition, values: Values) -> str:
    """The condition and what its references came to, for the record: ``found.count > 2: found.count is 3``."""
    told = dict.fromkeys(f"{render(operand)} is {_seen(operand, values)}" for operand in _observed(condition))
    seen = ", ".join(told)
    if isinstance(condition, Ref):
        return seen
    return f"{render(condition)}: {seen}" if seen else render(condition)


def _seen(operand: Operand, values: Values) -> str:
    try:
        return _told(_operand(operand, values))
    except EvaluationError:  # in a part that was not looked at, such as the right side of a false 'and'
        return "not there"


def _observed(condition: Condition) -> list[Ref | Length]:
    match condition:
        case Ref() | Length():
            return [condition]
        case Compare(_, left, right):
            return [*_observed(left), *_observed(right)]
        case Not(part):
            return _observed(part)
        case Both(_, parts):
            return [each for part in parts for each in _observed(part)]
        case Value() | ListOf():
            return []
