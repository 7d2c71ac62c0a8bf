"""Files that are no journal, are newer, broken, locked or read-only: refused in words, and left as they are."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from agentops.errors import JournalCorrupt, JournalError, JournalLocked, JournalVersion, JournalWriteFailed
from agentops.journal.schema import VERSION
from agentops.journal.sqlite import Append, Journal, chain
from agentops.kernel.agent import Agent, handles
from agentops.kernel.tool import tool
from agentops.runtime.runtime import Runtime
from tests.runtime.house import Go, define, replayed


@tool(effect="pure")
async def long_text() -> str:
    """Say much."""
    return "much " * 1000


class Main(Agent):
    @handles
    async def on_go(self, go: Go) -> int:
        return len(await long_text())


@pytest.fixture
def recorded(tmp_path: Path) -> Iterator[Path]:
    """A journal with one run."""
    path = tmp_path / "j.db"

    async def run() -> None:
        async with Runtime.open(path) as runtime:
            await (await runtime.start(define(Main), Go())).result()

    anyio.run(run)
    return path  # type: ignore[return-value]


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def test_a_database_of_somebody_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    change(path, "CREATE TABLE theirs (id)")
    before = path.read_bytes()
    with pytest.raises(JournalVersion, match="is an SQLite file, but not a journal of agentops"):
        Journal(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(JournalCorrupt, match="cannot be read as a journal"):
        Journal(path)


def test_a_newer_journal_is_refused(recorded: Path) -> None:
    change(recorded, f"PRAGMA user_version = {VERSION + 1}")
    with pytest.raises(JournalVersion, match=f"was written by schema {VERSION + 1}; this version of agentops knows"):
        Journal(recorded)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "nowhere" / "j.db")


def test_a_run_is_read_through_a_connection_that_may_not_write(recorded: Path) -> None:
    with closing(Journal(recorded, read_only=True)) as journal:
        row = journal.find("last")
        assert row.status == "done"
        with pytest.raises(JournalWriteFailed, match="cannot be written"):
            journal.set_status(row.id, "failed")


def test_a_journal_that_is_not_there_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / "j.db", read_only=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("UPDATE blocks SET data = replace(data, '5000', '5001')", "is not what was written"),
        ("DELETE FROM blocks WHERE seq = 0", "block 0 of the run is missing"),
        ("UPDATE blocks SET data = 'x' WHERE seq = 1", "is not what was written"),
        ("UPDATE payloads SET data = replace(data, 'much', 'less')", "is not what was written"),
        ("DELETE FROM payloads", "is missing"),
    ],
    ids=["edited", "missing", "damaged", "payload-edited", "payload-missing"],
)
def test_what_was_changed_afterwards_is_found(recorded: Path, sql: str, says: str) -> None:
    change(recorded, sql)
    with pytest.raises(JournalCorrupt, match=says):
        replayed(recorded, define(Main))


def test_a_journal_that_another_process_locks_is_locked(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentops.journal.sqlite._BUSY_MS", 20)
    with closing(Journal(recorded)) as journal, closing(sqlite3.connect(recorded)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalLocked, match="is locked by another process"):
            journal.create("another", "", 0)
        other.rollback()
        journal.create("another", "", 0)


def test_a_group_is_written_whole_or_not_at_all(recorded: Path) -> None:
    with closing(Journal(recorded)) as journal:
        run = journal.create("another", "", 0)
        blocks = [Append(run, seq, b"[]", chain(b"", b"[]"), {}) for seq in (0, 1, 1)]
        with pytest.raises(JournalLocked, match="another process has gone on with this run"):
            journal.append(blocks)
        assert list(journal.blocks(run)) == []
        journal.append(blocks[:2])
        assert len(list(journal.blocks(run))) == 2


def test_two_processes_that_find_no_journal_make_one(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    with closing(Journal(path)) as one, closing(Journal(path)) as other:
        one.create("a", "", 0)
        other.create("b", "", 1)
        assert [row.run for row in one.runs()] == ["b", "a"]
