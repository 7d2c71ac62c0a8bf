"""Bringing a collection up to date with a folder.

Files are read, and their content hashed, without holding the database; what changed is extracted and split, and then
written in batches, each one transaction. Two processes that index the same folder at once do the work twice and end
with the same index; neither takes out what the other has just put in.
"""

from __future__ import annotations

import hashlib
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

from agentops.errors import DocumentError, InvalidInput
from agentops.retrieval.passages import IndexReport, Skipped
from agentops.retrieval.readers import READER_VERSION, Extracted, extract
from agentops.retrieval.schema import create_words, transaction, words_table
from agentops.retrieval.split import Piece, split
from agentops.retrieval.walk import Found, printable, read_bytes, unreadable_kind, walk
from agentops.text import words

__all__ = ["content_digest", "located", "update"]

_BATCH_DOCUMENTS: Final = 200
_BATCH_CHARACTERS: Final = 4_000_000
_NAMED: Final = 3


class _Read(NamedTuple):
    """A document that is to be written: new, or with other content than before."""

    document: str
    digest: str
    extracted: Extracted
    pieces: list[Piece]


@dataclass
class _Tally:
    """What one update has seen so far."""

    seen: set[str] = field(default_factory=set)
    skipped: list[Skipped] = field(default_factory=list)
    damaged: list[Skipped] = field(default_factory=list)
    added: int = 0
    changed: int = 0
    hint: str = ""


def content_digest(data: bytes) -> str:
    """The hash that says whether a document must be read again: of its bytes and of how they are read."""
    return hashlib.sha256(b"%d\0" % READER_VERSION + data).hexdigest()


def update(connection: sqlite3.Connection, path: Path, root: Path, name: str, max_bytes: int) -> IndexReport:
    """See `agentops.retrieval.index.Index.add`. ``path`` is the index's, for errors; ``root`` as `located`."""
    files = _files(root)
    row = connection.execute("SELECT id, folder FROM collections WHERE name = ?", (name,)).fetchone()
    if row:
        _own(name, root, row[1])
    known = _known(connection, row[0]) if row else {}
    tally = _Tally()
    number = 0
    for batch in _batches(_changed(files, known, tally, max_bytes)):
        with transaction(connection, path):
            number = _collection(connection, name, root)
            for read in batch:
                _write(connection, number, read, tally)
    if not tally.seen:
        raise _nothing(root, tally)
    with transaction(connection, path):
        number = number or _collection(connection, name, root)
        gone = sorted(known.keys() - tally.seen)
        for document in gone:
            _remove(connection, number, document)
    return _report(connection, number, name, tally, len(gone))


def _report(connection: sqlite3.Connection, number: int, name: str, tally: _Tally, removed: int) -> IndexReport:
    documents, passages = connection.execute(
        """
        SELECT (SELECT count(*) FROM documents WHERE collection = :number),
            (SELECT count(*) FROM passages JOIN documents ON documents.id = passages.document
                WHERE documents.collection = :number)
        """,
        {"number": number},
    ).fetchone()
    return IndexReport(
        collection=name,
        documents=documents,
        passages=passages,
        added=tally.added,
        changed=tally.changed,
        removed=removed,
        unchanged=len(tally.seen) - tally.added - tally.changed,
        skipped=tuple(tally.skipped),
        damaged=tuple(tally.damaged),
    )


def located(folder: Path) -> Path:
    """The real path of a folder or file of documents. `DocumentError` where there is none."""
    try:
        return folder.expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links before Python 3.13; a NUL
        msg = f"there is no folder of documents at {printable(str(folder))}"
        hint = "Name an existing folder, or a single document; a relative path counts from the current folder."
        raise DocumentError(msg, hint=hint, folder=printable(str(folder))) from error


def _files(root: Path) -> Iterable[Found | Skipped]:
    """What is in a folder; of a single file, itself."""
    if root.is_dir():
        return walk(root)
    if not root.is_file():
        msg = f"{printable(str(root))} is neither a folder nor a regular file"
        hint = "Name a folder of documents, or a single document."
        raise DocumentError(msg, hint=hint, folder=printable(str(root)))
    reason = unreadable_kind(root.name)
    return [Skipped(printable(root.name), reason)] if reason else [Found(root, root.name)]


def _own(name: str, root: Path, folder: str) -> None:
    """A collection belongs to one folder; it may follow it to another place when the old one is gone."""
    if folder != str(root) and Path(folder).exists():
        msg = f"collection {name!r} belongs to {folder}, so {root} cannot be added to it"
        raise InvalidInput(msg, hint="Give the other folder a collection of its own.", collection=name, folder=folder)


