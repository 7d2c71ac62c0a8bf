"""A type's JSON Schema, in the form that endpoints accept, and the way back from their answer.

Three things stand between a msgspec schema and what `response_format` takes:

- The root must be an object. A reference at the root is written out; anything else (a list, a union, a number) is
  wrapped as ``{"value": ...}`` and unwrapped from the answer.
- *Strict* mode, in which the endpoint guarantees the shape, knows few keywords and wants every property required and
  no further ones allowed. Limits such as ``minLength`` are left out, for the kernel checks the answer against the real
  type anyway; what a default says goes into the description. A value for an optional field is always a value of that
  field, so requiring it asks more of the model and nothing of the reader.
- What strict mode cannot say (mappings with free keys, ``Any``, tuples of fixed shape) is asked for without it.

Sources: OpenAI's guide on structured outputs (supported schemas); JSON Schema 2020-12.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from agentops.messages import encode

__all__ = ["Adapted", "adapt", "parameters", "strip_wrapping"]

_KEPT = ("type", "enum", "const", "description", "$ref")
_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}


class _Inexpressible(Exception):
    """Strict mode cannot say this."""


class Adapted(msgspec.Struct, frozen=True):
    """A schema ready to send. ``loose`` is always there; ``strict`` only where strict mode can say it."""

    name: str
    loose: dict[str, Any]
    strict: dict[str, Any] | None
    wrapped: bool

    def unwrap(self, text: str) -> str:
        """The answer's JSON without what was put round it. Text that is no such JSON stays as it is."""
        text = strip_wrapping(text)
        if not self.wrapped:
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return encode(value["value"]).decode() if isinstance(value, dict) and set(value) == {"value"} else text


def adapt(schema: dict[str, Any], name: str = "") -> Adapted:
    """The forms of ``schema`` that can be sent; ``name`` is what the endpoint is told that it is called."""
    root, wrapped = _object_root(_without_extensions(schema))
    try:
        strict = _strict_root(root)
    except _Inexpressible:
        strict = None
    return Adapted(re.sub(r"[^a-zA-Z0-9_-]", "_", name or "answer")[:64], root, strict, wrapped)


def parameters(schema: dict[str, Any]) -> dict[str, Any]:
    """A tool's parameters as endpoints take them: an object, even where it has no properties."""
    cleaned = _without_extensions(schema)
    return {"type": "object", "properties": {}, **cleaned}


def _without_extensions(node: Any, *, names: bool = False) -> Any:
    """A copy without ``x-...`` keywords. ``names``: this object's keys are names of properties, not keywords."""
    if isinstance(node, list | tuple):
        return [_without_extensions(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _without_extensions(value, names=not names and key in {"properties", "$defs"})
        for key, value in node.items()
        if names or not key.startswith("x-")
    }


def _object_root(schema: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """The schema with an object at its root, and whether it had to be wrapped for that."""
    definitions: dict[str, Any] = {}
    root = _hoisted(schema, definitions)
    reference = root.get("$ref", "")
    if reference.startswith("#/$defs/"):
        root = dict(definitions.get(reference.removeprefix("#/$defs/"), root))
    wrapped = root.get("type") != "object"
    if wrapped:
        root = {"type": "object", "properties": {"value": root}, "required": ["value"]}
    return ({**root, "$defs": definitions} if definitions else root), wrapped


def _hoisted(node: Any, definitions: dict[str, Any], *, names: bool = False) -> Any:
    """A copy whose definitions, wherever they stood, are in ``definitions``: references point to the root."""
    if isinstance(node, list):
        return [_hoisted(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if not names:
        for name, definition in node.get("$defs", {}).items():
            definitions[name] = _hoisted(definition, definitions)
    return {
        key: _hoisted(value, definitions, names=not names and key == "properties")
        for key, value in node.items()
        if names or key != "$defs"
    }


def _strict_root(root: dict[str, Any]) -> dict[str, Any]:
    made = _strict(root)
    if "$defs" in root:
        made["$defs"] = {name: _strict(definition) for name, definition in root["$defs"].items()}
    return made


def _strict(node: Any) -> dict[str, Any]:
    """One node in strict form; `_Inexpressible` where there is none."""
    if not isinstance(node, dict) or "prefixItems" in node:
        raise _Inexpressible
    made = {key: node[key] for key in _KEPT if key in node}
    ways = node.get("anyOf") or node.get("oneOf")
    if ways:
        made["anyOf"] = [_strict(way) for way in ways]
    kind = node.get("type")
    if kind == "object":
        made |= _strict_object(node)
    elif kind == "array":
        made["items"] = _strict(node.get("items"))
    elif "enum" in node and kind is None:
        made["type"] = _type_of(node["enum"])
    elif kind is None and not {"anyOf", "$ref", "const"} & made.keys():
        raise _Inexpressible
    if "$ref" in made:  # beside a reference nothing else may stand
        return {"$ref": made["$ref"]}
    if "default" in node:
        hint = f"Default: {json.dumps(node['default'], default=str)}."
        made["description"] = f"{made['description']} {hint}" if "description" in made else hint
    return made


def _strict_object(node: dict[str, Any]) -> dict[str, Any]:
    if node.get("additionalProperties", False) is not False:  # free keys
        raise _Inexpressible
    properties = node.get("properties", {})
    return {
        "properties": {name: _strict(value) for name, value in properties.items()},
        "required": list(properties),
        "additionalProperties": False,
    }


def _type_of(values: list[Any]) -> str | list[str]:
    kinds = sorted({_JSON_TYPES.get(type(value), "") for value in values})
    if not kinds or "" in kinds:
        raise _Inexpressible
    return kinds[0] if len(kinds) == 1 else kinds


_THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)
_FENCED = re.compile(r"\A\s*(`{3,}|~{3,})[^\n]*\n(.*?)\n?\s*\1\s*\Z", re.DOTALL)


def strip_wrapping(text: str) -> str:
    """JSON as models wrap it when nobody stops them (thoughts before it, a code fence round it), laid bare.

    Text that is JSON already, and text that is not JSON when unwrapped either, comes back unchanged.
    """
    if _is_json(text):
        return text
    bare = _THOUGHTS.sub("", text, count=1)
    fenced = _FENCED.match(bare)
    bare = (fenced.group(2) if fenced else bare).strip()
    if _is_json(bare):
        return bare
    start, end = bare.find("{"), bare.rfind("}")
    inner = bare[start : end + 1] if 0 <= start < end else ""
    return inner if _is_json(inner) else text


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
