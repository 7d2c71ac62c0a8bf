"""PDF: the text of each page, by pypdf (the extra ``pdf``), with lines put back together into paragraphs.

A PDF knows no paragraphs, only lines at places. Here a line that ends a sentence or a heading well before the right
margin ends a paragraph, and a word that was hyphenated at a line's end is made whole.
"""

from __future__ import annotations

import logging
import re
from io import BytesIO
from typing import TYPE_CHECKING, Final

from agentops.errors import DocumentError

if TYPE_CHECKING:
    from pypdf import PdfReader

__all__ = ["paragraphs", "pdf_text"]

MAX_PAGES: Final = 5_000
_SHORT_LINE: Final = 0.7
"""A line shorter than this part of the page's usual line ends a paragraph, if the next one begins like a new one."""
_HYPHEN: Final = re.compile(r"(?<=[a-z])[-\u00ad]\n(?=[a-z])")
_MISSING: Final = "PDF files need the extra `pdf`, which is not installed"
_INSTALL: Final = "pip install 'agentops-runtime[pdf]'"


def pdf_text(data: bytes) -> tuple[str, list[str], str]:
    """Title (or empty), the text of each page, and damage. `DocumentError` for what cannot be read."""
    try:
        import pypdf
    except ImportError as error:
        raise DocumentError(_MISSING, hint=f"Install it: {_INSTALL}") from error
    # pypdf tells each oddity of a file to its logger; what matters of them ends up in the report.
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    try:
        reader = pypdf.PdfReader(BytesIO(data), strict=False)
        _check(reader)
        title = str(reader.metadata.title or "") if reader.metadata else ""
    except DocumentError:
        raise
    except Exception as error:  # a broken file may make pypdf raise anything; whatever it is, it is told
        msg = f"it is not a PDF that can be read ({type(error).__name__}: {error})"
        raise DocumentError(msg) from error
    pages, lost = _pages(reader)
    if not any(page.strip() for page in pages):
        msg = lost or "it holds no text (scanned pages need text recognition first)"
        raise DocumentError(msg)
    return title.strip(), pages, lost


def _check(reader: PdfReader) -> None:
    """Refuse what needs a password (many PDFs are encrypted under the empty one: open to anybody) or has no end."""
    if reader.is_encrypted and not reader.decrypt(""):
        msg = "it is encrypted and needs a password"
        raise DocumentError(msg)
    if len(reader.pages) > MAX_PAGES:
        msg = f"it has {len(reader.pages):,} pages, and the limit is {MAX_PAGES:,}"
        raise DocumentError(msg)


def _pages(reader: PdfReader) -> tuple[list[str], str]:
    """The text of every page; a page that cannot be read is empty and counted as damage."""
    pages: list[str] = []
    lost: list[int] = []
    for number, page in enumerate(reader.pages, start=1):
        try:
            pages.append(paragraphs(page.extract_text()))
        except Exception:  # noqa: BLE001 - as above; the page is reported as lost
            pages.append("")
            lost.append(number)
    named = ", ".join(map(str, lost[:10])) + (" and others" if len(lost) > 10 else "")
    return pages, f"pages that could not be read: {named}" if lost else ""


def paragraphs(page: str) -> str:
    """The lines of a page with blank lines put in where paragraphs end."""
    text = _HYPHEN.sub("", page.replace("\r\n", "\n").replace("\r", "\n"))
    lines = [line.rstrip() for line in text.split("\n")]
    lengths = sorted(len(line) for line in lines if line.strip())
    if not lengths:
        return ""
    usual = lengths[int(len(lengths) * 0.8)]
    written: list[str] = []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        written.append(line)
        begins = following.lstrip()[:1]
        goes_on = line.endswith((",", ";", "-", "(", "/"))
        if len(line) < usual * _SHORT_LINE and not goes_on and (begins.isupper() or begins.isdigit()):
            written.append("")
    return "\n".join(written)
