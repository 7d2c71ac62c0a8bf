"""What values look like, as far as it is known before a run: the types behind references, and whether they fit.

A `Shape` is made from a Python type (through msgspec's own inspection of it), from a literal, or from an input's
declaration. `fits` reports only what can be shown to be wrong: ``Any``, custom types and constraints are left to the
check that every message passes when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import inspect as info

from agentops.kernel.suggest import nearest
from agentops.playbook.problems import listing

__all__ = [
    "ANYTHING",
    "BOOLEAN",
    "INTEGER",
    "NOTHING",
    "NUMBER",
    "TEXT",
    "Anything",
    "Either",
    "Exactly",
    "Field",
    "Items",
    "Record",
    "Scalar",
    "Shape",
    "Table",
    "described",
    "either",
    "fits",
    "follow",
    "literal",
    "shape_of",
]


@dataclass(frozen=True)
class Anything:
    """Not known, or not limited."""


@dataclass(frozen=True)
class Scalar:
    """``text``, ``integer``, ``number``, ``boolean`` or ``nothing``."""

    kind: str


@dataclass(frozen=True)
class Exactly:
    """One of these values and nothing else."""

    values: tuple[Any, ...]


@dataclass(frozen=True)
class Items:
    """A list of ``item``."""

    item: Shape


@dataclass(frozen=True)
class Table:
    """A mapping from text to ``item``."""

    item: Shape


@dataclass(frozen=True)
class Field:
    """A field of a record; ``required``: it has no default."""

    shape: Shape
    required: bool


@dataclass(frozen=True, eq=False)
class Record:
    """A value with named fields. Two records are the same where they are made from the same class."""

    name: str
    cls: Any = None
    own: tuple[tuple[str, Field], ...] = ()
    closed: bool = True
    """Whether unknown fields are refused. Of what is received they are dropped, but a playbook must not write them."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return self.cls is other.cls if self.cls or other.cls else self.own == other.own

    def __hash__(self) -> int:
        return hash(self.cls or self.own)

    def fields(self) -> Mapping[str, Field]:
        """The fields by the names that JSON gives them (late, because types may refer to themselves)."""
        return dict(self.own) if self.cls is None else _fields_of(self.cls)


@dataclass(frozen=True)
class Either:
    """One of several shapes."""

    shapes: tuple[Shape, ...]


Shape: TypeAlias = Anything | Scalar | Exactly | Items | Table | Record | Either

ANYTHING: Final = Anything()
TEXT: Final = Scalar("text")
INTEGER: Final = Scalar("integer")
NUMBER: Final = Scalar("number")
BOOLEAN: Final = Scalar("boolean")
NOTHING: Final = Scalar("nothing")


def shape_of(kind: Any) -> Shape:
    """The shape of values of a Python type, as JSON carries them; `ANYTHING` where msgspec cannot say."""
    try:
        return _shape(info.type_info(kind))
    except (TypeError, NotImplementedError, NameError):
        return ANYTHING


def _shape(node: info.Type) -> Shape:
    match node:
        case info.StrType():
            return TEXT
        case info.IntType():
            return INTEGER
        case info.FloatType():
            return NUMBER
        case info.BoolType():
            return BOOLEAN
        case info.NoneType():
            return NOTHING
        case info.LiteralType():
            return Exactly(tuple(node.values))
        case info.EnumType():
            return Exactly(tuple(member.value for member in node.cls))
        case info.ListType() | info.SetType() | info.FrozenSetType() | info.VarTupleType() | info.CollectionType():
            return Items(_shape(node.item_type))
        case info.TupleType():
            return Items(either(*map(_shape, node.item_types)))
        case info.DictType():
            return Table(_shape(node.value_type))
        case info.UnionType():
            return either(*map(_shape, node.types))
        case info.StructType() if not node.array_like:
            return Record(node.cls.__name__, node.cls)
        case info.DataclassType() | info.TypedDictType():
            return Record(node.cls.__name__, node.cls)
        case info.Metadata():
            return _shape(node.type)
        case _:
            return ANYTHING


@lru_cache(maxsize=1024)
def _fields_of(cls: Any) -> Mapping[str, Field]:
    node = info.type_info(cls)
    if not isinstance(node, info.StructType | info.DataclassType | info.TypedDictType):
        return {}
    return {field.encode_name: Field(_shape(field.type), field.required) for field in node.fields}


def either(*shapes: Shape) -> Shape:
    """One of ``shapes``: flat, without repetition; `ANYTHING` as soon as one of them is."""
    flat: dict[Shape, None] = {}
    for shape in shapes:
        flat.update(dict.fromkeys(shape.shapes if isinstance(shape, Either) else (shape,)))
    if ANYTHING in flat or not flat:
        return ANYTHING
    return Either(tuple(flat)) if len(flat) > 1 else next(iter(flat))


def literal(value: Any) -> Shape:
    """The shape of a literal scalar."""
    return NOTHING if value is None else Exactly((value,))


