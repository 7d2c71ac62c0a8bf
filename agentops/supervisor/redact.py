"""Secrets, taken out of whatever is about to be recorded, shown or sent: `Redactor`.

Two sorts are found: values that were registered (the keys that this process really uses), in plain and in their usual
encodings, and texts that look like keys (`key_shapes`). Each becomes ``[redacted:<kind>]``. The same input gives the
same output, redacting twice changes nothing more, and time is linear.

Almost every payload holds no secret, so there is a quick look first: every key holds a long unbroken run of token
characters, or stands before an ``@`` in a URL. What has neither is done.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from agentops.messages import decode, encode
from agentops.supervisor.key_shapes import SHAPES

__all__ = ["SHORTEST_SECRET", "Redactor", "rebuilt", "texts"]

SHORTEST_SECRET: Final = 8
"""Registered values below this many characters are left out (see `Redactor.left_out`): they are in every text."""

_TOKEN_CHARS: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+/=.~"
_TO_RUNS: Final = bytes(ord("a") if char in _TOKEN_CHARS else ord(" ") for char in range(256))
_RUN: Final = b"a" * 16
"""No shape gets by with less than 16 token characters in a row."""
_SPLITS_ESCAPES: Final = (b"\\u", b"\\/")


class Redactor:
    """Finds secrets in texts, JSON values and JSON bytes, and puts ``[redacted:<kind>]`` in their place.

    ``registered``: values, or values by name; the kind is then the name, else ``secret``. Values are never shown,
    not even by ``repr``. ``left_out`` names those that cannot be looked for: too short, or no Unicode text.
    """

    __slots__ = ("_in_json", "_in_text", "_kinds", "_registered", "left_out")

    def __init__(self, registered: Mapping[str, str] | Iterable[str] = ()) -> None:
        named = registered.items() if isinstance(registered, Mapping) else (("secret", value) for value in registered)
        self._kinds: dict[str, str] = {}
        self.left_out: tuple[str, ...] = ()
        for name, value in named:
            if len(value) < SHORTEST_SECRET or value in f"[redacted:{name}]" or not _is_text(value):
                self.left_out += (name,)
                continue
            for form in _forms(value):
                self._kinds.setdefault(form, re.sub(r"[^A-Za-z0-9_.-]", "-", name))
        longest_first = sorted(self._kinds, key=lambda form: (-len(form), form))
        self._registered = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        # a form with a run of its own is seen by the quick look; only the others must be looked for one by one
        runless = [form for form in longest_first if _RUN not in form.encode().translate(_TO_RUNS)]
        self._in_text = tuple(form.encode() for form in runless)
        self._in_json = tuple(dict.fromkeys((*(encode(form)[1:-1] for form in runless), *self._in_text)))

    def __repr__(self) -> str:
        return f"Redactor({len(self._kinds)} registered forms)"

    def text(self, text: str) -> str:
        """The text without its secrets; the very same object where it holds none."""
        if len(text) < SHORTEST_SECRET:
            return text
        data = text.encode("utf-8", "surrogatepass")
        shaped = _may_hold_shape(data)
        if self._registered is not None and (shaped or any(form in data for form in self._in_text)):
            text = self._registered.sub(lambda match: f"[redacted:{self._kinds[match[0]]}]", text)
        if not shaped:
            return text
        for kind, anchors, pattern in SHAPES:
            if any(anchor in text for anchor in anchors):
                text = pattern.sub(lambda match, kind=kind: _masked(match, kind), text)  # type: ignore[misc]
        return text

    def value(self, value: Any) -> Any:
        """A plain JSON value without secrets, in keys too, at any depth; the very same object where it holds none."""
        return rebuilt(value, self.text) if any(self.text(text) is not text for text in texts(value)) else value

    def json(self, data: bytes) -> bytes:
        """JSON bytes without secrets; the very same object where there are none, else canonical JSON.

        Bytes that are no JSON are redacted as text.
        """
        if not self._may_hold(data):
            return data
        try:
            value = decode(data)
            cleaned = self.value(value)
            return data if cleaned is value else encode(cleaned)
        except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError):  # no JSON, or no number of ours
            text = data.decode("utf-8", "surrogateescape")
            clean = self.text(text)
            return data if clean is text else clean.encode("utf-8", "surrogateescape")

    def kinds(self, value: Any) -> tuple[str, ...]:
        """The kinds of secrets in a plain JSON value, each once, sorted."""
        found: set[str] = set()
        for text in texts(value):
            clean = self.text(text)
            if clean is not text:
                before = set(_MARK.findall(text))
                found |= {kind for kind in _MARK.findall(clean) if kind not in before} or {"secret"}
        return tuple(sorted(found))

    def _may_hold(self, data: bytes) -> bool:
        """Whether JSON bytes could hold a secret once decoded. Escapes could spell one, so they count as perhaps."""
        if _may_hold_shape(data) or any(form in data for form in self._in_json):
            return True
        return b"\\" in data and any(split in data for split in _SPLITS_ESCAPES)


_MARK: Final = re.compile(r"\[redacted:([A-Za-z0-9_.-]+)\]")


def _may_hold_shape(data: bytes) -> bool:
    return (b"@" in data and b"://" in data) or _RUN in data.translate(_TO_RUNS)


def _masked(match: re.Match[str], kind: str) -> str:
    if "secret" not in match.re.groupindex:
        return f"[redacted:{kind}]"
    whole, start = match[0], match.start()
    return f"{whole[: match.start('secret') - start]}[redacted:{kind}]{whole[match.end('secret') - start :]}"


def _is_text(value: str) -> bool:
    """Whether it could stand in JSON at all: no lone surrogates, as an undecodable environment variable has."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _forms(value: str) -> Iterable[str]:
    """A registered value as it may turn up: plain, escaped in JSON, percent-encoded, in hex and in base64."""
    data = value.encode()
    yield value
    yield encode(value)[1:-1].decode()
    yield "".join(chr(byte) if chr(byte) in _UNRESERVED else f"%{byte:02X}" for byte in data)
    yield data.hex()
    yield data.hex().upper()
    for skipped in range(3):  # where in a group of three bytes it begins is chance; the characters between stay
        start, end = (3 - skipped) % 3, len(data) - (len(data) - (3 - skipped) % 3) % 3
        if end - start >= SHORTEST_SECRET:
            inner = base64.b64encode(data[start:end])
            yield inner.decode()
            yield inner.translate(bytes.maketrans(b"+/", b"-_")).decode()


