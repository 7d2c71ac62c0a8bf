"""PDF: pages, paragraphs, and files that cannot be read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentops.errors import DocumentError
from agentops.retrieval.pdf_reader import paragraphs
from agentops.retrieval.readers import extract
from agentops.retrieval.split import split
from tests.retrieval.pdf_files import encrypted, pdf_file

pytest.importorskip("pypdf", reason="PDF is an extra")

PAGES = [
    ["Introduction", "The pump moves 40 litres an hour, and never", "stops."],
    [],
    ["Second text, after a blank page."],
]


def test_a_pdf_gives_its_pages_text_and_says_which_page() -> None:
    found = extract(pdf_file(PAGES, "The pump"), "pump.pdf")
    assert found.title == "The pump"
    pieces = [(piece.heading, found.text[piece.start : piece.end]) for piece in split(found)]
    assert pieces == [
        ("page 1", "Introduction\n\nThe pump moves 40 litres an hour, and never\nstops."),
        ("page 3", "Second text, after a blank page."),
    ]


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (
            "Head\nA line that runs to the margin here\nand ends.\nNext paragraph runs on to the margin",
            "Head\n\nA line that runs to the margin here\nand ends.\n\nNext paragraph runs on to the margin",
        ),
        ("a trans-\nport of goods", "a transport of goods"),
        ("the UN-\nResolution of it", "the UN-\nResolution of it"),
        ("\n\n", ""),
    ],
)
def test_lines_are_put_back_together_into_paragraphs(page: str, text: str) -> None:
    assert paragraphs(page) == text


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it is not a PDF that can be read"),
        (b"%PDF-1.7\nnonsense", "it is not a PDF that can be read"),
        (pdf_file(PAGES)[:300], "it is not a PDF that can be read"),
        (pdf_file([[], []]), "it holds no text \\(scanned pages need text recognition first\\)"),
    ],
)
def test_a_broken_or_empty_pdf_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        extract(data, "a.pdf")


def test_an_encrypted_pdf_is_refused_unless_its_password_is_empty() -> None:
    with pytest.raises(DocumentError, match="it is encrypted and needs a password"):
        extract(encrypted(pdf_file(PAGES), "secret"), "a.pdf")
    assert "40 litres" in extract(encrypted(pdf_file(PAGES), ""), "a.pdf").text


def test_without_pypdf_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(DocumentError, match=r"need the extra `pdf`(.|\n)*pip install 'agentops-runtime\[pdf\]'"):
        extract(pdf_file(PAGES), "a.pdf")


def test_pypdf_and_sqlite_utils_are_imported_only_when_used() -> None:
    code = "import sys, agentops.retrieval; sys.exit(any(n in sys.modules for n in ('pypdf', 'sqlite_utils')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
