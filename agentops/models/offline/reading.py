"""From a request to what it is about: a question, perhaps a claim, and the items of its material.

Only the structure of the request is read. Text inside the material is data: a document that contains JSON, or the
word "question", is still a document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from agentops.kernel.chat import ModelRequest
from agentops.messages import decode

__all__ = ["Item", "Reading", "read"]

_NOT_CONTENT = frozenset({"id", "question", "claim", "document", "heading", "title", "url", "path", "reason", "note"})
_WHOLE = "material"
"""The id of a material that is one text."""
_SHORTEST_LOOSE_TEXT = 5
"""Words that a string outside an item must have to count as content rather than as a label."""


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of material. ``source`` is the document it is from, for the cap per source."""

    id: str
    text: str
    source: str
    heading: str = ""
    chosen: bool = False
    """Whether somebody chose it before, which an object shows by naming its own ``evidence``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a request is about. ``asked`` says that the question is the material's own, not merely the prompt."""

    question: str
    claim: str
    items: tuple[Item, ...]
    asked: bool


def read(request: ModelRequest) -> Reading:
    """Read a request. Without any material, a prompt's first paragraph is the question and the others the material."""
    materials = [_parse(message.material) for message in request.messages if message.material]
    prompts = [message.text for message in request.messages if message.role == "user" and message.text]
    prompt = prompts[0] if prompts else ""
    top = [material for material in materials if isinstance(material, dict)]
    items = [item for material in materials for item in _items(material)]
    if not items and not materials:
        first, _, rest = prompt.strip().partition("\n\n")
        if rest.strip():
            return Reading(first, "", (Item("prompt", rest, "prompt"),), asked=False)
    question = _first_string(top, "question")
    return Reading(question or prompt, _first_string(top, "claim"), tuple(items), asked=bool(question))


def _parse(material: str) -> Any:
    """The material's value; text that is not JSON is material as it stands."""
    try:
        return decode(material.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return material


def _first_string(objects: list[dict[str, Any]], key: str) -> str:
    for found in objects:
        value = found.get(key)
        if isinstance(value, str) and value.strip():
            return value
    return ""


def _items(value: Any, path: str = "") -> list[Item]:
    """The items in a value, in order. An object with a ``text`` is one item, whatever else is in it.

    ``path`` leads to the value: keys, and numbers from 1. It is the id of what has none.
    """
    match value:
        case {"text": str(text)} if text.strip():
            fields: dict[str, Any] = value
            return [Item(_id(fields, path), text, _source(fields, path), _heading(fields), "evidence" in fields)]
        case dict():
            return [item for key, child in value.items() for item in _field(str(key), child, path)]
        case list():
            return [item for number, child in enumerate(value, 1) for item in _element(child, path, number)]
        case str() if value.strip():
            return [Item(path or _WHOLE, value, path or _WHOLE)]
        case _:
            return []


def _field(key: str, child: Any, path: str) -> list[Item]:
    """A field of an object: a string counts if it is content by its name and its length."""
    if isinstance(child, str) and (key in _NOT_CONTENT or _is_label(child)):
        return []
    return _items(child, f"{path}.{key}" if path else key)


def _element(child: Any, path: str, number: int) -> list[Item]:
    """An element of a list: where the list is all there is, any string counts; in a field, one of some length."""
    if isinstance(child, str) and path and _is_label(child):
        return []
    return _items(child, f"{path}.{number}" if path else str(number))


def _is_label(text: str) -> bool:
    return len(text.split()) < _SHORTEST_LOOSE_TEXT


def _id(fields: dict[str, Any], path: str) -> str:
    found = fields.get("id")
    return str(found) if isinstance(found, str | int) and found != "" else path or _WHOLE


def _source(fields: dict[str, Any], path: str) -> str:
    """The document of an item, or of the first thing that it cites; else itself."""
    cited = fields.get("citations")
    first = cited[0] if isinstance(cited, list) and cited else None
    for holder in (fields, first):
        if isinstance(holder, dict) and isinstance(holder.get("document"), str):
            return str(holder["document"])
    return _id(fields, path)


def _heading(fields: dict[str, Any]) -> str:
    for key in ("heading", "title"):
        if isinstance(fields.get(key), str):
            return str(fields[key])
    return ""
