"""The journal file: one connection, blocks appended in groups, runs read back."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any, Final

import msgspec

from agentops.errors import JournalCorrupt, JournalLocked, UnknownRun
from agentops.journal.failures import sqlite_errors, translated
from agentops.journal.lease import holder_alive, my_name
from agentops.journal.schema import migrate, refuse_foreign
from agentops.kernel.suggest import nearest

__all__ = ["Append", "Journal", "RunRow", "chain"]

_BUSY_MS: Final = 10_000
_CHECKPOINT_PAGES: Final = 4_000
"""Pages in the write-ahead log at which it is merged into the file: 16 MB."""
_COLUMNS: Final = "id, run, playbook, status, started, ended, owner"


_NUMBERS: Final = count(1)
"""Of the journals opened in this process: each is a holder of its own."""
_NEWEST: Final = f"SELECT {_COLUMNS} FROM runs ORDER BY started DESC, id DESC LIMIT 1"  # noqa: S608 - constants
_BY_NAME: Final = f"""SELECT {_COLUMNS} FROM runs
    WHERE run = ? OR substr(run, 1, ?) = ? OR substr(run, ?) = ? LIMIT 6"""  # noqa: S608 - constants


class RunRow(msgspec.Struct, frozen=True):
    """A run as the journal lists it. Times are microseconds since 1970 UTC."""

    id: int
    run: str
    playbook: str
    status: str
    started: int
    ended: int | None
    owner: str


class Append(msgspec.Struct, frozen=True):
    """One block to be written: the ``seq``-th of its run, what it refers to, and the run's status if it changed."""

    run: int
    seq: int
    block: bytes
    hash: bytes
    blobs: dict[str, bytes]
    status: str = ""
    ended: int | None = None


def chain(before: bytes, block: bytes) -> bytes:
    """The hash of a block: 16 bytes over it and the hash of the one before."""
    return hashlib.sha256(before + block).digest()[:16]


