"""Reads a YAML file as plain data, strictly, and remembers where everything stands.

Playbooks are read by people and come from strangers, so this takes the part of YAML that has one meaning: mappings
with distinct text keys, lists, and scalars. Refused, each with its line and column: duplicate keys, anchors and
aliases (the "billion laughs"), tags (``!!python/object``), merge keys, several documents, files that are too large or
too deep, NUL bytes, other encodings than UTF-8.

Plain scalars mean what they look like, as in YAML 1.2 and not as in 1.1: ``true``, ``false``, ``null``, ``~``,
``12``, ``-1.5`` and ``2e3`` are what they are everywhere; ``on``, ``no``, ``0o17``, ``010``, ``1_000``, ``12:30``,
``.inf`` and ``2026-01-31`` are text. Keys are always text.

Imports PyYAML's event parser only: none of its constructors, so nothing here can make an object.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from agentops.errors import PlaybookError
from agentops.playbook.problems import Mark, Place

__all__ = ["MAX_BYTES", "MAX_DEPTH", "YamlSource", "parse_yaml", "read_yaml"]

MAX_BYTES: Final = 256 * 1024
"""The size of the largest playbook that is read, in bytes."""

MAX_DEPTH: Final = 40
"""How deep lists and mappings may be nested."""

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})\Z")
_FLOAT: Final = re.compile(r"(?=.*[.eE])[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,3})?\Z")


@dataclass(frozen=True)
class YamlSource:
    """A parsed file: ``data`` is plain (dict, list, str, int, float, bool, None); `mark` says where a part stands."""

    file: str
    text: str
    data: Any = None
    values: dict[Place, _Span] = field(default_factory=dict, repr=False)
    keys: dict[Place, Mark] = field(default_factory=dict, repr=False)

    def mark(self, place: Place, *, key: bool = False, offset: int | None = None) -> Mark:
        """Line and column of the value at ``place``, of its key, or of character ``offset`` of its text.

        A place that is not in the file (a key that is missing) has the mark of what should hold it.
        """
        if key and place in self.keys:
            return self.keys[place]
        while place not in self.values:
            if not place:
                return Mark(1, 1)
            place = place[:-1]
        span = self.values[place]
        return span.mark if offset is None else _inside(self, span, offset)

    def get(self, place: Place) -> Any:
        """The value at ``place``."""
        value = self.data
        for part in place:
            value = value[part]
        return value


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a value stands, as offsets into the text as well; ``style`` is YAML's of a scalar, ``value`` its text."""

    mark: Mark
    start: int
    end: int
    style: str | None = None
    value: str = ""


def read_yaml(path: Path, *, shown: str = "") -> YamlSource:
    """Read and parse a file; raises `PlaybookError` that says what is wrong with it, where.

    ``shown`` is what errors call it; empty: its path.
    """
    file = shown or str(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise _unplaced(file, "is not a regular file", "Give the path of a YAML file.")
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise _unplaced(file, "does not exist", "Check the path, or list playbooks by name.") from None
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise _unplaced(file, what, "Check the file and its permissions.") from error
    return parse_yaml(raw, file=file)


def parse_yaml(raw: bytes, *, file: str) -> YamlSource:
    """Parse the bytes of one YAML document whose top is a mapping; ``file`` is the name that errors give it."""
    text = _decoded(raw, file)
    source = YamlSource(file=file, text=text)
    try:
        data = _Composer(source).document()
    except yaml.YAMLError as error:
        raise _syntax(source, error) from error
    if data is None:
        raise _error(source.file, Mark(1, 1), "the file is empty", "A playbook starts with 'playbook: its-name'.")
    if not isinstance(data, dict):
        found = "a list" if isinstance(data, list) else "a single value"
        what = f"the file holds {found}, not a mapping"
        raise _error(
            source.file, source.mark(()), what, "A playbook is a mapping that starts with 'playbook: its-name'."
        )
    return YamlSource(file=file, text=text, data=data, values=source.values, keys=source.keys)


def _decoded(raw: bytes, file: str) -> str:
    if len(raw) > MAX_BYTES:
        what = f"is larger than {MAX_BYTES // 1024} KiB"
        raise _unplaced(file, what, "Split it: a step can call another playbook.")
    raw = raw.removeprefix(b"\xef\xbb\xbf")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        mark = _position(raw[: error.start].decode("utf-8", "replace"))
        what = f"this is not UTF-8 text: a byte 0x{raw[error.start]:02x}"
        raise _error(file, mark, what, "Save the file as UTF-8.") from error
    if (at := text.find("\0")) >= 0:
        raise _error(file, _position(text[:at]), "a NUL character", "This is not a text file, or it is damaged.")
    return text


def _position(before: str) -> Mark:
    return Mark(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class _Composer:
    """Builds plain data from parser events; refuses whatever has more than one meaning."""

    def __init__(self, source: YamlSource) -> None:
        self.source = source
        self.events: Iterator[yaml.Event] = yaml.parse(source.text, Loader=yaml.SafeLoader)

    def document(self) -> Any:
        """The one document of the file; None when there is nothing in it."""
        next(self.events)  # the stream's start
        start = next(self.events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        if getattr(start, "tags", None):
            raise self._refuse(start, "tag directives are not used in playbooks", "Remove the %TAG line.")
        data = self._value(next(self.events), ())
        next(self.events)  # the document's end
        another = next(self.events)
        if not isinstance(another, yaml.StreamEndEvent):
            raise self._refuse(another, "a second document starts here", "Write one playbook per file; remove '---'.")
        return data

    def _value(self, event: yaml.Event, place: Place) -> Any:
        self._plain(event)
        if len(place) > MAX_DEPTH:
            raise self._refuse(event, f"nested more than {MAX_DEPTH} levels deep", "Flatten it.")
        if isinstance(event, yaml.ScalarEvent):
            self._sound(event)
            self._note(event, place, event.style, event.value)
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            self._note(event, place)
            return self._list(place)
        self._note(event, place)
        return self._mapping(place)

    def _list(self, place: Place) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*place, len(items))))
        return items

    def _mapping(self, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(event)
            here = (*place, key)
            if key in found:
                before = self.source.keys[here]
                what = f"the key {key!r} stands here twice"
                raise self._refuse(event, what, f"Remove one; the other is at line {before.line}.")
            self.source.keys[here] = _mark(event)
            found[key] = None
            found[key] = self._value(next(self.events), here)
        return found

    def _key(self, event: yaml.Event) -> str:
        self._plain(event)
        if not isinstance(event, yaml.ScalarEvent):
            raise self._refuse(event, "a key must be plain text, not a list or a mapping", "Quote text with braces.")
        self._sound(event)
        if event.value == "<<" and event.style is None:
            raise self._refuse(event, "merge keys ('<<') are not used in playbooks", "Write the values out.")
        if event.value == "":
            raise self._refuse(event, "a key is empty", "Write the name before the colon.")
        return str(event.value)

    def _plain(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f"alias '*{event.anchor}': aliases are not used in playbooks", _QUOTE_OR_COPY)
        if anchor := getattr(event, "anchor", None):
            raise self._refuse(event, f"anchor '&{anchor}': anchors are not used in playbooks", _QUOTE_OR_COPY)
        if (tag := getattr(event, "tag", None)) is not None:
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            hint = "Remove the tag; put text that looks like a number in quotes."
            raise self._refuse(event, f"tag '{shown}': tags are not used in playbooks", hint)

    def _sound(self, event: yaml.ScalarEvent) -> None:
        """Refuse what an escape can smuggle in: NUL, and halves of surrogate pairs, which UTF-8 cannot carry."""
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in event.value):
            raise self._refuse(event, "an escape in this text makes a NUL or half a surrogate pair", "Remove it.")

    def _note(self, event: yaml.Event, place: Place, style: str | None = None, value: str = "") -> None:
        start, end = event.start_mark, event.end_mark
        if start and end:
            self.source.values[place] = _Span(_mark(event), start.index, end.index, style, value)

    def _refuse(self, event: yaml.Event, what: str, hint: str) -> PlaybookError:
        return _error(self.source.file, _mark(event), what, hint)


