"""A run as one file: it comes back byte for byte, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from agentops import open_runtime
from agentops.errors import InvalidInput, JournalCorrupt, JournalError, JournalVersion, JournalWriteFailed
from agentops.journal.exchange import export_run
from agentops.journal.intake import import_run
from agentops.journal.integrity import check_run
from agentops.journal.sqlite import Journal
from agentops.messages import decode
from agentops.runtime.runtime import Replayed
from tests.observe.library import Enquire, play, write_documents


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The journal of one run, with payloads large enough to be kept aside."""
    folder = tmp_path_factory.mktemp("recorded")
    documents = write_documents(folder / "documents")
    words = ("degrees", "ground", *(f"word {number}" for number in range(200)))
    return anyio.run(play, folder, Enquire("tea and coffee, degrees, ground", str(documents), words))


@pytest.fixture
def recorded(first: Path, tmp_path: Path) -> Path:
    """A copy of that journal, to be edited."""
    return Path(shutil.copy(first, tmp_path / "journal.db"))


def _export(journal: Path, file: Path, run: str = "last") -> Path:
    opened = Journal(journal)
    try:
        export_run(opened, opened.find(run), file)
    finally:
        opened.close()
    return file


def _import(journal: Path, file: Path) -> tuple[bool, list[tuple[int, bytes, bytes]]]:
    opened = Journal(journal)
    try:
        done = import_run(opened, file)
        row = opened.find(done.run)
        check_run(opened, row)
        return done.fresh, list(opened.blocks(row.id))
    finally:
        opened.close()


async def _replay(journal: Path) -> Replayed:
    async with open_runtime(journal=journal, workspace=journal.parent) as ops:
        return ops.replay("last")


def _runs(journal: Path) -> int:
    opened = Journal(journal)
    try:
        counts = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM blocks), (SELECT count(*) FROM payloads)"
        ((runs, blocks, payloads),) = opened.query(counts)
        assert runs or not (blocks or payloads)
        return int(runs)
    finally:
        opened.close()


def test_what_was_exported_is_imported_byte_for_byte_and_replays(recorded: Path, tmp_path: Path) -> None:
    file = _export(recorded, tmp_path / "run.jsonl")
    fresh, blocks = _import(tmp_path / "other.db", file)
    assert fresh
    assert blocks == _import(recorded, file)[1]
    replayed = anyio.run(_replay, tmp_path / "other.db")
    assert (replayed.divergence, replayed.finished) == (None, True)


def test_a_record_is_a_line_of_its_own_and_every_line_is_json(recorded: Path, tmp_path: Path) -> None:
    lines = _export(recorded, tmp_path / "run.jsonl").read_text(encoding="utf-8").splitlines()
    values = [json.loads(line) for line in lines]
    header, *_, end = values
    records = [value for value in values if isinstance(value, list)]
    announced = [value for value in values if isinstance(value, dict) and "block" in value]
    assert (header["format"], header["version"], header["status"]) == ("agentops-run", 1, "done")
    assert header["blocks"] == len(announced)
    assert header["payloads"] == sum(isinstance(value, dict) and "payload" in value for value in values) > 0
    assert sum(each["lines"] for each in announced) == len(records)
    assert records[0][0] == "start"
    assert end["end"] == announced[-1]["hash"]


def test_the_same_run_may_come_twice_and_changes_nothing(recorded: Path, tmp_path: Path) -> None:
    file = _export(recorded, tmp_path / "run.jsonl")
    assert not _import(recorded, file)[0]
    assert _runs(recorded) == 1
    assert _export(recorded, tmp_path / "again.jsonl").read_bytes() == file.read_bytes()


def test_a_run_of_the_same_name_with_other_content_is_refused(recorded: Path, tmp_path: Path) -> None:
    opened = Journal(tmp_path / "elsewhere.db")
    name = decode(_export(recorded, tmp_path / "run.jsonl").read_bytes().splitlines()[0])["run"]
    opened.create(name, "another", 1)
    opened.close()
    with pytest.raises(JournalError, match=r"is in .*elsewhere.db already, with other content"):
        _import(tmp_path / "elsewhere.db", tmp_path / "run.jsonl")


