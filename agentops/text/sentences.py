"""Sentences, by rule: where a text's sentences begin and end.

Only prose has sentences: paragraphs, quotes and list items. Headings, code, tables, tags and rules have none. A full
stop does not end a sentence inside a number, after an abbreviation or an initial, or before a lowercase word.
Everything is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from agentops.text.blocks import Block, blocks, item_marker

__all__ = ["Sentence", "sentences"]


class Sentence(NamedTuple):
    """``text[start:end]``, without the white space, list marker or quote mark around it."""

    start: int
    end: int
    kind: Literal["prose", "item"] = "prose"
    complete: bool = True
    """Whether it reads as a sentence: three words or more, with a mark that ends it. A list item may well not."""


_CLOSERS: Final = "\"'\u201d\u2019\u00bb)\\]*_`"
_END: Final = re.compile(
    rf"(?<![.!?\u2026])[.!?\u2026]++[{_CLOSERS}]*+(?=\s|\Z)|[\u3002\uff01\uff1f]++[\u300d\u300f\u201d\u2019\uff09]*+",
)
_SHUT: Final = re.compile(rf"[.!?\u2026\u3002\uff01\uff1f:][{_CLOSERS}\u300d\u300f\uff09]*\Z")
_LOOK_BACK: Final = 40
_LAST_WORD: Final = re.compile(r"[\w.\u2019'&-]*\Z")
_NEXT: Final = re.compile(r"[\s\"'\u201c\u2018\u00ab(\[*_`>]*")
_INITIALS: Final = re.compile(r"(?:[A-Z]\.)+[A-Z]?\Z|[A-Z]\Z")
_QUOTE_MARK: Final = re.compile(r"(?:[ \t]*>)+[ \t]*")
_COMPLETE_WORDS: Final = 3

_NEVER: Final = frozenset(
    """
    mr mrs ms dr prof rev gen col capt lt sgt sen rep gov pres st mt jr sr messrs mme mlle e.g i.e eg ie vs v cf
    viz al approx ca resp incl excl esp ph.d m.sc b.sc dept univ assn bros
    """.split(),
)
"""Abbreviations that a sentence does not end with."""
_BEFORE_NUMBER: Final = frozenset(
    """
    no nos nr fig figs sec secs ch chap vol vols art arts p pp par para eq eqs ex app ver ed tab jan feb mar apr
    jun jul aug sep sept oct nov dec
    """.split(),
)
"""Abbreviations only where a number follows: ``No. 5``, but not ``Is it on? No. It is off.``"""
_MAY_END: Final = frozenset(
    """
    inc ltd co corp llc plc gmbh bv s.a etc a.m p.m am pm u.s u.k u.n e.u est min max
    """.split(),
)
"""Abbreviations that may end a sentence: they do where the next word is one that begins sentences."""
_STARTERS: Final = frozenset(
    """
    the a an this that these those it its he she they we you i his her their our your there here in on at by for
    from to with as if when while where although though because since after before during until once however but
    and or so yet then thus therefore moreover furthermore also each every all some most many any no not both
    either neither one two three what who why how which please see note
    """.split(),
)


def sentences(text: str) -> list[Sentence]:
    """The sentences of Markdown or plain text, in order, none overlapping: each is a slice of ``text``."""
    found: list[Sentence] = []
    for block in blocks(text):
        if block.kind in {"paragraph", "item", "quote"}:
            found.extend(block_sentences(text, block))
    return found


def block_sentences(text: str, block: Block) -> Iterator[Sentence]:
    """The sentences of one paragraph, quote or list item."""
    kind: Literal["prose", "item"] = "item" if block.kind == "item" else "prose"
    start = block.start
    if block.kind == "item":
        start += item_marker(text[start : min(block.end, start + 200)])
    for end in _ends(text, start, block.end):
        first, last = _trimmed(text, start, end)
        start = end
        if first < last:
            yield Sentence(first, last, kind, _complete(text[first:last]))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while True:
        while start < end and text[start].isspace():
            start += 1
        mark = _QUOTE_MARK.match(text, start, end)
        if not mark:
            break
        start = mark.end()
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _complete(sentence: str) -> bool:
    if not _SHUT.search(sentence[-20:]):
        return False
    return len(sentence.split(None, _COMPLETE_WORDS)) >= _COMPLETE_WORDS or sentence[-1] in "\u3002\uff01\uff1f"


def _ends(text: str, start: int, end: int) -> Iterator[int]:
    """The offsets at which sentences end; the last is the end of the block."""
    begun = start
    for match in _END.finditer(text, start, end):
        if match.end() < end and _is_end(text, begun, match):
            yield match.end()
            begun = match.end()
    yield end


def _is_end(text: str, begun: int, match: re.Match[str]) -> bool:
    """Whether a sentence ends at this mark."""
    mark = match.group()
    if mark[0] in "\u3002\uff01\uff1f":
        return True
    following = _NEXT.match(text, match.end(), match.end() + _LOOK_BACK)
    after = following.end() if following else match.end()
    upcoming = text[after : after + 20]
    if upcoming[:1].islower():
        return False
    if mark[0] != "." or len(mark.rstrip("\"'\u201d\u2019\u00bb)]*_`")) > 1:
        return True
    before = text[max(begun, match.start() - _LOOK_BACK) : match.start()]
    word = _LAST_WORD.search(before)
    return _ends_after(word.group() if word else "", upcoming)


def _ends_after(word: str, upcoming: str) -> bool:
    """Whether a full stop between this word and what is coming up ends a sentence."""
    bare = word.lower().strip(".'\u2019-&")
    first = re.match(r"[^\W\d_]+", upcoming)
    starts = bool(first) and first is not None and first.group().lower() in _STARTERS
    if bare in _NEVER:
        return False
    if bare in _BEFORE_NUMBER:
        return not upcoming[:1].isdigit()
    if bare in _MAY_END:
        return starts
    if _INITIALS.fullmatch(word):
        return starts and word != "I"
    return True