def described(shape: Shape, *, article: bool = True) -> str:
    """A shape in words: ``text``, ``a list of Passage``, ``Verdict or nothing``."""
    match shape:
        case Anything():
            return "anything"
        case Scalar("boolean"):
            return "true or false"
        case Scalar(kind):
            return f"{_ARTICLES.get(kind, '')}{kind}" if article else kind
        case Exactly(values):
            return " or ".join(_written(value) for value in values[:6]) + (" or ..." if len(values) > 6 else "")
        case Items(item):
            return f"{'a ' if article else ''}list of {described(item, article=False)}"
        case Table(item):
            return f"{'a ' if article else ''}mapping to {described(item, article=False)}"
        case Record(name):
            return name
        case Either(shapes):
            return " or ".join(described(each, article=article) for each in shapes)


_ARTICLES: Final = {"integer": "an ", "number": "a "}


def _written(value: Any) -> str:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else repr(value)


_KINDS: Final = {bool: "boolean", int: "integer", float: "number", str: "text"}


def _widened(shape: Exactly) -> Shape:
    return either(*(Scalar(_KINDS.get(type(value), "text")) for value in shape.values))


def fits(source: Shape, target: Shape) -> str:
    """Why a ``source`` can never be taken for a ``target``; empty where it may."""
    return _fits(source, target, frozenset())


def _fits(source: Shape, target: Shape, seen: frozenset[tuple[Any, Any]]) -> str:
    match source, target:
        case (Anything(), _) | (_, Anything()):
            return ""
        case Either(shapes), _:
            return next((why for each in shapes if (why := _fits(each, target, seen))), "")
        case _, Either(shapes):
            return _fits_one(source, shapes, seen)
        case Exactly(values), Exactly(allowed):
            odd = [value for value in values if not any(_same(value, other) for other in allowed)]
            return f"{_written(odd[0])} is not {described(target)}" if odd else ""
        case Exactly(), Scalar():
            why = _fits(_widened(source), target, seen)
            return f"{described(source)} is {described(_widened(source))}, not {described(target)}" if why else ""
        case Scalar(), Exactly():
            return _fits(source, _widened(target), seen) and _mismatch(source, target)
        case Scalar(have), Scalar(want):
            return "" if have == want or (have, want) == ("integer", "number") else _mismatch(source, target)
        case (Items(item), Items(wanted)) | (Table(item), Table(wanted)):
            why = _fits(item, wanted, seen)
            return f"in the {'list' if isinstance(source, Items) else 'mapping'}: {why}" if why else ""
        case Record(), Table(wanted):
            found = ((name, _fits(each.shape, wanted, seen)) for name, each in source.fields().items())
            return next((f"field {name!r}: {why}" for name, why in found if why), "")
        case Table(), Record():
            return ""
        case Record(), Record():
            return _record_fits(source, target, seen)
        case _:
            return _mismatch(source, target)


def _fits_one(source: Shape, shapes: tuple[Shape, ...], seen: frozenset[tuple[Any, Any]]) -> str:
    reasons = [_fits(source, each, seen) for each in shapes]
    if not all(reasons):
        return ""
    real = [why for why, each in zip(reasons, shapes, strict=True) if each != NOTHING]
    return real[0] if len(real) == 1 else _mismatch(source, Either(shapes))


def _record_fits(source: Record, target: Record, seen: frozenset[tuple[Any, Any]]) -> str:
    if source == target or (source, target) in seen:
        return ""
    seen |= {(source, target)}
    fields = source.fields()
    for name, wanted in target.fields().items():
        if name not in fields:
            if wanted.required:
                return f"{source.name} has no field {name!r}, which {target.name} needs"
        elif why := _fits(fields[name].shape, wanted.shape, seen):
            return f"field {name!r}: {why}"
    return ""


def _same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _mismatch(source: Shape, target: Shape) -> str:
    return f"{described(source)} is not {described(target)}"


@dataclass(frozen=True, slots=True)
class Dead:
    """A path that leads nowhere: why, and what to do."""

    what: str
    hint: str = ""


def follow(shape: Shape, path: tuple[str | int, ...]) -> Shape | Dead:
    """The shape at the end of a path, or why there is nothing there. What may be missing is left to the run."""
    for part in path:
        found = _one(shape, part)
        if isinstance(found, Dead):
            return found
        shape = found
    return shape


def _one(shape: Shape, part: str | int) -> Shape | Dead:
    match shape:
        case Anything():
            return ANYTHING
        case Either(shapes):
            ways = [_one(each, part) for each in shapes if each != NOTHING]
            good = [way for way in ways if not isinstance(way, Dead)]
            return either(*good) if good else ways[0]
        case Items(item):
            if isinstance(part, int):
                return item
            return Dead(f"a list has no field {part!r}", "Take one item with [0], or its size with length(...).")
        case Table(item):
            return item if isinstance(part, str) else Dead(f"a mapping has no item [{part}]", 'Write ["key"].')
        case Record(name):
            if isinstance(part, int):
                return Dead(f"{name} is no list and has no item [{part}]", f"It has {listing(shape.fields())}.")
            fields = shape.fields()
            if part in fields:
                return fields[part].shape
            return Dead(f"{name} has no field {part!r}", nearest(part, fields))
        case Scalar() | Exactly():
            shown = f"[{part}]" if isinstance(part, int) else repr(part)
            return Dead(f"{described(shape)} has no parts, so no {shown}", "Refer to it as it is.")
