"""Recorded values as short, safe text.

What stands in a journal came from models, documents and tools. Shown as it is, it could move the cursor of a terminal,
colour it, or make a line read backwards; so every text goes through `visible` before a person sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["call", "clip", "columns", "duration", "money", "plural", "value", "visible"]

_UNSEEN: Final = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # control characters, escape among them
    "\u2028\u2029"  # line and paragraph separators
    "\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"  # zero width, and marks that turn the direction of text
    "\ufff9-\ufffb\U000e0000-\U000e007f"  # interlinear marks, and tags that spell text nobody sees
    "\ud800-\udfff"  # lone surrogates
    "]"
)
_NAMED: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def visible(text: str, *, lines: bool = False) -> str:
    """The text with everything that a terminal would act on, or not show, written as an escape.

    With ``lines`` line feeds and tabs stay what they are: for whole pages.
    """
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return _UNSEEN.sub(lambda match: match[0] if match[0] in kept else _escape(match[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns of a terminal a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) != 0 for character in text)


def clip(text: str, width: int) -> str:
    """At most ``width`` columns of the text, with an ellipsis where something is left out."""
    if columns(text) <= width:
        return text
    kept: list[str] = []
    room = max(width - 1, 0)
    for character in text:
        room -= columns(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + "…"


def value(thing: Any, width: int = 60) -> str:
    """A JSON value in about ``width`` columns, readable rather than parseable: inner values get a share of the room."""
    if isinstance(thing, str):
        return f'"{clip(visible(thing), max(width - 2, 1))}"'
    if isinstance(thing, Mapping):
        return clip(_members(thing, width), width)
    if isinstance(thing, Sequence) and not isinstance(thing, bytes):
        return clip(_items(thing, width), width)
    if thing is None or isinstance(thing, bool):
        return {None: "null", True: "true", False: "false"}[thing]
    return clip(visible(str(thing)), width)


def _members(thing: Mapping[str, Any], width: int) -> str:
    if not thing:
        return "{}"
    share = max(width // min(len(thing), 3), 12)
    return "{" + ", ".join(f"{visible(str(key))}: {value(each, share)}" for key, each in thing.items()) + "}"


def _items(thing: Sequence[Any], width: int) -> str:
    if not thing:
        return "[]"
    if any(isinstance(each, Mapping | list) for each in thing):
        return plural(len(thing), "item")
    return "[" + ", ".join(value(each, max(width // 2, 12)) for each in thing[:8]) + (", …]" if thing[8:] else "]")


def call(name: str, arguments: Any, width: int = 100) -> str:
    """``name(key=value, ...)`` for an object of arguments; clipped to about ``width`` columns."""
    name = visible(name)
    if arguments == "…":
        return f"{name}(…)"
    if not isinstance(arguments, Mapping):
        return f"{name}({'' if arguments is None else value(arguments, width)})"
    share = max(width // max(min(len(arguments), 3), 1), 16)
    inner = ", ".join(f"{visible(str(key))}={value(each, share)}" for key, each in arguments.items())
    return f"{name}({clip(inner, width)})"


def money(micro_dollars: int) -> str:
    """Dollars, to as many places as say something."""
    dollars = micro_dollars / 1_000_000
    return f"${dollars:,.2f}" if micro_dollars % 10_000 == 0 else f"${dollars:,.6f}".rstrip("0")


def duration(microseconds: int) -> str:
    """A length of time, to three digits or so."""
    seconds = microseconds / 1_000_000
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def plural(count: int, noun: str) -> str:
    """``1 call``, ``2,000 calls``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
