"""Quoting: the text that a citation points to, and whether the world still agrees with it."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agentops.errors import DocumentError
from agentops.retrieval.passages import Quote, QuoteState
from agentops.retrieval.update import content_digest
from agentops.retrieval.walk import read_bytes

__all__ = ["quoted"]

_ANY_SIZE: Final = 1_000_000_000
"""The limit on sizes was a matter of indexing."""


def quoted(
    connection: sqlite3.Connection,
    collection: int,
    folder: Path,
    document: str,
    start: int,
    end: int,
    expected: str = "",
) -> Quote:
    """See `agentops.retrieval.index.Index.quote`."""
    length, found = -1, None
    for digest, text in _versions(connection, collection, document):
        length = max(length, len(text))
        if 0 <= start < end <= len(text) and (not expected or text[start:end] == expected):
            found = digest, text
            break
    if length < 0:
        msg = f"no document {document!r} is in this collection"
        raise DocumentError(msg, hint="See which are: agentops index stats", document=document)
    if found is None:
        place = f"characters {start} to {end} of {document}"
        if 0 <= start < end <= length:
            msg = f"{place} do not read as cited, in any version that was indexed"
            raise DocumentError(msg, hint="The citation is wrong, or its index is another.", document=document)
        msg = f"there are no {place}: it has {length}"
        hint = "start and end count characters of the extracted text, from 0."
        raise DocumentError(msg, hint=hint, document=document)
    digest, text = found
    state, note = _compared(connection, collection, folder, document, digest)
    heading = _heading(connection, collection, document, start) if state == "current" else ""
    return Quote(document, start, end, text[start:end], heading, state, note)


def _versions(connection: sqlite3.Connection, collection: int, document: str) -> Iterator[tuple[str, str]]:
    """Hash and text of every version of a document, the newest first."""
    where = (collection, document)
    current = connection.execute("SELECT digest, text FROM documents WHERE collection = ? AND path = ?", where)
    yield from current.fetchall()
    older = connection.execute(
        "SELECT digest, text FROM versions WHERE collection = ? AND path = ? ORDER BY id DESC",
        where,
    )
    for digest, packed in older:
        yield digest, zlib.decompress(packed).decode()


def _compared(
    connection: sqlite3.Connection, collection: int, folder: Path, document: str, digest: str
) -> tuple[QuoteState, str]:
    """State and note of the version ``digest`` beside the file as it is now."""
    file = folder / document if folder.is_dir() else folder
    try:
        data = read_bytes(file, _ANY_SIZE)
    except DocumentError as error:
        return "gone", f"the file is not as it was: {error.facts['reason']}; this is the text that was indexed"
    if content_digest(data) == digest:
        return "current", ""
    row = connection.execute(
        "SELECT digest FROM documents WHERE collection = ? AND path = ?", (collection, document)
    ).fetchone()
    if row and row[0] != digest:
        return "changed", "the document was indexed again since, with other text; this is the older one"
    return "changed", "the file has changed since it was indexed; this is the text that was indexed"


def _heading(connection: sqlite3.Connection, collection: int, document: str, start: int) -> str:
    row = connection.execute(
        """
        SELECT passages.heading FROM passages JOIN documents ON documents.id = passages.document
        WHERE documents.collection = ? AND documents.path = ? AND passages.start <= ?
        ORDER BY passages.start DESC LIMIT 1
        """,
        (collection, document, start),
    ).fetchone()
    return row[0] if row else ""
