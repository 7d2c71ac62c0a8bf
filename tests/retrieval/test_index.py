"""The index: brought up to date with a folder, whatever the folder holds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agentops.errors import DocumentError, InvalidInput
from agentops.retrieval import update as update_module
from agentops.retrieval.index import Index, collection_name
from agentops.retrieval.passages import CollectionStats, IndexReport, Skipped
from agentops.retrieval.readers import Extracted, extract
from agentops.retrieval.walk import Found, walk


def counts(report: IndexReport) -> tuple[int, int, int, int]:
    return report.added, report.changed, report.removed, report.unchanged


def test_a_report_says_what_indexing_came_to(index: Index, folder: Path) -> None:
    report = index.add(folder)
    assert report == IndexReport(collection_name(folder), documents=3, passages=4, added=3)
    assert index.documents() == ["faq.txt", "guide.md", "sub/page.html"]
    characters = sum(len(extract((folder / name).read_bytes(), name).text) for name in index.documents())
    assert index.stats() == [CollectionStats(report.collection, str(folder), 3, 4, characters)]


def test_only_what_changed_is_read_again(index: Index, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index.add(folder)
    (folder / "guide.md").write_text("All is new here.\n")
    (folder / "faq.txt").unlink()
    (folder / "more.md").write_text("More.\n")
    extracted: list[str] = []

    def noting(data: bytes, name: str) -> Extracted:
        extracted.append(name)
        return extract(data, name)

    monkeypatch.setattr(update_module, "extract", noting)
    assert counts(index.add(folder)) == (1, 1, 1, 1)
    assert extracted == ["guide.md", "more.md"]
    assert counts(index.add(folder)) == (0, 0, 0, 3)
    assert index.documents() == ["guide.md", "more.md", "sub/page.html"]
    assert index.search("requests cancel") == []


def test_a_touched_file_with_the_same_content_is_unchanged(index: Index, folder: Path) -> None:
    index.add(folder)
    os.utime(folder / "guide.md", (1, 1))
    assert counts(index.add(folder)) == (0, 0, 0, 3)


def test_the_same_folder_gives_the_same_index(tmp_path: Path, folder: Path) -> None:
    found = []
    for name in ("one.db", "two.db"):
        with Index.open(tmp_path / name) as index:
            report = index.add(folder)
            found.append((report, index.search("the end of the month office limit", 10)))
    assert found[0] == found[1]


def test_a_single_document_can_be_indexed(index: Index, folder: Path) -> None:
    report = index.add(folder / "guide.md")
    assert report.documents == 1
    passage = index.search("limit")[0]
    assert passage.document == "guide.md"
    assert index.quote(None, "guide.md", passage.start, passage.end).state == "current"


def test_a_collection_is_named_for_its_folder_and_where_that_is(tmp_path: Path) -> None:
    (tmp_path / "a" / "My Docs!").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "My Docs!")
    name = collection_name(tmp_path / "a" / "My Docs!")
    assert name.startswith("my-docs-")
    assert collection_name(tmp_path / "link") == name
    assert collection_name(tmp_path / "a" / ".." / "a" / "My Docs!") == name
    assert collection_name(tmp_path / "b" / "My Docs!") != name
    assert collection_name("/").startswith("documents-")


@pytest.mark.parametrize("name", ["no/slash", "no space", "x" * 101, "\n"])
def test_a_collections_name_is_plain(index: Index, folder: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=r"cannot name a collection"):
        index.add(folder, name)


def test_a_collection_belongs_to_one_folder_but_may_follow_it(index: Index, folder: Path, tmp_path: Path) -> None:
    index.add(folder, "mine")
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    with pytest.raises(InvalidInput, match=r"collection 'mine' belongs to .*docs, so .*other cannot be added to it"):
        index.add(other, "mine")
    shutil.rmtree(folder)
    assert counts(index.add(other, "mine")) == (0, 0, 0, 3)
    assert index.stats()[0].folder == str(other)


def test_a_missing_folder_is_an_error_that_says_what_to_name(index: Index, tmp_path: Path) -> None:
    with pytest.raises(
        DocumentError, match=r"there is no folder of documents at .*nowhere(.|\n)*Name an existing folder"
    ):
        index.add(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(DocumentError, match="there is no folder of documents at"):
        index.add(tmp_path / "loop")
    with pytest.raises(DocumentError, match="there is no folder of documents at"):
        index.add("a\0b")


def test_a_folder_without_a_readable_document_is_an_error_that_says_why(index: Index, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DocumentError, match=r"empty is empty(.|\n)*Put Markdown, text, HTML or PDF files into it"):
        index.add(empty)
    (empty / "a.md").write_bytes(b"\0")
    (empty / "b.png").write_bytes(b"x")
    with pytest.raises(DocumentError, match=r"holds no document that can be read \(a.md: it is binary .*; b.png: "):
        index.add(empty)
    with pytest.raises(DocumentError, match=r"b\.png: \.png files are not documents"):
        index.add(empty / "b.png")
    assert index.stats() == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
def test_a_pipe_instead_of_a_folder_is_refused(index: Index, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DocumentError, match="is neither a folder nor a regular file"):
        index.add(tmp_path / "pipe")


def test_when_everything_is_gone_what_was_indexed_stays(index: Index, folder: Path) -> None:
    """An unmounted disk looks like an empty folder; it must not cost the index."""
    index.add(folder)
    shutil.rmtree(folder)
    folder.mkdir()
    with pytest.raises(DocumentError, match="is empty"):
        index.add(folder)
    assert index.stats()[0].documents == 3
    assert index.search("invoices")


def test_bad_documents_are_reported_and_the_others_indexed(index: Index, folder: Path) -> None:
    (folder / "binary.md").write_bytes(b"\x7fELF\0\0")
    (folder / "blank.txt").write_bytes(b" \n")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4\nnot really")
    (folder / "huge.txt").write_bytes(b"words " * 200)
    (folder / "latin.txt").write_bytes("Das Café am Hafen öffnet um zehn Uhr morgens.".encode("latin-1"))
    report = index.add(folder, max_bytes=1000)
    assert counts(report) == (4, 0, 0, 0)
    reasons = {one.document: one.reason for one in report.skipped}
    assert reasons.pop("broken.pdf").startswith("it is not a PDF that can be read")
    assert reasons == {
        "binary.md": "it is binary (it holds NUL bytes)",
        "blank.txt": "it holds no text",
        "huge.txt": "it is too large: 1,200 bytes, and the limit is 1,000",
    }
    assert report.damaged == (Skipped("latin.txt", "characters that are not valid utf-8, shown as \ufffd: 2"),)


def test_a_file_that_vanishes_between_walk_and_read_is_reported(
    index: Index,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def slow(root: Path) -> list[Found | Skipped]:
        found = list(walk(root))
        (root / "faq.txt").unlink()
        return found

    monkeypatch.setattr(update_module, "walk", slow)
    report = index.add(folder)
    assert report.skipped == (Skipped("faq.txt", "it is no longer there"),)
    assert report.documents == 2


def test_ten_thousand_files_are_indexed_in_batches_and_counted(index: Index, tmp_path: Path) -> None:
    many = tmp_path / "many"
    for number in range(10_000):
        path = many / f"{number % 100:02}" / f"note-{number:05}.md"
        if number < 100:
            path.parent.mkdir(parents=True)
        path.write_text(f"# Note {number}\n\nPump {number} holds {number * 7 % 1000} litres.\n")
    assert counts(index.add(many)) == (10_000, 0, 0, 0)
    assert index.search("pump 4711", 1)[0].document == "11/note-04711.md"
    assert counts(index.add(many)) == (0, 0, 0, 10_000)


def test_an_interrupted_update_keeps_whole_batches_and_the_next_one_goes_on(
    index: Index,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(update_module, "_BATCH_DOCUMENTS", 1)

    def stopping(data: bytes, name: str) -> Extracted:
        if name == "sub/page.html":
            raise KeyboardInterrupt
        return extract(data, name)

    with monkeypatch.context() as patch:
        patch.setattr(update_module, "extract", stopping)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            index.add(folder)
    assert index.documents() == ["faq.txt", "guide.md"]
    assert counts(index.add(folder)) == (1, 0, 0, 2)


def test_a_failure_while_writing_takes_the_whole_batch_back(
    index: Index,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index.add(folder)
    (folder / "faq.txt").write_text("Changed answer.\n")
    (folder / "guide.md").write_text("Changed guide.\n")
    real = update_module._write
    written: list[str] = []

    def failing(*args: object) -> None:
        if written:
            raise RuntimeError("the process dies here")
        written.append("one")
        real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(update_module, "_write", failing)
    with pytest.raises(RuntimeError, match="the process dies here"):
        index.add(folder)
    assert index.search("cancel")
    assert index.search("changed") == []


WORKER = """
import sys
from agentops.retrieval.index import Index
with Index.open(sys.argv[1]) as index:
    print(index.add(sys.argv[2]).documents)
"""


def test_processes_may_index_at_once_and_end_with_one_index(tmp_path: Path) -> None:
    """They also create the file at once: whoever is second waits, and finds it made."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(300):
            (tmp_path / name / f"{number}.md").write_text(f"# {name}\n\nPump {number} of {name}.\n")
    database = tmp_path / "i.db"
    command = [sys.executable, "-c", WORKER, str(database)]
    workers = [
        subprocess.Popen([*command, str(tmp_path / name)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "a", "b")
    ]
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert (worker.returncode, out.strip(), err) == (0, "300", "")
    with Index.open(database) as index:
        assert [(one.documents, one.passages) for one in index.stats()] == [(300, 300), (300, 300)]
        for name in ("a", "b"):
            assert counts(index.add(tmp_path / name)) == (0, 0, 0, 300)
            found = index.search("pump 7", 200, collection_name(tmp_path / name))
            assert len({passage.id for passage in found}) == len(found) == 200
