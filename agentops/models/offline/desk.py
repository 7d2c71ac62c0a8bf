"""The desk: one request's material, sorted, with the best sentences for the question on top.

A sentence is worth what its words have to do with the question (`rank`) and how central it is to what the material
says about it (`graph`), times how well it stands alone (`prose`). Where the best sentences together speak of too
little of the question, there is no best sentence: the material does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agentops.models.offline.graph import pagerank, similarities, vectors
from agentops.models.offline.prose import squeeze, to_sentences
from agentops.models.offline.rank import Relevance, doing_terms, question_terms, relevance
from agentops.models.offline.reading import Reading
from agentops.models.offline.select import select
from agentops.models.offline.support import Support, check
from agentops.text import stem, terms, words

__all__ = ["NOTHING", "Desk", "Found"]

NOTHING: Final = "The material does not answer this."

_CENTRALITY: Final = 0.25
"""The part of its relevance that a sentence has to earn by being central."""
_FLOOR: Final = 0.5
"""A sentence worth less than this share of the best one is left out, however few there are."""
_WORTHLESS: Final = 1e-9
_ANSWERED: Final = 0.5
"""The best sentences must speak of more than this share of the question: of a capital and of France, not of one."""
_ASIDE: Final = 0.4
"""What a word of a field's name or description counts, beside a word of the question."""
_MOST: Final = 300
"""Sentences that go into the graph, most relevant first: its edges grow with the square."""
_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class Found:
    """A chosen sentence and the id of the item it stands in."""

    id: str
    text: str
    worth: float


class Desk:
    """The material of one request, ready to be asked for its best sentences."""

    def __init__(self, reading: Reading) -> None:
        self.claim = reading.claim
        self._reading = reading
        self._sentences = to_sentences(reading.items)
        self._wanted = question_terms(reading.question)
        self._doing = doing_terms(reading.question)
        self._known: dict[tuple[int, tuple[str, ...]], list[Found]] = {}

    @property
    def title(self) -> str:
        """The question itself, on one line."""
        question = squeeze(self._reading.question)
        return question if len(question) <= _TITLE else question[:_TITLE].rsplit(" ", 1)[0] + "…"

    def best(self, count: int, about: str = "") -> list[Found]:
        """At most ``count`` sentences, best first; ``about``: further words, such as a field's name.

        None, where the material does not answer the question. Where there is only a prompt, which says what to do
        and not what to look for, nothing has to be covered: what is most central is taken. Items that were chosen
        before are only put into order: none is left out unless it repeats another.
        """
        aside = tuple(term for term in question_terms(about) if term not in self._wanted) if about.strip() else ()
        key = (count, aside)
        if key not in self._known:
            self._known[key] = self._chosen(count, aside)
        return self._known[key]

    def support(self, text: str) -> Support:
        """Whether the material states this text."""
        return check(text, self._reading.items)

    def why(self, found: Sequence[Found]) -> str:
        """What chosen sentences have in common with the question, in the question's own words."""
        if not found:
            return "No sentence of the material speaks of enough of the question."
        there = frozenset(term for one in found for term in terms(one.text))
        asked = dict.fromkeys(word for word in words(self._reading.question) if stem(word) in self._wanted)
        shared = [word for word in asked if stem(word) in there]
        if shared:
            return f"It speaks of {', '.join(shared)}."
        return f"It belongs to what the material says of {', '.join(asked)}." if asked else "It is central."

    def _chosen(self, count: int, aside: Sequence[str]) -> list[Found]:
        asked = dict.fromkeys(self._wanted, 1.0)
        chosen = bool(self._reading.items) and all(item.chosen for item in self._reading.items)
        if self._reading.asked and not chosen and self._relevance(asked).coverage <= _ANSWERED:
            return []
        everything = self._relevance(asked | dict.fromkeys(aside, _ASIDE))
        order = sorted(range(len(self._sentences)), key=lambda n: (-everything.scores[n], n))[:_MOST]
        kept = [self._sentences[n] for n in order]
        scores = [everything.scores[n] for n in order]
        alike = vectors([sentence.terms for sentence in kept])
        ranks = pagerank(similarities(alike), scores)
        worth = [
            sentence.fitness * value
            for sentence, value in zip(kept, _mixed(_scaled(scores), _scaled(ranks)), strict=True)
        ]
        sources = [self._reading.items[sentence.item].source for sentence in kept]
        floor = 0.0 if chosen else max(_WORTHLESS, _FLOOR * max(worth, default=0.0))
        taken = select(worth, alike, sources, most=count, floor=floor)
        return [Found(self._reading.items[kept[n].item].id, kept[n].text, worth[n]) for n in taken]

    def _relevance(self, wanted: Mapping[str, float]) -> Relevance:
        return relevance(wanted, self._sentences, self._reading.items, self._doing)


def _scaled(values: Sequence[float]) -> list[float]:
    """The values as shares of the largest."""
    top = max(values, default=0.0)
    return [value / top if top > 0 else 0.0 for value in values]


def _mixed(scores: Sequence[float], ranks: Sequence[float]) -> list[float]:
    """Relevance, less a part of it where a sentence is not central; centrality alone where nothing is relevant."""
    if not any(scores):
        return list(ranks)
    return [score * (1 - _CENTRALITY + _CENTRALITY * rank) for score, rank in zip(scores, ranks, strict=True)]