_UNRESERVED: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")


def texts(value: Any) -> Iterable[str]:
    """Every text in a JSON value, keys included; without recursion, for depth is the sender's choice."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            yield node
        elif isinstance(node, dict):
            waiting += node.keys()
            waiting += node.values()
        elif isinstance(node, list | tuple):
            waiting += node


def rebuilt(value: Any, clean: Any) -> Any:
    """The value with ``clean`` applied to every text. Keys that become equal are told apart by a number."""
    holder: list[Any] = [None]
    waiting: list[tuple[Any, Any, Any]] = [(holder, 0, value)]
    while waiting:
        into, key, node = waiting.pop()
        if isinstance(node, str):
            into[key] = clean(node)
        elif isinstance(node, dict):
            made: dict[Any, Any] = {}
            into[key] = made
            for name, each in node.items():
                free = _free(clean(name) if isinstance(name, str) else name, made)
                made[free] = None
                waiting.append((made, free, each))
        elif isinstance(node, list | tuple):
            items: list[Any] = [None] * len(node)
            into[key] = items
            waiting += [(items, index, each) for index, each in enumerate(node)]
        else:
            into[key] = node
    return holder[0]


def _free(name: Any, taken: dict[Any, Any]) -> Any:
    free, number = name, 1
    while free in taken:
        number += 1
        free = f"{name}#{number}"
    return free
