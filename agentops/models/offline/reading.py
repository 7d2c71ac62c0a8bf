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
    items = [item for number, material in enumerate(materials) for item in _items(material, f"m{number + 1}")]
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


def _items(value: Any, path: str) -> list[Item]:
    """The items in a value, in order. An object with a ``text`` is one item, whatever else is in it."""
    match value:
        case {"text": str(text)} if text.strip():
            fields: dict[str, Any] = value
            return [Item(_id(fields, path), text, _source(fields, path), _heading(fields), "evidence" in fields)]
        case dict():
            return [item for key, child in value.items() for item in _field(str(key), child, path)]
        case list():
            return [item for number, child in enumerate(value, 1) for item in _element(child, path, number)]
        case str() if value.strip():
            return [Item(path, value, path)]
        case _:
            return []


def _element(child: Any, path: str, number: int) -> list[Item]:
    """An element of a list: its id, where it has none, is its number, counted from 1."""
    return _items(child, str(number) if path.startswith("m") else f"{path}.{number}")


def _field(key: str, child: Any, path: str) -> list[Item]:
    if isinstance(child, str) and (key in _NOT_CONTENT or len(child.split()) < _SHORTEST_LOOSE_TEXT):
        return []
    return _items(child, key if path.startswith("m") else f"{path}.{key}")


def _id(fields: dict[str, Any], path: str) -> str:
    found = fields.get("id")
    return str(found) if isinstance(found, str | int) and found != "" else path


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
