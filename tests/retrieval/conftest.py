"""An index of its own for each test, and a small folder of documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentops.retrieval.index import Index

DOCUMENTS = {
    "guide.md": "# Guide\n\nThe limit is 500 requests per minute.\n\n## Billing\n\nInvoices are paid monthly.\n",
    "faq.txt": "Can I cancel? Yes, at the end of any month.\n",
    "sub/page.html": "<title>Page</title><h1>Contact</h1><p>Write to the harbour office &amp; wait.</p>",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in DOCUMENTS.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return tmp_path / "docs"


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "data" / "documents.db") as opened:
        yield opened
