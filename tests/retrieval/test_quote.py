"""Quotes: a citation stays checkable, whatever becomes of the file."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agentops.errors import DocumentError
from agentops.retrieval.index import Index
from agentops.retrieval.passages import Passage


@pytest.fixture
def cited(index: Index, folder: Path) -> Passage:
    index.add(folder)
    return index.search("requests per minute")[0]


def test_a_quote_is_the_cited_span(index: Index, cited: Passage) -> None:
    quote = index.quote(None, cited.document, cited.start, cited.end)
    assert (quote.text, quote.heading, quote.state, quote.note) == (cited.text, "Guide", "current", "")
    assert index.quote(None, cited.document, cited.start + 4, cited.start + 9).text == "limit"


def test_a_changed_file_is_told_and_the_indexed_text_quoted(index: Index, folder: Path, cited: Passage) -> None:
    (folder / "guide.md").write_text("Something else.")
    quote = index.quote(None, cited.document, cited.start, cited.end)
    assert (quote.text, quote.state) == (cited.text, "changed")
    assert quote.note == "the file has changed since it was indexed; this is the text that was indexed"


def test_after_indexing_again_the_cited_version_is_still_found(index: Index, folder: Path, cited: Passage) -> None:
    (folder / "guide.md").write_text("The rules are other ones now, and they take more words than they took before.")
    index.add(folder)
    newer = index.quote(None, cited.document, cited.start, cited.end)
    assert newer.text != cited.text
    assert newer.state == "current"
    older = index.quote(None, cited.document, cited.start, cited.end, expected=cited.text)
    assert (older.text, older.state) == (cited.text, "changed")
    assert older.note == "the document was indexed again since, with other text; this is the older one"


@pytest.mark.parametrize("again", [False, True])
def test_a_file_that_is_gone_is_still_quoted(index: Index, folder: Path, cited: Passage, again: bool) -> None:
    (folder / "guide.md").unlink()
    if again:
        assert index.add(folder).removed == 1
    quote = index.quote(None, cited.document, cited.start, cited.end)
    assert (quote.text, quote.state) == (cited.text, "gone")
    assert "it is no longer there" in quote.note


def test_a_folder_that_is_gone_is_still_quoted(index: Index, folder: Path, cited: Passage) -> None:
    shutil.rmtree(folder)
    assert index.quote(None, cited.document, cited.start, cited.end).state == "gone"


@pytest.mark.parametrize(("start", "end"), [(-1, 5), (5, 5), (6, 5), (0, 10_000), (9_000, 9_001)])
def test_a_span_that_is_not_there_is_an_error(index: Index, cited: Passage, start: int, end: int) -> None:
    with pytest.raises(DocumentError, match=rf"there are no characters {start} to {end} of guide\.md: it has 8\d"):
        index.quote(None, cited.document, start, end)


def test_an_unknown_document_and_a_false_quotation_are_errors(index: Index, cited: Passage) -> None:
    with pytest.raises(DocumentError, match=r"no document '\.\./secret' is in this collection"):
        index.quote(None, "../secret", 0, 1)
    with pytest.raises(DocumentError, match="do not read as cited, in any version that was indexed"):
        index.quote(None, cited.document, 0, 5, expected="false")


def test_offsets_count_characters_not_bytes(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "wide"
    docs.mkdir()
    text = "\u00e9\U0001f6a2\u4f60 The ship \U0001f6a2 sails.\r\n\r\nNext: 你好。\r\n"
    (docs / "a.txt").write_bytes(text.encode())
    index.add(docs)
    for one in index.search("ship sails next", 5):
        assert text.replace("\r\n", "\n")[one.start : one.end] == one.text
