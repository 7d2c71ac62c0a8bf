"""Searching: from a question to passages, ranked.

The question's words, less those that say nothing, are looked for one by one: a passage need not hold them all. FTS5
ranks by BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009) over the passage, the headings
above it and its document's title. A second ranking, by how many of the question's different words a passage holds and
by words that stay neighbours, was tried on the questions in ``tests/retrieval/questions.json`` and found nothing more;
so there is none.

What a user writes is never FTS5 syntax: words are taken out of it by `agentops.text.words`, and each is quoted.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Final

from agentops.errors import InvalidInput
from agentops.retrieval.passages import Passage, passage_id
from agentops.retrieval.schema import words_table
from agentops.text import STOP_WORDS, words

__all__ = ["MAX_LIMIT", "query_words", "search_collection"]

MAX_LIMIT: Final = 200
_MAX_CHARACTERS: Final = 10_000
_MAX_WORDS: Final = 48
_WEIGHTS: Final = "0.5, 2.0, 1.0"
"""Of a word in the title, in the headings, in the passage itself. Headings are short and well chosen."""


def query_words(query: str) -> list[str]:
    """The different words of a query that are looked for, in order. `InvalidInput` where there is none.

    Stop words are dropped unless there is nothing else. Of a very long text its beginning counts.
    """
    found = list(dict.fromkeys(words(query[:_MAX_CHARACTERS])))
    if not found:
        shown = query if len(query) <= 80 else query[:79] + "\u2026"
        msg = f"the query {shown!r} holds no word to look for"
        raise InvalidInput(msg, hint="Ask with at least one word or number.", query=shown)
    telling = [word for word in found if word not in STOP_WORDS]
    return (telling or found)[:_MAX_WORDS]


def search_collection(
    connection: sqlite3.Connection,
    collection: int,
    query: str,
    limit: int,
    *,
    document: str = "",
    per_document: int = 0,
) -> list[Passage]:
    """The best passages, best first; equals are ordered by document and place. Fewer than ``limit`` if few match.

    ``document``: only of that one. ``per_document``: at most so many of each; 0: as they come.
    """
    if not 1 <= limit <= MAX_LIMIT:
        msg = f"limit is {limit}; a search gives 1 to {MAX_LIMIT} passages"
        raise InvalidInput(msg, hint="Ask for fewer passages, or more precisely.", limit=limit)
    table = words_table(collection)
    rows = connection.execute(
        f"""
        SELECT documents.id, documents.path, passages.start, passages."end", passages.heading,
            bm25({table}, {_WEIGHTS}) AS rank
        FROM {table}
            JOIN passages ON passages.id = {table}.rowid
            JOIN documents ON documents.id = passages.document
        WHERE {table} MATCH :match AND (:document = '' OR documents.path = :document)
        ORDER BY rank, documents.path, passages.start
        LIMIT :limit
        """,  # noqa: S608 - the table's name is made from a number, all else is bound
        {
            "match": " OR ".join(f'"{word}"' for word in query_words(query)),
            "document": document,
            "limit": -1 if per_document else limit,
        },
    )
    texts: dict[int, str] = {}
    taken: Counter[str] = Counter()
    found: list[Passage] = []
    for number, path, start, end, heading, rank in rows:
        if per_document and taken[path] >= per_document:
            continue
        taken[path] += 1
        if number not in texts:
            texts[number] = _text(connection, number)
        text = texts[number][start:end]
        found.append(Passage(passage_id(path, start, end), path, start, end, text, heading, round(-rank, 6)))
        if len(found) == limit:
            break
    return found


def _text(connection: sqlite3.Connection, document: int) -> str:
    """A document's text, read once and sliced here: SQLite would count the characters anew for each passage."""
    (text,) = connection.execute("SELECT text FROM documents WHERE id = ?", (document,)).fetchone()
    return str(text)