class Journal:
    """A journal file. Not shared between threads; between processes SQLite keeps order.

    ``durability``: ``process`` survives the kill of this process at any moment; ``power`` also the loss of power,
    at the price of a full synchronisation for each group of blocks.
    """

    def __init__(self, path: str | Path, *, durability: str = "process", read_only: bool = False) -> None:
        self.path = str(path)
        self._me = f"{my_name()}/{next(_NUMBERS)}"
        with sqlite_errors(self.path):
            if read_only:
                uri = f"{Path(path).absolute().as_uri()}?mode=ro"
                self._connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
            else:
                self._connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            with sqlite_errors(self.path):
                self._prepare(durability)
        except BaseException:  # whatever it was, it is raised again
            self._connection.close()
            raise

    def _prepare(self, durability: str) -> None:
        connection = self._connection
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        refuse_foreign(connection, self.path)
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute(f"PRAGMA synchronous = {'FULL' if durability == 'power' else 'NORMAL'}")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        migrate(connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # --- writing ------------------------------------------------------------------------------------------------

    def create(self, run: str, playbook: str, started: int, first: Append | None = None) -> int:
        """Make a run, held by this process, with its ``first`` block in the same transaction; its number here."""
        with self._transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (run, playbook, status, started, owner) VALUES (?, ?, 'running', ?, ?)",
                (run, playbook, started, self._me),
            )
            row = int(cursor.lastrowid or 0)
            if first is not None:
                self._write([msgspec.structs.replace(first, run=row)])
        return row

    def append(self, blocks: Sequence[Append]) -> None:
        """Write blocks, all or none; when this returns they are as safe as the durability promises."""
        with self._transaction():
            self._write(blocks)

    def adopt(self, row: RunRow, blocks: Iterable[Append]) -> None:
        """Write a run that was recorded elsewhere, all of it or nothing: ``blocks`` are read as they are written.

        Nobody holds the run afterwards. Of ``row`` and ``blocks``, the run's number in the other file means nothing.
        """
        with self._transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO runs (run, playbook, status, started, ended) VALUES (?, ?, ?, ?, ?)",
                (row.run, row.playbook, row.status, row.started, row.ended),
            )
            number = int(cursor.lastrowid or 0)
            for block in blocks:
                self._write([msgspec.structs.replace(block, run=number)])

    def _write(self, blocks: Sequence[Append]) -> None:
        connection = self._connection
        try:
            connection.executemany(
                "INSERT INTO blocks (run, seq, data, hash) VALUES (?, ?, ?, ?)",
                [(block.run, block.seq, block.block.decode(), block.hash) for block in blocks],
            )
        except sqlite3.IntegrityError as error:
            msg = f"{self.path}: another process has gone on with this run"
            raise JournalLocked(msg, hint="Let that process finish, or stop it.", path=self.path) from error
        payloads = [(key, data.decode()) for block in blocks for key, data in block.blobs.items()]
        if payloads:
            connection.executemany("INSERT OR IGNORE INTO payloads VALUES (?, ?)", payloads)
        changes = [(block.status, block.ended, block.run) for block in blocks if block.status]
        if changes:
            connection.executemany("UPDATE runs SET status = ?, ended = ? WHERE id = ?", changes)

    def _transaction(self) -> _Transaction:
        return _Transaction(self._connection, self.path)

    # --- leases -------------------------------------------------------------------------------------------------

    def take(self, row: RunRow) -> None:
        """Become the holder of a run; `JournalLocked` where a living process holds it."""
        me = self._me
        with self._transaction() as connection:
            (owner,) = connection.execute("SELECT owner FROM runs WHERE id = ?", (row.id,)).fetchone()
            if owner != me and holder_alive(owner):
                msg = f"run {row.run} is in the hands of process {owner.split('/')[2]}"
                raise JournalLocked(msg, hint="Wait for it, or stop that process.", path=self.path)
            update = "UPDATE runs SET owner = ?, status = 'running' WHERE id = ? AND ended IS NULL"
            connection.execute(update, (me, row.id))

    def set_status(self, run: int, status: str) -> None:
        """Say how a run stands that no block changes."""
        with sqlite_errors(self.path):
            self._connection.execute("UPDATE runs SET status = ? WHERE id = ?", (status, run))

    def release(self, run: int) -> None:
        """Give a run out of hand."""
        with sqlite_errors(self.path):
            self._connection.execute("UPDATE runs SET owner = '' WHERE id = ? AND owner = ?", (run, self._me))

    # --- reading ------------------------------------------------------------------------------------------------

    def runs(self, *, limit: int = 100, status: str = "") -> list[RunRow]:
        """Runs, newest first. ``running`` becomes ``interrupted`` where the holder is gone."""
        where, values = ("WHERE status = ?", [status]) if status else ("", [])
        query = f"SELECT {_COLUMNS} FROM runs {where} ORDER BY started DESC, id DESC LIMIT ?"  # noqa: S608 - constants
        with sqlite_errors(self.path):
            rows = self._connection.execute(query, [*values, limit]).fetchall()
        return [_seen(RunRow(*row)) for row in rows]

    def find(self, name: str) -> RunRow:
        """The run of that name, or whose name begins or ends so; ``last`` is the newest. `UnknownRun` says more."""
        with sqlite_errors(self.path):
            if name == "last":
                rows = [RunRow(*row) for row in self._connection.execute(_NEWEST)]
            else:
                size = len(name)
                values = (name, size, name, -size, name)
                rows = [RunRow(*row) for row in self._connection.execute(_BY_NAME, values)] if name else []
        exact = [row for row in rows if row.run == name]
        found = exact or rows
        if len(found) == 1:
            return _seen(found[0])
        candidates = [row.run for row in found]
        if found:
            msg = f"{name!r} could be {', '.join(candidates)}"
            raise UnknownRun(msg, hint="Write more of the id.", run=name, candidates=candidates)
        known = [row.run for row in self.runs(limit=12)]
        hint = nearest(name, known) if known else "The journal is empty: start one with agentops run."
        raise UnknownRun(f"no run {name!r} in {self.path}", hint=hint, run=name, candidates=[])

    def blocks(self, run: int, *, start: int = 0) -> Iterator[tuple[int, bytes, bytes]]:
        """Number, data and hash of a run's blocks, in order."""
        with sqlite_errors(self.path):
            rows = self._connection.execute(
                "SELECT seq, data, hash FROM blocks WHERE run = ? AND seq >= ? ORDER BY seq", (run, start)
            )
            for number, (seq, data, digest) in enumerate(rows, start):
                if seq != number:
                    msg = f"{self.path}: block {number} of the run is missing"
                    raise JournalCorrupt(msg, hint="Restore the file from a copy.", path=self.path)
                yield seq, data.encode(), digest

    def payload(self, digest: str) -> bytes:
        """A payload by its SHA-256."""
        with sqlite_errors(self.path):
            row = self._connection.execute("SELECT data FROM payloads WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            msg = f"{self.path}: payload {digest[:12]} is missing"
            raise JournalCorrupt(msg, hint="Restore the file from a copy.", path=self.path)
        data: bytes = row[0].encode()
        return data

    def query(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Rows of a query; for the views."""
        with sqlite_errors(self.path):
            return self._connection.execute(sql, values).fetchall()

    # --- the inbox ----------------------------------------------------------------------------------------------

    def leave_answer(self, run: int, key: str, data: bytes, at: int) -> bool:
        """Leave a person's answer for whoever holds the run; False where one is there already."""
        with sqlite_errors(self.path):
            cursor = self._connection.execute(
                "INSERT OR IGNORE INTO inbox VALUES (?, ?, 'answer', ?, ?)", (run, key, data.decode(), at)
            )
        return cursor.rowcount == 1

    def answers(self, run: int) -> dict[str, bytes]:
        """The answers left for a run, by key; whether they were taken is told by the run's blocks."""
        rows = self.query("SELECT key, data FROM inbox WHERE run = ? ORDER BY at, key", (run,))
        return {key: data.encode() for key, data in rows}


class _Transaction:
    """A transaction that writes: committed on leaving, rolled back on any exception. Errors come out as ours.

    A class, because what `contextlib.contextmanager` makes costs as much as the row that is written.
    """

    __slots__ = ("_connection", "_path")

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise translated(self._path, error) from error
        return self._connection

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        failure = error
        if failure is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error as refused:
                failure = refused
        if failure is None:
            return
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        if isinstance(failure, sqlite3.Error):
            raise translated(self._path, failure) from failure


def _seen(row: RunRow) -> RunRow:
    if row.status == "running" and not holder_alive(row.owner):
        return msgspec.structs.replace(row, status="interrupted")
    return row
