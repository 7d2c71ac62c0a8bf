"""Relevance: how well each sentence bears on a question, by its words.

Four things count, the first by far the most: the sentence's own words, by BM25 (Robertson and Zaragoza, "The
Probabilistic Relevance Framework: BM25 and Beyond", 2009); words that are typical of the items that match best, for
documents have other words than questions (pseudo-relevance feedback after Rocchio, 1971); its whole item, heading
included, since "It takes two seconds." under "How long a resume takes" is about resuming without saying so; and the
sentences before and behind it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agentops.models.offline.prose import Sentence
from agentops.models.offline.reading import Item
from agentops.text import stem, terms, words

__all__ = ["Relevance", "doing_terms", "question_terms", "relevance"]

_K1: Final = 1.2
_B: Final = 0.4
"""BM25's usual saturation; less than the usual weight of length, since sentences hardly differ in it."""
_ITEM: Final = 0.3
_NEIGHBOUR: Final = 0.2
"""What a sentence earns by its item, and by its better neighbour, as a share of what they earn."""
_HEADING: Final = 0.4
"""What a word of the question counts that stands in the heading right above."""
_FEEDBACK: Final = 0.2
_FEEDBACK_TERMS: Final = 5
_FEEDBACK_ITEMS: Final = 2
"""What a word of the best items counts, beside a word of the question; how many words, of how many items."""
_BACKGROUND: Final = 50
"""Sentences of an imagined background, so that the weight of a word does not collapse where there are only a few."""
_BEST: Final = 6
"""Sentences that are looked at to see how much of a question is covered."""
_ROOT: Final = 5
_ENDING: Final = 5
"""Letters that two forms of a word must share at their beginning (all of the shorter but one, if that is more), and
by which the longer may go beyond it."""
_ASKING_WORDS: Final = (
    "explain describe tell say show list give name define summarise summarize compare mean happen work way thing kind "
    "question answer please know understand want need exactly actually generally overview detail document text "
    "difference reason example use often usually frequently typically currently"
)

_COMMON_VERBS: Final = (
    "achieve allow apply avoid become begin build call change check choose come control create decide deal depend do "
    "end enforce ensure exist fail find fix get give go guarantee handle help hold improve include keep lead let limit "
    "look maintain make manage measure need occur offer perform prevent protect provide put reach reduce remain run "
    "seem set solve start stay stop store support take treat try turn use"
)
_DOING: Final = 0.35
_DOING_RANK: Final = 0.6
"""What a verb counts beside another word: when its absence is judged, and in the ranking."""
_SHORT_VERB: Final = 4


@dataclass(frozen=True, slots=True)
class Relevance:
    """Scores by sentence, and how much of the question the best ones cover, from 0 to 1."""

    scores: tuple[float, ...]
    coverage: float


def question_terms(question: str) -> list[str]:
    """The terms that the question is about, each once, without the words of asking (unless it has no others)."""
    asking = frozenset(terms(_ASKING_WORDS))
    every = list(dict.fromkeys(terms(question)))
    return [term for term in every if term not in asking] or every


def doing_terms(question: str) -> frozenset[str]:
    """The terms that look like verbs: by their ending, or as the common ones."""
    common = frozenset(terms(_COMMON_VERBS))
    return frozenset(
        stem(word)
        for word in words(question)
        if stem(word) in common or (word.endswith(("ed", "ing")) and len(word) > _SHORT_VERB)
    )


def relevance(
    wanted: Mapping[str, float], found: Sequence[Sentence], items: Sequence[Item], doing: Collection[str] = ()
) -> Relevance:
    """Score every sentence for ``wanted``: terms, each with how much it counts.

    ``doing``: terms whose absence says little, since what is done has more names than what it is done to.
    """
    akin = _Akin(wanted)
    titles = [akin.read(terms(item.heading.rsplit(" > ", 1)[-1])) for item in items]
    contexts = [akin.read(terms(f"{item.heading}\n{item.text}")) for item in items]
    corpus = _Corpus([akin.read(sentence.terms) for sentence in found], contexts)
    weights = {
        term: share * corpus.rarity(term) * (_DOING_RANK if term in doing else 1.0) for term, share in wanted.items()
    }
    around = _bm25(contexts, weights)
    above = [sum(weights[term] for term in dict.fromkeys(title) if term in weights) for title in titles]
    own = _bm25(corpus.documents, weights)
    also = _bm25(corpus.documents, _feedback(corpus, contexts, around, wanted))
    scores = []
    for n, sentence in enumerate(found):
        beside = [own[m] for m in (n - 1, n + 1) if 0 <= m < len(found) and found[m].item == sentence.item]
        context = _ITEM * around[sentence.item] + _HEADING * above[sentence.item]
        scores.append(own[n] + also[n] + context + _NEIGHBOUR * max(beside, default=0.0))
    headings = [akin.read(terms(items[sentence.item].heading)) for sentence in found]
    shares = {term: share * (_DOING if term in doing else 1.0) for term, share in wanted.items()}
    return Relevance(tuple(scores), _coverage(shares, corpus.documents, headings, scores))