def test_a_file_cut_at_any_line_is_refused_and_nothing_is_kept(recorded: Path, tmp_path: Path) -> None:
    whole = _export(recorded, tmp_path / "run.jsonl").read_bytes()
    lines = whole.splitlines(keepends=True)
    opened = Journal(tmp_path / "other.db")
    for end in [*range(20), *range(20, len(lines), 7)]:
        (tmp_path / "cut.jsonl").write_bytes(b"".join(lines[:end]))
        with pytest.raises(JournalError, match=r"is cut short|is not a run that agentops exported"):
            import_run(opened, tmp_path / "cut.jsonl")
    opened.close()
    (tmp_path / "cut.jsonl").write_bytes(whole[:-1])
    with pytest.raises(JournalCorrupt, match="is cut short"):
        _import(tmp_path / "other.db", tmp_path / "cut.jsonl")
    assert _runs(tmp_path / "other.db") == 0


def test_a_byte_changed_anywhere_is_found_and_nothing_is_kept(recorded: Path, tmp_path: Path) -> None:
    whole = _export(recorded, tmp_path / "run.jsonl").read_bytes()
    opened = Journal(tmp_path / "other.db")
    for place in range(0, len(whole), 211):
        changed = bytes([whole[place] ^ 1])
        (tmp_path / "changed.jsonl").write_bytes(whole[:place] + changed + whole[place + 1 :])
        with pytest.raises(JournalError, match=r"changed\.jsonl"):
            import_run(opened, tmp_path / "changed.jsonl")
    opened.close()
    assert _runs(tmp_path / "other.db") == 0


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        (lambda lines: [lines[0].replace(b'"version":1', b'"version":2'), *lines[1:]], JournalVersion, "version 2"),
        (lambda lines: [lines[0].replace(b'"journal":1', b'"journal":9'), *lines[1:]], JournalVersion, "journal 9"),
        (lambda lines: [lines[0].replace(b"agentops-run", b"something-else"), *lines[1:]], JournalError, "not a run"),
        (lambda lines: [*lines, b"{}"], JournalCorrupt, "goes on behind its last line"),
        (lambda lines: [each for each in lines if not each.startswith(b'{"payload"')], JournalCorrupt, "payload"),
        (lambda lines: [lines[0].replace(b'"done"', b'"failed"'), *lines[1:]], JournalCorrupt, "says failed"),
        (lambda lines: [lines[0].replace(b'"run":"', b'"run":"x'), *lines[1:]], JournalCorrupt, "not of run x"),
        (lambda lines: [lines[0].replace(b'"blocks":', b'"blocks":-'), *lines[1:]], JournalCorrupt, "describes no run"),
        (lambda _: [b"[" * 100_000], JournalError, "not a run"),
        (lambda _: [b"\xff\xfe"], JournalError, "not a run"),
        (lambda _: [], JournalError, "not a run"),
    ],
)
def test_what_is_no_export_or_of_a_newer_form_is_refused_with_the_reason(
    recorded: Path,
    tmp_path: Path,
    change: Callable[[list[bytes]], list[bytes]],
    error: type[JournalError],
    says: str,
) -> None:
    lines = _export(recorded, tmp_path / "run.jsonl").read_bytes().splitlines()
    (tmp_path / "odd.jsonl").write_bytes(b"".join(line + b"\n" for line in change(lines)))
    with pytest.raises(error, match=says):
        _import(tmp_path / "other.db", tmp_path / "odd.jsonl")
    assert _runs(tmp_path / "other.db") == 0


def test_a_run_that_was_edited_in_its_journal_is_not_exported(recorded: Path, tmp_path: Path) -> None:
    opened = Journal(recorded)
    opened.query("UPDATE payloads SET data = replace(data, 'degrees', 'percent')")
    opened.close()
    with pytest.raises(JournalCorrupt, match=r"payload .* is not what was written"):
        _export(recorded, tmp_path / "run.jsonl")
    opened = Journal(recorded)
    opened.query("UPDATE blocks SET data = replace(data, 'Enquire', 'Inquire')")
    opened.close()
    with pytest.raises(JournalCorrupt, match=r"block 0 .* is not what was written"):
        _export(recorded, tmp_path / "run.jsonl")
    assert list(tmp_path.glob("*.jsonl")) == []


def test_a_file_is_replaced_only_when_told_to_and_appears_whole_or_not_at_all(recorded: Path, tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInput, match="exists"):
        _export(recorded, file)
    assert file.read_text(encoding="utf-8") == "mine"
    with pytest.raises(JournalWriteFailed, match="cannot be written"):
        _export(recorded, tmp_path / "no such folder" / "run.jsonl")
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".run")] == []
