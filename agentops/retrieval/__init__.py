"""Retrieval: from a folder of documents to passages that can be cited.

What lives here: readers (Markdown, text, HTML, PDF), the split into passages, the index in SQLite with FTS5, and the
two tools that agents use. It may import the supervisor's layer and what lies below it; it must never import models,
tools, the journal or observe, and never hand out text that is not a slice of a document's extracted text.

::

    with Index.open(path) as index:
        report = index.add(Path("docs"))
        for passage in index.search("How are invoices paid?", collection=report.collection):
            ...

A *document* is named by its path relative to the indexed folder. Its *extracted text* is, for Markdown and plain
text, the file decoded with line ends made newlines; for HTML and PDF, what a reader sees. A *citation* is (document,
start, end): offsets in characters of the extracted text, which the index keeps, so that a citation can be checked
even when the file has changed or gone.
"""

from __future__ import annotations

from agentops.retrieval.index import Index, collection_name
from agentops.retrieval.passages import Citation, CollectionStats, IndexReport, Passage, Quote, Skipped
from agentops.retrieval.tools import INDEX_FILE, index_documents, search_documents

__all__ = [
    "INDEX_FILE",
    "Citation",
    "CollectionStats",
    "Index",
    "IndexReport",
    "Passage",
    "Quote",
    "Skipped",
    "collection_name",
    "index_documents",
    "search_documents",
]
