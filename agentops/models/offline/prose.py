"""From items to the sentences that may be quoted: prose that stands on its own, each a verbatim piece of its item.

`agentops.text` knows what is prose and where sentences end; what stands here is a reader's taste. White space inside
a sentence is collapsed, since documents are wrapped at any column; nothing else is changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from agentops.models.offline.reading import Item
from agentops.text import sentences, terms

__all__ = ["Sentence", "squeeze", "to_sentences"]

_DANGLING: Final = re.compile(
    r"""[*_"'“(]*(?:it|its|they|their|them|he|she|his|her|this|these|those|such|that|here|both|neither|either|another
    |otherwise|the\s(?:former|latter|same|above|following|other)|in\s(?:that|this)\scase|(?:yes|no)(?=,))\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""Beginnings that mean nothing without the sentence before."""
_CONNECTING: Final = re.compile(
    r"""[*_"'“(]*(?:however|therefore|thus|hence|also|but|and|or|so|then|yet|instead|moreover|furthermore|additionally
    |conversely|similarly|likewise|still|nor|there|since\sthen|for\sexample|as\sa\sresult|in\saddition
    |in\sother\swords)\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""Beginnings that only hint at the sentence before."""
_LEANING: Final = re.compile(r"(?:\S+,?\s+){1,2}(?:it|they|this|these|those|he|she)\s", re.IGNORECASE)
"""``When it stops, ...``: a pronoun among the first words."""
_POINTING: Final = re.compile(
    r"\b(?:see (?:also|the|below|above)\b|(?:shown|listed|described|as follows|following) (?:below|above|in the)\b"
    r"|(?:table|figure|section|chapter) \d)",
    re.IGNORECASE,
)
"""Pointers to somewhere that a quotation does not bring along."""
_ADDRESSED: Final = re.compile(
    r"\b(?:ignore|disregard|forget)\b.{0,40}\b(?:instructions?|prompts?|rules)\b|^(?:system|assistant|user)\s*:",
    re.IGNORECASE,
)
"""Words meant for a model that reads along. They cannot steer this one; nor do they tell a reader anything."""
_COLUMNS: Final = re.compile(r"\S(?:\t+| {3,})\S.*\S(?:\t+| {3,})\S|\n[ \t]*>")
"""Rows of figures set with white space, and quotation marks of e-mail inside a sentence."""

_FEWEST_WORDS: Final = 4
_FEWEST_WORDS_OPEN: Final = 7
"""Words that a piece without a full stop must have: shorter ones are labels."""
_LONG_WORDS: Final = 50
_LETTERS: Final = 0.65
"""The share of letters and spaces that tells prose from code and formulas."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One quotable sentence. ``text`` stands in its item verbatim but for white space."""

    item: int
    """Which item, by position."""
    text: str
    terms: tuple[str, ...]
    fitness: float
    """Above 0, up to 1: how well it stands alone, whatever it says."""


def squeeze(text: str) -> str:
    """The text with every run of white space made one space."""
    return " ".join(text.split())


def to_sentences(items: Sequence[Item]) -> list[Sentence]:
    """Every quotable sentence, in the order of the material; a sentence that stands twice is taken once."""
    found: dict[str, Sentence] = {}
    for number, item in enumerate(items):
        for span in sentences(item.text):
            raw = item.text[span.start : span.end]
            text = squeeze(raw)
            fitness = 0.0 if _COLUMNS.search(raw) else _fitness(text, complete=span.complete)
            if fitness > 0:
                found.setdefault(text.casefold(), Sentence(number, text, tuple(terms(text)), fitness))
    return list(found.values())


def _fitness(text: str, *, complete: bool) -> float:
    """How well a sentence stands alone; 0: not at all."""
    words = text.split()
    letters = sum(character.isalpha() or character == " " for character in text) / len(text)
    fewest = _FEWEST_WORDS if complete else _FEWEST_WORDS_OPEN
    bare = text.rstrip("\"'”’)*_`")
    if (len(words) < fewest and text.isascii()) or letters < _LETTERS or bare.endswith(":"):
        return 0.0
    fitness = 1.0 if complete else 0.6
    if bare.endswith("?"):
        fitness *= 0.3
    if _DANGLING.match(text):
        fitness *= 0.6
    elif _CONNECTING.match(text) or _LEANING.match(text):
        fitness *= 0.8
    if _POINTING.search(text):
        fitness *= 0.2 if text.startswith("See ") else 0.6
    if _ADDRESSED.search(text):
        fitness *= 0.2
    if text[0].islower():
        fitness *= 0.8
    return fitness * min(1.0, _LONG_WORDS / len(words))
