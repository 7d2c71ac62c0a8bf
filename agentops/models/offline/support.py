"""Support: whether material states a claim, judged by its words.

A claim is supported where it stands word for word; or where some sentence, or two that follow each other, contain
nearly all of its terms, every number in it, and as much negation as it does. That is containment, not understanding:
it refuses true paraphrases, and it can be fooled by the same words in another order. It is made to err towards no.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from agentops.models.offline.prose import squeeze
from agentops.models.offline.reading import Item
from agentops.text import sentences, terms, words

__all__ = ["Support", "check"]

_ENOUGH: Final = 0.8
"""The share of a claim's terms that one place must contain."""
_NEGATIONS: Final = frozenset("no not never none nothing nobody neither nor without cannot hardly".split())


@dataclass(frozen=True, slots=True)
class Support:
    """The judgement: whether, why, and by which items (the closest ones, where it is not supported)."""

    supported: bool
    reason: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    item: Item
    text: str


def check(claim: str, items: Sequence[Item]) -> Support:
    """Judge a claim against items."""
    wanted = list(dict.fromkeys(terms(claim)))
    if not wanted:
        return Support(supported=False, reason="The claim has no words that could be checked.", ids=())
    needle = squeeze(claim).casefold()
    for item in items:
        if needle in squeeze(item.text).casefold():
            return Support(supported=True, reason=f"It stands word for word in {item.id}.", ids=(item.id,))
    judged = [(_contained(wanted, place.text), place) for item in items for place in _places(item)]
    if not judged:
        return Support(supported=False, reason="There is no material to check it against.", ids=())
    share, best = max(judged, key=lambda pair: pair[0])
    problem = _problem(claim, wanted, best.text, share)
    if problem:
        return Support(supported=False, reason=problem, ids=(best.item.id,) if share >= _ENOUGH / 2 else ())
    return Support(supported=True, reason=f"{best.item.id} contains its terms and numbers.", ids=(best.item.id,))


def _places(item: Item) -> Iterator[_Place]:
    """Sentences, and pairs of neighbours; the whole text where it has none."""
    found = [squeeze(item.text[span.start : span.end]) for span in sentences(item.text)] or [squeeze(item.text)]
    for text in found:
        yield _Place(item, text)
    for first, second in itertools.pairwise(found):
        yield _Place(item, f"{first} {second}")


def _contained(wanted: Sequence[str], text: str) -> float:
    there = frozenset(terms(text))
    return sum(term in there for term in wanted) / len(wanted)


def _problem(claim: str, wanted: Sequence[str], text: str, share: float) -> str:
    """What speaks against the claim, given the place that comes closest; empty: nothing."""
    there = frozenset(terms(text))
    numbers = [word for word in dict.fromkeys(words(claim)) if word[0].isdigit()]
    strange = [number for number in numbers if number not in frozenset(words(text))]
    if strange:
        return f"The cited material does not contain the number {', '.join(strange)}."
    if share < _ENOUGH:
        missing = [term for term in wanted if term not in there]
        return f"No place in the cited material contains its words {', '.join(missing[:6])}."
    if _negations(claim) != _negations(text):
        return "The claim and the closest place in the cited material differ in a negation."
    return ""


def _negations(text: str) -> int:
    return sum(word in _NEGATIONS or word.endswith("n't") for word in words(text))