_QUOTE_OR_COPY: Final = "Write the value out where it is needed, or put text that starts with '*' or '&' in quotes."


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start else Mark(0, 0)


def _scalar(event: yaml.ScalarEvent) -> Any:
    """What a scalar means. Quoted and block scalars are text."""
    text = str(event.value)
    if event.style is not None:
        return text
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text) and math.isfinite(number := float(text)):
        return number
    return text


def _inside(source: YamlSource, span: _Span, offset: int) -> Mark:
    """Where character ``offset`` of a scalar's value stands; the scalar's own mark where folding hides it."""
    raw = source.text[span.start : span.end]
    if (at := raw.find(span.value)) >= 0 and "\n" not in span.value:
        return Mark(span.mark.line, span.mark.column + at + offset)
    if span.style == "|":
        before = span.value[:offset]
        lines = source.text.split("\n")
        line = span.mark.line + 1 + before.count("\n")
        indent = len(lines[span.mark.line]) - len(lines[span.mark.line].lstrip(" "))
        return Mark(line, indent + offset - (before.rfind("\n") + 1) + 1)
    return span.mark


def _syntax(source: YamlSource, error: yaml.YAMLError) -> PlaybookError:
    """PyYAML's complaint, in our form."""
    if isinstance(error, yaml.reader.ReaderError):
        mark = _position(source.text[: error.position])
        what = f"the character U+{int(error.character):04X} may not stand in YAML"
        return _error(source.file, mark, what, "Remove it, or write it as an escape inside double quotes.")
    place = getattr(error, "problem_mark", None)
    mark = Mark(place.line + 1, place.column + 1) if place else Mark(0, 0)
    what = str(getattr(error, "problem", None) or error)
    context = getattr(error, "context", None)
    hint = "Indent with spaces: YAML allows no tabs." if "'\\t'" in what else _hint(what)
    return _error(source.file, mark, f"not valid YAML: {what}{f' ({context})' if context else ''}", hint)


def _hint(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "Put text that contains ': ' in quotes."
    if "could not find expected ':'" in problem or "block end" in problem:
        return "Check the indentation here and on the line before."
    if "cannot start any token" in problem:
        return "Put text that starts with a special character in quotes."
    return "Check quotes, brackets and indentation."


def _error(file: str, mark: Mark, what: str, hint: str) -> PlaybookError:
    text = f"{file}:{mark.line}:{mark.column}: {what}"
    return PlaybookError(text, hint=hint, file=file, line=mark.line, column=mark.column)


def _unplaced(file: str, what: str, hint: str) -> PlaybookError:
    return PlaybookError(f"{file} {what}", hint=hint, file=file, line=0, column=0)
