"""The index: collections of documents in one SQLite file, searched by words and quoted by offsets."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from agentops.errors import DocumentError, InvalidInput
from agentops.retrieval import schema
from agentops.retrieval.passages import CollectionStats, IndexReport, Passage, Quote
from agentops.retrieval.quote import quoted
from agentops.retrieval.search import search_collection
from agentops.retrieval.update import located, update
from agentops.retrieval.walk import MAX_BYTES

__all__ = ["DEFAULT", "Index", "collection_name"]

DEFAULT: Final = "default"
"""Stands for the only collection there is, where none is called so."""

_NAME: Final = re.compile(r"[\w.-]{1,100}")


def collection_name(folder: Path | str) -> str:
    """The name of a folder's collection: its own name as a slug, and a short hash of where it is.

    The same folder has the same name however it is written; two folders called ``docs`` have different ones.
    """
    real = Path(folder).expanduser().resolve()
    slug = re.sub(r"[^a-z0-9]+", "-", real.name.lower()).strip("-")[:40] or "documents"
    where = hashlib.sha256(str(real).encode("utf-8", "surrogateescape")).hexdigest()
    return f"{slug}-{where[:8]}"


class Index:
    """An open index. A context manager; made by `Index.open`. Belongs to the thread that opened it.

    Several processes may have one index open, and write to it: a writer waits for another. Every method raises
    `WorkspaceError` where the file cannot be used (damaged, full disk, read-only, locked for too long).
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path | str, *, create: bool = True) -> Index:
        """Open the index at ``path``, made if missing; with ``create=False`` a missing one is a `DocumentError`."""
        where = Path(path)
        if not create and not where.exists():
            msg = f"no documents are indexed: there is no {where}"
            raise DocumentError(msg, hint="Index a folder first: agentops index add FOLDER", path=str(where))
        return cls(schema.connect(where, create=create), where)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; closing twice is allowed."""
        self._connection.close()

    def add(self, folder: Path | str, collection: str | None = None, *, max_bytes: int = MAX_BYTES) -> IndexReport:
        """Bring a collection up to date with a folder (or a single file), and report on everything in it.

        Only documents whose content changed are read again; those that are gone are taken out. ``collection``
        defaults to `collection_name`. Work is committed in batches: interrupted, it goes on where it was.

        Raises `DocumentError` for a folder that is missing, empty, or without a single readable document (what was
        indexed before then stays), `InvalidInput` for a collection that belongs to another folder.
        """
        root = located(Path(folder))
        name = collection or collection_name(root)
        if not _NAME.fullmatch(name):
            msg = f"{name!r} cannot name a collection"
            raise InvalidInput(msg, hint="Use letters, digits, '-', '_' and '.', at most 100.", collection=name)
        with schema.told_errors(self.path):
            return update(self._connection, self.path, root, name, max_bytes)

    def search(
        self,
        query: str,
        limit: int = 8,
        collection: str | None = None,
        *,
        document: str = "",
        per_document: int = 0,
    ) -> list[Passage]:
        """The passages that bear best on ``query``, best first; an empty list where none does.

        ``collection`` None or ``"default"``: the only one there is. ``document`` keeps to one document,
        ``per_document`` allows at most so many passages of each (0: any number). The same query on the same documents
        gives the same passages in the same order, whatever else the index holds.

        Raises `InvalidInput` for a query without a word, a limit outside 1 to 200, and an unknown or ambiguous
        collection.
        """
        with schema.told_errors(self.path):
            number, _ = self._collection(collection)
            return search_collection(
                self._connection, number, query, limit, document=document, per_document=per_document
            )

    def stats(self) -> list[CollectionStats]:
        """What each collection holds, by name."""
        with schema.told_errors(self.path):
            rows = self._connection.execute(
                """
                SELECT name, folder,
                    (SELECT count(*) FROM documents WHERE collection = collections.id),
                    (SELECT count(*) FROM passages JOIN documents ON documents.id = passages.document
                        WHERE documents.collection = collections.id),
                    (SELECT coalesce(sum(characters), 0) FROM documents WHERE collection = collections.id)
                FROM collections ORDER BY name
                """,
            )
            return [CollectionStats(*row) for row in rows]

    def documents(self, collection: str | None = None) -> list[str]:
        """The names of a collection's documents, sorted."""
        with schema.told_errors(self.path):
            number, _ = self._collection(collection)
            rows = self._connection.execute("SELECT path FROM documents WHERE collection = ? ORDER BY path", (number,))
            return [path for (path,) in rows]

    def quote(self, collection: str | None, document: str, start: int, end: int, *, expected: str = "") -> Quote:
        """The span that a citation points to, from the extracted text that the index keeps.

        ``expected`` is the text that the citation was made from, where it is known (a `Passage` on record holds it):
        if the document was indexed again since, it finds the version in which that text stands there.

        Raises `DocumentError` for an unknown document, a span that is not in it, or text that no version has there.
        """
        with schema.told_errors(self.path):
            number, folder = self._collection(collection)
            return quoted(self._connection, number, Path(folder), document, start, end, expected)

    def _collection(self, name: str | None) -> tuple[int, str]:
        """Number and folder of a collection by name; None or `DEFAULT`: the only one."""
        rows = self._connection.execute("SELECT name, id, folder FROM collections ORDER BY name").fetchall()
        known = {row[0]: (row[1], row[2]) for row in rows}
        if name and name in known:
            return known[name]
        if not known:
            msg = "no documents are indexed"
            raise DocumentError(msg, hint="Index a folder first: agentops index add FOLDER", path=str(self.path))
        names = ", ".join(known)
        if name and name != DEFAULT:
            msg = f"no collection is called {name!r}"
            raise InvalidInput(msg, hint=f"There is: {names}.", collection=name, known=list(known))
        if len(known) > 1:
            msg = f"there are {len(known)} collections, so it must be said which one is meant"
            raise InvalidInput(msg, hint=f"Name one of: {names}.", known=list(known))
        return next(iter(known.values()))