class _Akin:
    """Reads a derived form as the term that was asked for, such as ``complaint`` as ``complain``."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self._wanted = tuple(wanted)
        self._known: dict[str, str] = {term: term for term in self._wanted}

    def read(self, document: Iterable[str]) -> tuple[str, ...]:
        return tuple(self._known[term] if term in self._known else self._learn(term) for term in document)

    def _learn(self, term: str) -> str:
        self._known[term] = next((asked for asked in self._wanted if self._derived(term, asked)), term)
        return self._known[term]

    @staticmethod
    def _derived(term: str, asked: str) -> bool:
        short, long = sorted((term, asked), key=len)
        root = max(_ROOT, len(short) - 1)
        return len(short) >= _ROOT and len(long) - len(short) <= _ENDING and long.startswith(short[:root])


class _Corpus:
    """The sentences' terms, and how rare each is."""

    def __init__(self, documents: Sequence[Sequence[str]], contexts: Sequence[Sequence[str]]) -> None:
        self.documents = documents
        self._total = max(len(documents), _BACKGROUND)
        self._frequency = _frequency(documents)
        self._spread = _frequency(contexts)
        self._items = max(1, len(contexts))

    def rarity(self, term: str) -> float:
        """BM25's inverse document frequency; less where most items speak of it, so that it does not tell them apart."""
        there = self._frequency[term]
        everywhere = self._spread[term] / self._items
        return math.log(1 + (self._total - there + 0.5) / (there + 0.5)) * (1 - everywhere / 2)


def _frequency(documents: Sequence[Sequence[str]]) -> Counter[str]:
    return Counter(term for document in documents for term in dict.fromkeys(document))


def _bm25(documents: Sequence[Sequence[str]], weights: Mapping[str, float]) -> list[float]:
    average = sum(map(len, documents)) / max(1, len(documents)) or 1.0
    scores = []
    for document in documents:
        counts = Counter(document)
        norm = _K1 * (1 - _B + _B * len(document) / average)
        hits = [(weight, counts[term]) for term, weight in weights.items() if counts[term]]
        scores.append(sum(weight * count * (_K1 + 1) / (count + norm) for weight, count in hits))
    return scores


def _feedback(
    corpus: _Corpus, contexts: Sequence[Sequence[str]], around: Sequence[float], wanted: Mapping[str, float]
) -> dict[str, float]:
    """The words that are typical of the best items and were not asked for, with their weights."""
    best = sorted((n for n, score in enumerate(around) if score > 0), key=lambda n: (-around[n], n))[:_FEEDBACK_ITEMS]
    typical: dict[str, float] = {}
    for n in best:
        for term, count in Counter(contexts[n]).items():
            if count > 1 and term not in wanted and not term[0].isdigit():
                worth = around[n] / around[best[0]] * count * corpus.rarity(term)
                typical[term] = typical.get(term, 0.0) + worth
    chosen = sorted(typical, key=lambda term: (-typical[term], term))[:_FEEDBACK_TERMS]
    top = typical[chosen[0]] if chosen else 1.0
    return {term: _FEEDBACK * corpus.rarity(term) * typical[term] / top for term in chosen}


def _coverage(
    shares: Mapping[str, float],
    documents: Sequence[Sequence[str]],
    headings: Sequence[Sequence[str]],
    scores: Sequence[float],
) -> float:
    """The share of the question that the best sentences speak of, headings included."""
    ranked = sorted(range(len(documents)), key=lambda n: (-scores[n], n))[:_BEST]
    spoken = frozenset(term for n in ranked for term in (*documents[n], *headings[n]))
    total = sum(shares.values())
    return sum(share for term, share in shares.items() if term in spoken) / total if total else 0.0
