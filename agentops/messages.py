"""Messages: the only thing that agents share.

A message is a frozen `msgspec.Struct`. It is checked when it is sent, not when it is made: sending encodes it to
the very bytes that the journal keeps and decodes it from them, so that the recipient sees what was recorded and
nothing that the sender does afterwards can change it. What JSON cannot carry back as it was (NaN, infinities, lone
surrogates) is refused with `agentops.errors.MessageInvalid`.

::

    class Question(Ask[Evidence]):      # a message whose reply is an Evidence
        text: str

This module imports nothing of agentops but its errors.
"""

from __future__ import annotations

import math
from typing import Any, Final, Generic, TypeVar, dataclass_transform

import msgspec

from agentops.errors import MessageInvalid

__all__ = ["Ask", "Codec", "Message", "Reply", "codec", "decode", "encode", "from_json", "json_schema"]

Reply = TypeVar("Reply")


@dataclass_transform(frozen_default=True, field_specifiers=(msgspec.field,))
class Message(msgspec.Struct, frozen=True):
    """Base of everything that agents say to each other. Fields are what the annotations say they are."""


class Ask(Message, Generic[Reply], frozen=True):
    """A message that is answered by a ``Reply``: ``reply = await self.ask("analyst", Question(text=...))``."""


def _to_plain(value: Any) -> Any:
    """For a pydantic model (recognised by its method: pydantic is not imported for it), its JSON form."""
    dump = getattr(value, "model_dump", None)
    if dump is None:
        msg = f"a {type(value).__name__} cannot be recorded"
        raise TypeError(msg)
    return dump(mode="json")


def _from_plain(kind: type, value: Any) -> Any:
    """A pydantic model from its JSON form; pydantic's error becomes msgspec's."""
    validate = getattr(kind, "model_validate", None)
    if validate is None:
        msg = f"a {kind.__name__} cannot be read from the record"
        raise TypeError(msg)
    return validate(value)


def _pydantic_schema(kind: Any) -> dict[str, Any]:
    schema: dict[str, Any] = kind.model_json_schema()
    return schema


def json_schema(kind: Any) -> dict[str, Any]:
    """JSON Schema of a type, as models and tools are given it; pydantic models bring their own."""
    return msgspec.json.schema(kind, schema_hook=_pydantic_schema)


_encoder: Final = msgspec.json.Encoder(order="deterministic", enc_hook=_to_plain)
encode: Final = _encoder.encode
"""Canonical JSON: keys and sets sorted, no white space; the bytes that are recorded and hashed."""

decode: Final = msgspec.json.Decoder().decode
"""JSON bytes to plain Python values."""


_SCALARS: Final = (
    msgspec.inspect.StrType,
    msgspec.inspect.IntType,
    msgspec.inspect.BoolType,
    msgspec.inspect.NoneType,
    msgspec.inspect.BytesType,
    msgspec.inspect.LiteralType,
    msgspec.inspect.EnumType,
)


def _parts(node: msgspec.inspect.Type) -> list[msgspec.inspect.Type]:
    """The types that a type is made of, one level down; a frozen container's or a mutable one's alike."""
    info = msgspec.inspect
    match node:
        case info.UnionType():
            return list(node.types)
        case info.TupleType():
            return list(node.item_types)
        case info.VarTupleType() | info.ListType() | info.SetType() | info.FrozenSetType() | info.CollectionType():
            return [node.item_type]
        case info.DictType():
            return [node.value_type]
        case info.StructType() | info.DataclassType() | info.TypedDictType() | info.NamedTupleType():
            return [field.type for field in node.fields]
        case _:
            return []


def _all_types(root: Any) -> list[msgspec.inspect.Type]:
    """Every type that occurs in ``root``, each class visited once (types may refer to themselves)."""
    found: list[msgspec.inspect.Type] = []
    waiting = [msgspec.inspect.type_info(root)]
    seen: set[Any] = set()
    while waiting:
        node = waiting.pop()
        cls = getattr(node, "cls", None)
        if cls is not None:
            if cls in seen:
                continue
            seen.add(cls)
        found.append(node)
        waiting.extend(_parts(node))
    return found


