"""The retriever: from a question to the passages that bear on it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agentops import Agent, Passage, handles, search_documents

from .messages import Evidence, Question

_WEAK = 0.3
"""A passage that scores less than this share of its search's best one is left out."""
_DEPTH = 60
"""The constant of reciprocal rank fusion: how little the first places differ."""
_ASPECTS = 3
_FEWEST_WORDS = 4


class Retriever(Agent):
    """Finds the passages that bear on a question: one search for all of it, one for each of its parts."""

    tools = (search_documents,)

    @handles
    async def on_question(self, question: Question) -> Evidence:
        """Search side by side, put the results into one order, keep the best."""
        queries = [question.text, *aspects(question.text)]
        depth = question.limit * 5 if question.document else question.limit
        searches = [search_documents(query, min(depth, 200), question.collection) for query in queries]
        results = [self._fitting(found, question.document) for found in await self.gather(*searches)]
        passages = fuse(results)
        kept = passages[: question.limit]
        self.decide(
            "which passages to keep?",
            options=[passage.id for passage in passages],
            chosen=", ".join(passage.id for passage in kept) or "none",
            because=_because(len(kept), len(passages), len(queries)),
        )
        return Evidence(question=question.text, passages=tuple(kept))

    def _fitting(self, found: Sequence[Passage], document: str) -> list[Passage]:
        """Those of the wanted document that are not much weaker than the best of their search."""
        wanted = [passage for passage in found if is_part(passage.document, document)]
        best = max((passage.score for passage in wanted), default=0.0)
        return [passage for passage in wanted if passage.score >= _WEAK * best]


def _because(kept: int, found: int, searches: int) -> str:
    if not kept:
        return "no passage holds the question's words"
    return f"the best {kept} of {found} by their places in {searches} search{'es' if searches > 1 else ''}"


def is_part(path: str, wanted: str) -> bool:
    """Whether a document's path is the wanted one, or ends in it; an empty wish fits every path."""
    return not wanted or path == wanted or path.endswith(f"/{wanted}")


def aspects(question: str) -> list[str]:
    """The parts of a question that asks for several things; none of one that asks for one."""
    parts = [part.strip() for part in re.split(r"[?;.]\s+|,?\s+and\s+|,\s+(?=how|what|when|why|who|which)", question)]
    telling = [part for part in parts if len(part.split()) >= _FEWEST_WORDS]
    return telling[:_ASPECTS] if len(telling) > 1 else []


def fuse(results: Sequence[Sequence[Passage]]) -> list[Passage]:
    """One order of several rankings, each passage once: reciprocal rank fusion (Cormack and others, 2009)."""
    worth: dict[str, float] = {}
    passages: dict[str, Passage] = {}
    for ranking in results:
        for place, passage in enumerate(ranking, 1):
            worth[passage.id] = worth.get(passage.id, 0.0) + 1 / (_DEPTH + place)
            passages.setdefault(passage.id, passage)
    return sorted(passages.values(), key=lambda passage: (-worth[passage.id], passage.id))
