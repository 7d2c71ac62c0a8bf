"""Centrality: which sentences the others talk about too.

Sentences are nodes; an edge weighs as much as two sentences resemble each other (cosine of their tf-idf vectors). A
random reader who follows edges, and now and then starts again at a sentence relevant to the question, is most often
at the central ones: PageRank (Brin and Page 1998) on a sentence graph (Mihalcea and Tarau, "TextRank", 2004; Erkan
and Radev, "LexRank", 2004) with a restart biased to the question (Otterbacher, Erkan and Radev, "Biased LexRank",
2009). The power iteration stands here because networkx's wants numpy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

__all__ = ["Vector", "cosine", "pagerank", "similarities", "vectors"]

Vector = dict[str, float]
"""A sparse vector of length 1, by term; empty for a sentence without terms."""

_LEAST_SIMILAR = 0.1
"""Sentences less alike than this are not linked (LexRank's threshold)."""


def vectors(documents: Sequence[Sequence[str]]) -> list[Vector]:
    """The tf-idf vectors of documents given as terms, each of length 1."""
    frequency = Counter(term for document in documents for term in dict.fromkeys(document))
    found = []
    for document in documents:
        raw = {term: n * math.log(1 + len(documents) / frequency[term]) for term, n in Counter(document).items()}
        length = math.sqrt(sum(weight * weight for weight in raw.values()))
        found.append({term: weight / length for term, weight in raw.items()} if length else {})
    return found


def cosine(a: Vector, b: Vector) -> float:
    """How alike two vectors of length 1 are, from 0 to 1."""
    small, large = (a, b) if len(a) <= len(b) else (b, a)
    return sum(weight * large[term] for term, weight in small.items() if term in large)


def similarities(found: Sequence[Vector]) -> list[dict[int, float]]:
    """The graph: for each node its neighbours and the weights of the edges. Symmetric, without loops."""
    edges: list[dict[int, float]] = [{} for _ in found]
    for n, vector in enumerate(found):
        for m in range(n):
            weight = cosine(vector, found[m])
            if weight >= _LEAST_SIMILAR:
                edges[n][m] = edges[m][n] = weight
    return edges


def pagerank(
    edges: Sequence[dict[int, float]], restart: Sequence[float], *, damping: float = 0.85, rounds: int = 100
) -> list[float]:
    """The rank of each node; ranks add up to 1. ``restart`` weighs where the reader starts (all 0: anywhere).

    Power iteration, until no round changes the ranks by more than 1e-6 a node in sum. A node without edges sends the
    reader back to a start.
    """
    size = len(edges)
    total = sum(restart)
    start = [weight / total for weight in restart] if total > 0 else [1 / size] * size
    out = [sum(neighbours.values()) for neighbours in edges]
    ranks = list(start)
    for _ in range(rounds):
        stranded = sum(rank for rank, weight in zip(ranks, out, strict=True) if not weight)
        before = ranks
        ranks = [((1 - damping) + damping * stranded) * weight for weight in start]
        for n, neighbours in enumerate(edges):
            for m, weight in neighbours.items():
                ranks[m] += damping * before[n] * weight / out[n]
        if sum(abs(new - old) for new, old in zip(ranks, before, strict=True)) < size * 1e-6:
            break
    return ranks
