"""The two tools: what agents and models see of retrieval."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agentops.errors import DocumentError, RunError
from agentops.kernel.tool import PERFORMING, ToolContext
from agentops.messages import codec
from agentops.retrieval.passages import CollectionStats, IndexReport, Passage, Quote
from agentops.retrieval.tools import INDEX_FILE, index_documents, search_documents


@pytest.fixture
def performing(tmp_path: Path) -> Iterator[ToolContext]:
    context = ToolContext(run="r", effect="a/1/0.1", key="r/a/1/0.1", workspace=tmp_path, data=tmp_path / ".agentops")
    token = PERFORMING.set(context)
    yield context
    PERFORMING.reset(token)


def test_documents_are_indexed_into_the_workspaces_data_and_found(performing: ToolContext, folder: Path) -> None:
    """A relative folder counts from the workspace; the function of a tool is what the runtime performs."""
    report = index_documents.function("docs")
    assert isinstance(report, IndexReport)
    assert (performing.data / INDEX_FILE).is_file()
    assert index_documents.function(str(folder)).collection == report.collection
    for collection in ("default", report.collection):
        found = search_documents.function("requests per minute", 3, collection)
        assert found[0].document == "guide.md"


def test_searching_makes_no_index(performing: ToolContext) -> None:
    with pytest.raises(DocumentError, match="no documents are indexed"):
        search_documents.function("anything")
    assert not performing.data.exists()


def test_outside_a_run_the_tools_say_that_they_need_one() -> None:
    with pytest.raises(RunError, match="no tool is being performed here"):
        search_documents.function("anything")


def test_what_the_tools_declare() -> None:
    search, add = search_documents.declaration, index_documents.declaration
    assert (search.effect, search.trusted, search.parameters["required"]) == ("pure", False, ["query"])
    assert (add.effect, add.parameters["required"]) == ("idempotent", ["folder"])
    assert search_documents.isolation == index_documents.isolation == "thread"


@pytest.mark.parametrize("kind", [Passage, IndexReport, CollectionStats, Quote])
def test_messages_come_back_from_json_as_they_were(kind: type, performing: ToolContext, folder: Path) -> None:
    del folder
    made: dict[type, Callable[[], object]] = {
        Passage: lambda: search_documents.function("limit")[0],
        IndexReport: lambda: index_documents.function("docs"),
        CollectionStats: lambda: CollectionStats("c", "/f", 1, 2, 3),
        Quote: lambda: Quote("a.md", 0, 1, "x"),
    }
    index_documents.function("docs")
    value = made[kind]()
    assert codec(kind).decode(codec(kind).encode(value)) == value
    assert codec(kind).frozen
