"""What an exception says, made fit for a record: the same in every run, of bounded length, and JSON."""

from __future__ import annotations

import re
from typing import Any, Final

from agentops.errors import MessageInvalid
from agentops.messages import codec, decode

__all__ = ["plain", "tidy"]

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{6,}")
_LONGEST: Final = 2000


def tidy(text: str) -> str:
    """An exception's text without what differs from run to run (memory addresses), and of bounded length."""
    clean: str = _ADDRESS.sub("0x…", text).encode("utf-8", "replace").decode()
    return clean if len(clean) <= _LONGEST else clean[:_LONGEST] + "…"


def plain(facts: dict[str, Any]) -> dict[str, Any]:
    """An error's facts as JSON carries them back; where it cannot, they are told in words."""
    try:
        carried: dict[str, Any] = decode(codec(dict[str, Any]).encode(facts))
    except (MessageInvalid, ValueError):  # ValueError: msgspec's, for a text that is no text (a lone surrogate)
        return {name: tidy(repr(value)) for name, value in facts.items()}
    return carried
