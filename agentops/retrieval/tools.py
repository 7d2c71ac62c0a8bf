"""The tools by which agents use documents. Both are plain functions, so that they run in a worker thread."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agentops.kernel.tool import tool, tool_context
from agentops.retrieval.index import Index
from agentops.retrieval.passages import IndexReport, Passage

__all__ = ["INDEX_FILE", "index_documents", "search_documents"]

INDEX_FILE: Final = "documents.db"
"""The index's file in the workspace's data folder."""


@tool(effect="idempotent", timeout=1800.0)
def index_documents(folder: str) -> IndexReport:
    """Index a folder of documents (Markdown, text, HTML, PDF), so that search_documents finds passages in it.

    folder: the folder's path; a relative one counts from the workspace. Returns the collection's name to search in,
    and a report of what was read and what was skipped. Documents that did not change are not read again.
    """
    context = tool_context()
    with Index.open(context.data / INDEX_FILE) as index:
        return index.add(context.workspace / Path(folder).expanduser())


@tool(effect="pure", timeout=60.0)
def search_documents(query: str, limit: int = 8, collection: str = "default") -> list[Passage]:
    """Find the passages of the indexed documents that bear on a query, best first.

    query: a question or keywords. limit: how many passages, 1 to 200. collection: which documents; "default" where
    there is only one collection. Each passage names its document and the characters that it stands at.
    """
    with Index.open(tool_context().data / INDEX_FILE, create=False) as index:
        return index.search(query, limit, collection)