def _is_frozen(node: msgspec.inspect.Type) -> bool:
    """Whether this one level is immutable."""
    info = msgspec.inspect
    if isinstance(node, info.StructType):
        return bool(node.cls.__struct_config__.frozen)
    frozen = (*_SCALARS, info.FloatType, info.UnionType, info.TupleType, info.VarTupleType, info.FrozenSetType)
    return isinstance(node, frozen)


def _may_be_float(node: msgspec.inspect.Type) -> bool:
    """Whether a NaN could hide here (JSON writes it as null, which an optional takes back)."""
    info = msgspec.inspect
    return isinstance(node, info.FloatType | info.AnyType | info.CustomType | info.RawType)


def _refuse_non_finite(value: Any, where: str) -> None:
    match value:
        case float():
            if not math.isfinite(value):
                msg = f"{where} is {value}, which JSON cannot carry"
                raise ValueError(msg)
        case msgspec.Struct():
            for field in value.__struct_fields__:
                _refuse_non_finite(getattr(value, field), f"{where}.{field}")
        case dict():
            for key, item in value.items():
                _refuse_non_finite(item, f"{where}[{key!r}]")
        case list() | tuple() | set() | frozenset():
            for number, item in enumerate(value):
                _refuse_non_finite(item, f"{where}[{number}]")
        case _:
            return


class Codec:
    """Turns values of one type into the bytes that are recorded, and back.

    ``frozen`` says whether decoded values can be shared between recipients.
    """

    __slots__ = ("_decode", "_floats", "frozen", "kind")

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        self._decode = msgspec.json.Decoder(kind, dec_hook=_from_plain).decode
        types = _all_types(kind)
        self.frozen = all(map(_is_frozen, types))
        self._floats = any(map(_may_be_float, types))

    def encode(self, value: Any) -> bytes:
        """Canonical bytes; raises `MessageInvalid` where JSON could not carry the value back."""
        try:
            if self._floats:
                _refuse_non_finite(value, self.name)
            return encode(value)
        except (TypeError, ValueError, RecursionError, OverflowError, msgspec.MsgspecError) as error:
            raise self._invalid(error) from error

    def decode(self, data: bytes) -> Any:
        """The value; raises `MessageInvalid` naming the field that does not fit."""
        try:
            return self._decode(data)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise self._invalid(error) from error

    @property
    def name(self) -> str:
        """The type's name, as it stands in records and errors."""
        return getattr(self.kind, "__name__", None) or str(self.kind)

    def _invalid(self, error: Exception) -> MessageInvalid:
        return MessageInvalid(
            f"{self.name} cannot be sent: {error}",
            hint="Give each field a value of its annotated type; JSON must be able to carry it back unchanged.",
            message=self.name,
        )


_codecs: dict[Any, Codec] = {}


def codec(kind: Any) -> Codec:
    """The codec of a type, made once. A type that msgspec cannot decode raises `MessageInvalid`."""
    try:
        return _codecs[kind]
    except KeyError:
        pass
    except TypeError as error:  # an unhashable annotation
        msg = f"{kind!r} is not a type that can be recorded: {error}"
        raise MessageInvalid(msg) from error
    try:
        made = Codec(kind)
    except (TypeError, NotImplementedError, NameError) as error:
        msg = f"{kind!r} is not a type that can be recorded: {error}"
        hint = "Use msgspec structs, dataclasses, str, int, float, bool, list, tuple, dict with str keys, or None."
        raise MessageInvalid(msg, hint=hint) from error
    _codecs[kind] = made
    return made


def from_json(kind: Any, data: bytes | str) -> Any:
    """Decode JSON to ``kind``, checked; `MessageInvalid` names what does not fit."""
    return codec(kind).decode(data.encode() if isinstance(data, str) else data)