def _nothing(root: Path, tally: _Tally) -> DocumentError:
    """The error for a folder without a document, with what was found instead."""
    if not tally.skipped:
        hint = "Put Markdown, text, HTML or PDF files into it."
        return DocumentError(f"{root} is empty", hint=hint, folder=str(root))
    told = "; ".join(f"{one.document}: {one.reason}" for one in tally.skipped[:_NAMED])
    more = len(tally.skipped) - _NAMED
    told += f"; and {more} more" if more > 0 else ""
    msg = f"{root} holds no document that can be read ({told})"
    return DocumentError(msg, hint=tally.hint or "Markdown, text, HTML and PDF files can be read.", folder=str(root))


def _known(connection: sqlite3.Connection, number: int) -> dict[str, str]:
    return dict(connection.execute("SELECT path, digest FROM documents WHERE collection = ?", (number,)).fetchall())


def _changed(
    files: Iterable[Found | Skipped],
    known: dict[str, str],
    tally: _Tally,
    max_bytes: int,
) -> Iterator[_Read]:
    """The documents to be written, in order; whatever is not read is noted."""
    for file in files:
        if isinstance(file, Skipped):
            tally.skipped.append(file)
            continue
        try:
            data = read_bytes(file.path, max_bytes)
            digest = content_digest(data)
            if known.get(file.document) == digest:
                tally.seen.add(file.document)
                continue
            extracted = extract(data, file.document)
        except DocumentError as error:
            tally.skipped.append(Skipped(file.document, error.facts["reason"]))
            tally.hint = tally.hint or error.hint
            continue
        if extracted.damage:
            tally.damaged.append(Skipped(file.document, extracted.damage))
        tally.seen.add(file.document)
        yield _Read(file.document, digest, extracted, split(extracted))


def _batches(reads: Iterable[_Read]) -> Iterator[list[_Read]]:
    batch: list[_Read] = []
    size = 0
    for read in reads:
        batch.append(read)
        size += len(read.extracted.text)
        if len(batch) >= _BATCH_DOCUMENTS or size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _collection(connection: sqlite3.Connection, name: str, root: Path) -> int:
    """The collection's number; made if it is new."""
    row = connection.execute("SELECT id, folder FROM collections WHERE name = ?", (name,)).fetchone()
    if row is None:
        made = connection.execute("INSERT INTO collections (name, folder) VALUES (?, ?)", (name, str(root)))
        number = int(made.lastrowid or 0)
        create_words(connection, number)
        return number
    if row[1] != str(root):
        _own(name, root, row[1])
        connection.execute("UPDATE collections SET folder = ? WHERE id = ?", (str(root), row[0]))
    return int(row[0])


def _write(connection: sqlite3.Connection, number: int, read: _Read, tally: _Tally) -> None:
    """Put a document in, in place of what it was before."""
    there = connection.execute(
        "SELECT digest FROM documents WHERE collection = ? AND path = ?",
        (number, read.document),
    ).fetchone()
    if there and there[0] == read.digest:
        return  # another process was faster
    if there:
        _remove(connection, number, read.document)
        tally.changed += 1
    else:
        tally.added += 1
    text = read.extracted.text
    made = connection.execute(
        "INSERT INTO documents (collection, path, title, digest, characters, text) VALUES (?, ?, ?, ?, ?, ?)",
        (number, read.document, read.extracted.title, read.digest, len(text), text),
    )
    title = " ".join(words(read.extracted.title) + words(Path(read.document).stem))
    insert = f"INSERT INTO {words_table(number)} (rowid, title, heading, body) VALUES (?, ?, ?, ?)"  # noqa: S608 - a number
    for piece in read.pieces:
        row = connection.execute(
            'INSERT INTO passages (document, start, "end", heading) VALUES (?, ?, ?, ?)',
            (made.lastrowid, piece.start, piece.end, piece.heading),
        )
        body = " ".join(words(text[piece.start : piece.end]))
        connection.execute(insert, (row.lastrowid, title, " ".join(words(piece.heading)), body))


def _remove(connection: sqlite3.Connection, number: int, document: str) -> None:
    """Take a document out of the search; its text stays, for the citations that point to it."""
    row = connection.execute(
        "SELECT id, digest, text FROM documents WHERE collection = ? AND path = ?",
        (number, document),
    ).fetchone()
    if row is None:
        return  # another process was faster
    connection.execute(
        "INSERT OR REPLACE INTO versions (collection, path, digest, text) VALUES (?, ?, ?, ?)",
        (number, document, row[1], zlib.compress(row[2].encode())),
    )
    connection.execute(
        f"DELETE FROM {words_table(number)} WHERE rowid IN (SELECT id FROM passages WHERE document = ?)",  # noqa: S608 - a number
        (row[0],),
    )
    connection.execute("DELETE FROM passages WHERE document = ?", (row[0],))
    connection.execute("DELETE FROM documents WHERE id = ?", (row[0],))
