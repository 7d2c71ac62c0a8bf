"""Words: how a text is cut into tokens, and which tokens count as the same.

One tokenisation serves the search index, the queries and the offline model, so that what one of them finds the
others can see. Letters are lowercased and lose their diacritics; numbers keep their decimals and lose their thousands
separators (``1,000`` is ``1000``); scripts that are written without spaces become overlapping pairs of characters.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

__all__ = ["STOP_WORDS", "stem", "terms", "words"]

_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TOKEN: Final = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:[.,]\d+|['\u2019][^\W_{_CJK}]+)*")
_IS_CJK: Final = re.compile(rf"[{_CJK}]")
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_POSSESSIVE: Final = re.compile(r"['\u2019]s?$")

STOP_WORDS: Final = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below between both
    but by can could did do does doing done down during each either else ever every few for from further get had has
    have having he her here hers herself him himself his how however i if in into is it its itself just let like many
    may me might more most much must my myself neither no nor not now of off on once one only onto or other ought our
    ours ourselves out over own per please same shall she should since so some such tell than that the their theirs
    them themselves then there these they this those though through thus to too under until up upon us very was we were
    what when where whether which while who whom whose why will with within without would yes yet you your yours
    yourself yourselves
    can't cannot couldn't didn't doesn't don't hadn't hasn't haven't i'm i've isn't shouldn't they're
    wasn't we're weren't won't wouldn't you're
    """.split(),
)
"""English words that say nothing of a text's subject."""


def _fold(text: str) -> str:
    """Lowercase, without diacritics, compatibility forms resolved."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(char for char in spread if not unicodedata.combining(char)))


def words(text: str) -> list[str]:
    """The words of a text in order, folded: ``"The Company's 1,000 users"`` is ``the company 1000 users``."""
    found: list[str] = []
    for match in _TOKEN.finditer(_fold(text)):
        token = match.group()
        if _IS_CJK.match(token):
            found.extend([token] if len(token) == 1 else [token[at : at + 2] for at in range(len(token) - 1)])
            continue
        if token[0].isdigit() and _THOUSANDS.fullmatch(token):
            token = token.replace(",", "")
        found.append(_POSSESSIVE.sub("", token).replace("\u2019", "'"))
    return found


def terms(text: str) -> list[str]:
    """The words that carry a text's subject: stop words dropped, the others stemmed; in order, repeats kept."""
    return [stem(word) for word in words(text) if word not in STOP_WORDS]


_VOWEL: Final = re.compile(r"[aeiouy]")
_DOUBLE: Final = re.compile(r"([^aeiouylsz])\1$")
_MEASURE: Final = re.compile(r"[aeiouy]+[^aeiouy]+")
_SHORT: Final = re.compile(r"[^aeiou][aeiouy][^aeiouwxy]$")


def stem(word: str) -> str:
    """A light English stem: plurals, ``-ed``, ``-ing``, final ``-y`` and ``-e``.

    Steps 1 and 5a of M. F. Porter, "An algorithm for suffix stripping" (Program 14, 1980). The later steps, which
    make ``universe`` and ``university`` one, are left out on purpose: here a stem also decides whether evidence
    supports a claim. Words with digits, apostrophes or letters outside a-z are returned as they are.
    """
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return word
    word = _without_plural(word)
    word = _without_participle(word)
    if word.endswith("y") and _VOWEL.search(word[:-1]):
        word = word[:-1] + "i"
    if word.endswith("e"):
        measure = len(_MEASURE.findall(word[:-1]))
        if measure > 1 or (measure == 1 and not _SHORT.search(word[:-1])):
            word = word[:-1]
    return word


def _without_plural(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _without_participle(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _MEASURE.search(word[:-3]) else word
    for ending in ("ed", "ing"):
        root = word.removesuffix(ending)
        if root != word and _VOWEL.search(root):
            return _mended(root)
    return word


def _mended(root: str) -> str:
    """What is left when ``-ed`` or ``-ing`` is gone, made a word again: ``hopp`` is hop, ``creat`` create."""
    if root.endswith(("at", "bl", "iz")):
        return root + "e"
    if _DOUBLE.search(root):
        return root[:-1]
    return root + "e" if len(_MEASURE.findall(root)) == 1 and _SHORT.search(root) else root
