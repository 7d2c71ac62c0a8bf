"""Characters that hide, and texts that pass for others.

Two uses. A guardrail strips what a person cannot see but a model reads. A rule that forbids compares generously: what
only looks like the forbidden value, or turns into it in a tool that folds case or Unicode, counts as perhaps the same.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["alike", "has_controls", "hidden", "skeleton", "strip_hidden"]

_ALWAYS: Final = (
    "\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\u3164\uffa0"  # zero width, invisible operators, fillers
    "\u202a-\u202e\u2066-\u2069"  # bidirectional embeddings, overrides and isolates
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # shorthand and musical format controls
)
_TAG: Final = "\U000e0000-\U000e007f"
_SELECTOR: Final = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_JOINER: Final = "\u200c\u200d"
_HIDDEN: Final = re.compile(
    f"(?P<flag>\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{2,6}}\U000e007f)"  # the flag of Wales: visible
    f"|[{_ALWAYS}{_TAG}]"
    f"|[{_SELECTOR}]{{2,}}"  # one chooses a glyph; a row of them spells something
    f"|[{_JOINER}]{{2,}}"
    f"|(?<=[\\x00-\\x7f])[{_JOINER}]"  # joiners shape emoji, Persian and Indic words; beside ASCII they only hide
    f"|[{_JOINER}](?=[\\x00-\\x7f])"
)
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ALL_HIDDEN: Final = re.compile(f"[{_ALWAYS}{_TAG}{_SELECTOR}{_JOINER}\u00ad\u034f\u061c\u115f\u1160\u200e\u200f]")


def strip_hidden(text: str) -> str:
    """The text without characters that nobody sees.

    What is visible, or shapes what is, stays: joiners between emoji or in Persian and Indic words, single variation
    selectors, the tag sequences of flags, left-to-right and right-to-left marks, soft hyphens.
    """
    return text if text.isascii() else _HIDDEN.sub(lambda match: match["flag"] or "", text)


def hidden(text: str) -> list[str]:
    """The names of the hidden characters in this text, each once, in the order in which they come."""
    found = "".join(match[0] for match in _HIDDEN.finditer(text) if not match["flag"])
    return list(dict.fromkeys(unicodedata.name(char, f"U+{ord(char):04X}") for char in found))


def has_controls(text: str) -> bool:
    """Whether control characters, or hidden ones of any kind, are in this text."""
    return _CONTROLS.search(text) is not None or (not text.isascii() and _ALL_HIDDEN.search(text) is not None)


def skeleton(text: str) -> str:
    """What is left of a text without case, white space, hidden characters, accents and compatibility forms."""
    if text.isascii() and text.isprintable():
        return text.replace(" ", "").lower()
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", _ALL_HIDDEN.sub("", text))
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
    return "".join(_CONTROLS.sub("", text).split()).casefold()


def alike(one: str, two: str) -> bool:
    """Whether two skeletons could pass for each other: equal, where a character outside ASCII may stand for any."""
    if one == two:
        return True
    if len(one) != len(two) or (one.isascii() and two.isascii()):
        return False
    return all(a == b or a.isascii() != b.isascii() for a, b in zip(one, two, strict=True))
