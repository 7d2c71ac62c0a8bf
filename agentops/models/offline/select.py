"""Selection: a few sentences that answer, differ from each other, and are not all from one document.

Maximal marginal relevance (Carbonell and Goldstein, "The use of MMR, diversity-based reranking", 1998): take next
the sentence that is worth most, less what it repeats of those already taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from agentops.models.offline.graph import Vector, cosine

__all__ = ["select"]

_TRADE = 0.7
"""How much worth counts against newness."""
_STRONG = 0.65
"""The share of the best sentence's worth from which one is worth having for the sake of its source."""
_SAME = 0.7
"""Sentences more alike than this say the same: the second is never taken."""


def select(
    worth: Sequence[float], found: Sequence[Vector], sources: Sequence[str], *, most: int, floor: float
) -> list[int]:
    """At most ``most`` positions, in the order of choice, none worth less than ``floor``.

    First the strong ones, with at most half of the places (two at the least) for one source; then, where there is
    room left, whatever is worth most.
    """
    candidates = [n for n in range(len(worth)) if worth[n] >= floor]
    strong = [n for n in candidates if worth[n] >= _STRONG * max(worth, default=0.0)]
    taken: list[int] = []
    _take(taken, strong, worth, found, sources, most=most, limit=max(2, -(-most // 2)))
    _take(taken, candidates, worth, found, sources, most=most, limit=most)
    return taken


def _take(
    taken: list[int],
    candidates: Sequence[int],
    worth: Sequence[float],
    found: Sequence[Vector],
    sources: Sequence[str],
    *,
    most: int,
    limit: int,
) -> None:
    """Add to ``taken`` until it is full, nothing is left, or every source is at its limit."""
    used = Counter(sources[n] for n in taken)
    repeats = {n: max((cosine(found[n], found[m]) for m in taken), default=0.0) for n in candidates}
    while len(taken) < most:
        left = [n for n in candidates if n not in taken and repeats[n] < _SAME and used[sources[n]] < limit]
        if not left:
            return
        best = max(left, key=lambda n: (_TRADE * worth[n] - (1 - _TRADE) * repeats[n], -n))
        taken.append(best)
        used[sources[best]] += 1
        for n in left:
            repeats[n] = max(repeats[n], cosine(found[n], found[best]))
