"""The index's file: refused where it is not ours, told where it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from agentops.errors import DocumentError, WorkspaceError
from agentops.retrieval import schema
from agentops.retrieval.index import Index


def test_a_new_index_is_in_wal_mode_with_its_version_and_its_migrations_on_record(index: Index) -> None:
    with sqlite3.connect(index.path) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert plain.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
        assert plain.execute("SELECT name FROM _sqlite_migrations").fetchall() == [("first",)]
    plain.close()


def test_a_missing_index_is_not_made_by_reading(tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError, match=r"no documents are indexed: there is no .*x\.db(.|\n)*agentops index add FOLDER"
    ):
        Index.open(tmp_path / "x.db", create=False)
    assert not (tmp_path / "x.db").exists()


def test_a_newer_schema_is_refused_and_left_alone(index: Index) -> None:
    index.close()
    plain = sqlite3.connect(index.path)
    plain.execute("PRAGMA user_version = 99")
    plain.close()
    before = index.path.read_bytes()
    with pytest.raises(WorkspaceError, match=r"has schema version 99; this agentops knows versions up to 1") as caught:
        Index.open(index.path)
    assert (caught.value.found, caught.value.known) == (99, 1)
    assert index.path.read_bytes() == before


def test_another_programs_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    plain = sqlite3.connect(path)
    plain.execute("CREATE TABLE theirs (x)")
    plain.commit()
    plain.close()
    before = path.read_bytes()
    with pytest.raises(WorkspaceError, match="is an SQLite file, but not an index of documents"):
        Index.open(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "i.db"
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    with pytest.raises(WorkspaceError, match=r"file is not a database(.|\n)*Move it away"):
        Index.open(path)


def test_a_damaged_index_is_told(index: Index, folder: Path) -> None:
    index.add(folder)
    index.close()
    data = bytearray(index.path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    index.path.write_bytes(data)
    with pytest.raises(WorkspaceError, match="malformed"), Index.open(index.path) as opened:
        opened.search("limit")


@pytest.mark.parametrize("name", ["folder", "folder/file/i.db"])
def test_a_place_that_cannot_hold_a_file_is_told(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_text("")
    with pytest.raises(WorkspaceError, match=r"the index .* cannot be used"):
        Index.open(tmp_path / name)


def test_a_full_disk_is_told_and_costs_nothing_that_was_there(index: Index, folder: Path) -> None:
    """SQLite's own limit on pages stands for the disk."""
    index.add(folder)
    (folder / "long.txt").write_text("Another sentence about pumps. " * 20_000)
    index._connection.execute("PRAGMA max_page_count = 40")
    with pytest.raises(WorkspaceError, match=r"is full(.|\n)*Free some disk space"):
        index.add(folder)
    assert index.stats()[0].documents == 3
    assert index.search("limit")


def test_a_writer_that_never_ends_is_told(index: Index, folder: Path) -> None:
    index.add(folder)
    (folder / "more.md").write_text("More.")
    index._connection.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(index.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(WorkspaceError, match=r"locked(.|\n)*try again"):
        index.add(folder)
    assert index.search("limit")
    other.execute("ROLLBACK")
    other.close()
    assert index.add(folder).added == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WorkspaceError, match="cannot be used"):
        Index.open(tmp_path / "i.db")


def test_closing_twice_is_allowed(index: Index) -> None:
    index.close()
    index.close()
