"""Search: the right passages first, whatever is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentops.errors import DocumentError, InvalidInput
from agentops.retrieval.index import Index
from agentops.retrieval.search import query_words

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
QUESTIONS = [tuple(entry) for entry in json.loads((HERE / "questions.json").read_text("utf-8"))]

RECALL_AT_1 = 0.87
"""Measured: 22 of 24."""
RECALL_AT_5 = 0.95
"""Measured: 24 of 24. The floors leave room for one question: a change that costs more is a change for the worse."""


def ranks(index: Index) -> dict[str, int]:
    """For each question, the rank of the first passage that holds its answer; 0: not among ten."""
    found = {}
    for question, document, answer in QUESTIONS:
        passages = index.search(question, 10)
        held = [at for at, one in enumerate(passages, 1) if one.document == document and answer in one.text]
        found[question] = held[0] if held else 0
    return found


def test_questions_find_the_passage_that_answers_them(index: Index) -> None:
    index.add(CORPUS)
    found = ranks(index)
    missed = {question: rank for question, rank in found.items() if rank != 1}
    assert sum(rank == 1 for rank in found.values()) / len(found) >= RECALL_AT_1, missed
    assert sum(1 <= rank <= 5 for rank in found.values()) / len(found) >= RECALL_AT_5, missed


def test_the_questions_can_be_answered_from_the_corpus_at_all() -> None:
    for _, document, answer in QUESTIONS:
        source = (CORPUS / document).read_text("utf-8")
        assert answer in " ".join(source.split()) or answer in source


def test_every_passage_is_a_slice_of_its_file(index: Index) -> None:
    """For Markdown and text, offsets count in the file itself."""
    index.add(CORPUS)
    for question, _, _ in QUESTIONS:
        for one in index.search(question, 20):
            assert one.id == f"{one.document}:{one.start}-{one.end}"
            assert one.text == index.quote(None, one.document, one.start, one.end).text
            if not one.document.endswith(".html"):
                assert (CORPUS / one.document).read_text("utf-8")[one.start : one.end] == one.text


def test_results_do_not_depend_on_other_collections(index: Index, folder: Path) -> None:
    """What is rare is counted within one collection."""
    name = index.add(folder).collection
    before = index.search("limit requests month", 10, name)
    index.add(CORPUS)
    assert index.search("limit requests month", 10, name) == before


def test_equals_are_ordered_by_document_and_place(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "same"
    docs.mkdir()
    for name in ("c.md", "a.md", "b.md"):
        (docs / name).write_text("# X\n\nThe pump works.\n\n# X\n\nThe pump works.\n")
    index.add(docs)
    (docs / "a.md").write_text("# X\n\nThe pump works.\n\n# X\n\nThe pump works.\n\n")
    index.add(docs)
    found = index.search("pump", 6)
    assert [(one.document, one.start) for one in found] == [(d, s) for d in ("a.md", "b.md", "c.md") for s in (5, 27)]


def test_words_are_found_by_stem_without_diacritics_and_in_headings(index: Index, tmp_path: Path) -> None:
    docs = tmp_path / "d"
    docs.mkdir()
    (docs / "a.md").write_text("# Refunds\n\nCafés receive 1,000 euros back in instalments.\n", "utf-8")
    (docs / "b.md").write_text("# Elsewhere\n\nNothing here, 数据中心在挪威。\n", "utf-8")
    index.add(docs)
    for query in ("refund", "cafe", "CAFÉ", "1000", "1,000", "received installing instalment"):
        assert [one.document for one in index.search(query)] == ["a.md"], query
    assert [one.document for one in index.search("数据")] == ["b.md"]
    assert [one.document for one in index.search("a.md elsewhere")] == ["b.md"]


def test_a_search_can_keep_to_a_document_or_spread_over_many(index: Index) -> None:
    index.add(CORPUS)
    query = "cost of the edition a month in euros, invoices and late payment"
    assert {one.document for one in index.search(query, 20, document="pricing.md")} == {"pricing.md"}
    documents = [one.document for one in index.search(query, 5, per_document=1)]
    assert len(set(documents)) == len(documents) == 5
    assert index.search(query, 20, document="nothing.md") == []


@pytest.mark.parametrize(
    "query",
    [
        '"pump', "pump*", "NEAR(limit, 2)", "body:limit", "heading : limit", "limit AND", "NOT limit", "OR OR limit",
        "^limit", "limit)) --", "'; DROP TABLE passages; --", "{limit}", "limit\0", "li\ud800mit limit",
        "-limit +limit", "\\limit", "limit" * 50_000 + " limit", "limit " * 200_000,
    ],
)  # fmt: skip
def test_a_query_is_words_and_never_syntax(index: Index, folder: Path, query: str) -> None:
    index.add(folder)
    found = index.search(query)
    assert all(one.text for one in found)
    if "limit" in query_words(query):
        assert found[0].document == "guide.md"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.text(), st.integers(1, 200))
def test_any_query_is_answered_or_refused(index: Index, folder: Path, query: str, limit: int) -> None:
    if not index.stats():
        index.add(folder)
    refused = ""
    try:
        found = index.search(query, limit)
    except InvalidInput as error:
        refused, found = error.what, []
    assert len(found) <= limit
    assert not refused or "holds no word" in refused


@pytest.mark.parametrize("query", ["", "   ", "?!", "***", '""', "\n\0"])
def test_a_query_without_a_word_is_an_error(index: Index, folder: Path, query: str) -> None:
    index.add(folder)
    with pytest.raises(InvalidInput, match=r"holds no word to look for(.|\n)*at least one word"):
        index.search(query)


def test_stop_words_are_looked_for_only_where_there_is_nothing_else() -> None:
    assert query_words("what is the limit of it") == ["limit"]
    assert query_words("who are we") == ["who", "are", "we"]


def test_a_very_long_query_is_cut_not_refused() -> None:
    assert len(query_words(" ".join(f"w{number}" for number in range(200_000)))) == 48


@pytest.mark.parametrize("limit", [0, -1, 201])
def test_a_limit_has_limits(index: Index, folder: Path, limit: int) -> None:
    index.add(folder)
    with pytest.raises(InvalidInput, match=f"limit is {limit}; a search gives 1 to 200"):
        index.search("limit", limit)


def test_the_only_collection_needs_no_name(index: Index, folder: Path) -> None:
    with pytest.raises(DocumentError, match=r"no documents are indexed(.|\n)*agentops index add FOLDER"):
        index.search("limit")
    name = index.add(folder).collection
    assert (
        index.search("limit") == index.search("limit", collection="default") == index.search("limit", collection=name)
    )
    with pytest.raises(InvalidInput, match=r"no collection is called 'other'(.|\n)*There is: docs-"):
        index.search("limit", collection="other")
    index.add(CORPUS)
    with pytest.raises(InvalidInput, match=r"there are 2 collections(.|\n)*Name one of: corpus-.*, docs-"):
        index.search("limit")
