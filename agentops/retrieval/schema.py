"""The index's file: its tables, its versions, and how a connection to it is opened.

::

    collections   a name and the folder that it was made from
    documents     path, title, content hash and extracted text
    passages      spans of a document's extracted text, with the headings above them
    versions      the extracted text of documents as they were before they changed or went, compressed
    fts_<n>       words of the passages of collection n, an FTS5 table: one each, so that what is rare in one
                  collection does not depend on the others

SQLite in WAL mode: several processes may read while one writes, and a writer waits for another up to
`BUSY_SECONDS`. ``PRAGMA user_version`` holds the schema's version and ``application_id`` says that the file is ours;
a file that is neither empty nor known is refused, never changed. Migrations go through sqlite-utils, which is
imported only when there is something to migrate.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agentops.errors import WorkspaceError

if TYPE_CHECKING:
    from sqlite_utils import Database

__all__ = ["BUSY_SECONDS", "SCHEMA_VERSION", "connect", "create_words", "told", "transaction", "words_table"]

SCHEMA_VERSION: Final = 1
BUSY_SECONDS: Final = 60.0
_APPLICATION_ID: Final = 0x61676F69  # "agoi"

_FIRST: Final = """
CREATE TABLE collections (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL
) STRICT;
CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections (id),
    path TEXT NOT NULL,
    title TEXT NOT NULL,
    digest TEXT NOT NULL,
    characters INTEGER NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (collection, path)
) STRICT;
CREATE TABLE passages (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES documents (id),
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    heading TEXT NOT NULL
) STRICT;
CREATE INDEX passages_of_document ON passages (document, start);
CREATE TABLE versions (
    id INTEGER PRIMARY KEY,
    collection INTEGER NOT NULL REFERENCES collections (id),
    path TEXT NOT NULL,
    digest TEXT NOT NULL,
    text BLOB NOT NULL,
    UNIQUE (collection, path, digest)
) STRICT;
"""


def words_table(collection: int) -> str:
    """The name of a collection's FTS5 table."""
    return f"fts_{int(collection)}"


def create_words(connection: sqlite3.Connection, collection: int) -> None:
    """Make the FTS5 table of a new collection. Its text is already cut into words by `agentops.text.words`."""
    connection.execute(
        f"CREATE VIRTUAL TABLE {words_table(collection)} USING fts5 ("
        "title, heading, body, tokenize = 'porter unicode61 remove_diacritics 2')",
    )


def connect(path: Path, *, create: bool) -> sqlite3.Connection:
    """Open the index, made or migrated where needed. `WorkspaceError` for a file that is not, or not usable as, one."""
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        mode = "rwc" if create else "rw"
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise told(path, error) from error
    try:
        with told_errors(path):
            _prepare(connection, path)
    except BaseException:  # whatever it was, it is raised again
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")
    if _version(connection, path) == SCHEMA_VERSION:
        return
    if connection.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
        msg = f"the index {path} cannot be put into WAL mode"
        raise WorkspaceError(msg, hint="Put the workspace's data folder on a local disk.", path=str(path))
    with transaction(connection, path):
        if _version(connection, path) < SCHEMA_VERSION:  # another process may have been first
            _migrate(connection)


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema version; 0: empty. `WorkspaceError` for one that is not ours, or newer than we are."""
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if owner != _APPLICATION_ID and (tables or version or owner):
        msg = f"{path} is an SQLite file, but not an index of documents"
        raise WorkspaceError(msg, hint="Name another file for the index, or move this one away.", path=str(path))
    if version > SCHEMA_VERSION:
        msg = f"the index {path} has schema version {version}; this agentops knows versions up to {SCHEMA_VERSION}"
        hint = "Use the newer agentops, or move the file away and index the documents again."
        raise WorkspaceError(msg, hint=hint, path=str(path), found=version, known=SCHEMA_VERSION)
    return version


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring the file to `SCHEMA_VERSION`, inside the caller's transaction."""
    from sqlite_utils import Database, Migrations

    migrations = Migrations("agentops.retrieval")

    @migrations()
    def first(db: Database) -> None:
        for statement in _FIRST.split(";\n"):
            db.conn.execute(statement)

    migrations.apply(Database(connection, recursive_triggers=False, execute_plugins=False))
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """A write transaction: taken at once, waiting for another writer; all or nothing."""
    with told_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:  # whatever it was, it is raised again
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


@contextmanager
def told_errors(path: Path) -> Iterator[None]:
    """Turns SQLite's errors into `WorkspaceError`."""
    try:
        yield
    except sqlite3.Error as error:
        raise told(path, error) from error


def told(path: Path, error: Exception) -> WorkspaceError:
    """The error for a file that cannot be used, with what to do about it."""
    text = str(error)
    if isinstance(error, sqlite3.OperationalError) and "locked" in text:
        hint = f"Another process has been writing for over {BUSY_SECONDS:.0f} s; try again when it is done."
    elif isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        hint = "The file is damaged or is no SQLite file. Move it away and index the documents again."
    elif "full" in text:
        hint = "Free some disk space and index again; what was indexed before is intact."
    else:
        hint = "Check that the folder exists, can be written to, and is on a local disk."
    return WorkspaceError(f"the index {path} cannot be used: {text}", hint=hint, path=str(path))
