"""Readers: from a file's bytes to extracted text with its structure.

Each reader gives an `Extracted`: the text that citations count in, and the blocks of that text. Markdown and plain
text are extracted as they stand; HTML is written down as Markdown, so that one scanner reads the structure of all.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from agentops.errors import DocumentError
from agentops.text import Block, blocks, heading_title

__all__ = ["READABLE", "READER_VERSION", "Extracted", "clean", "decode_text", "extract"]

READER_VERSION: Final = 1
"""Part of every content hash: raise it when extraction or splitting changes, and everything is read again."""


class Extracted(NamedTuple):
    """A document as it was read."""

    text: str
    title: str
    blocks: list[Block]
    marks: tuple[tuple[int, str], ...] = ()
    """Places where something begins that headings do not say, by offset: the pages of a PDF."""
    damage: str = ""
    """What was lost in reading; empty: nothing."""


_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MAX_REPLACED: Final = 0.1
"""The part of a text's characters that may be undecodable before it no longer counts as text."""
_MAX_CONTROLS: Final = 0.02
_CONTROLS: Final = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_NEWLINES: Final = re.compile(r"\r\n?")
_SURROGATES: Final = re.compile(r"[\x00\ud800-\udfff]")
_TITLE: Final = re.compile(r"^title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE)


def extract(data: bytes, name: str) -> Extracted:
    """Read a document by the ending of its name. `DocumentError` (fact ``reason``) where that cannot be done."""
    reader = READABLE.get(PurePosixPath(name).suffix.lower())
    if reader is None:
        reason = "files of this kind are not read"
        raise DocumentError(f"{name}: {reason}", reason=reason)
    try:
        found = reader(data, name)
    except DocumentError as error:
        raise DocumentError(f"{name}: {error.what}", hint=error.hint, reason=error.what) from error
    if not found.text.strip():
        reason = "it holds no text"
        raise DocumentError(f"{name}: {reason}", reason=reason)
    return found


def clean(text: str) -> str:
    """Line ends as newlines; what SQLite and JSON cannot hold (NUL, lone surrogates) as U+FFFD."""
    return _SURROGATES.sub("\ufffd", _NEWLINES.sub("\n", text))


def decode_text(data: bytes, encoding: str = "utf-8") -> tuple[str, str]:
    """Text and damage. A byte-order mark decides; else ``encoding``, with U+FFFD for what does not decode.

    `DocumentError` for what is not text: NUL bytes, or too much that is undecodable or unprintable.
    """
    for mark, marked in _BOMS:
        if data.startswith(mark):
            encoding, data = marked, data[len(mark) :]
            break
    else:
        if b"\0" in data:
            msg = "it is binary (it holds NUL bytes)"
            raise DocumentError(msg)
    text = data.decode(encoding, errors="replace")
    lost = text.count("\ufffd")
    unprintable = len(_CONTROLS.findall(text))
    if lost > len(text) * _MAX_REPLACED or unprintable > len(text) * _MAX_CONTROLS:
        msg = f"it is binary, or not {encoding} text"
        raise DocumentError(msg)
    damage = f"characters that are not valid {encoding}, shown as \ufffd: {lost}" if lost else ""
    return clean(text), damage


def _read_markdown(data: bytes, name: str) -> Extracted:
    text, damage = decode_text(data)
    found = blocks(text)
    return Extracted(text, _title(text, found, name), found, damage=damage)


def _read_plain(data: bytes, name: str) -> Extracted:
    text, damage = decode_text(data)
    found = blocks(text, markdown=False)
    return Extracted(text, _title(text, found, name), found, damage=damage)


def _read_html(data: bytes, name: str) -> Extracted:
    from agentops.retrieval.html_reader import declared_encoding, html_text

    source, damage = decode_text(data, declared_encoding(data))
    title, written = html_text(source)
    text = clean(written)
    found = blocks(text)
    return Extracted(text, title or _title(text, found, name), found, damage=damage)


def _read_pdf(data: bytes, name: str) -> Extracted:
    from agentops.retrieval.pdf_reader import pdf_text

    title, pages, damage = pdf_text(data)
    text, marks = "", []
    for number, page in enumerate(pages, start=1):
        if not page.strip():
            continue
        marks.append((len(text), f"page {number}"))
        text += clean(page).strip("\n") + "\n\n"
    found = blocks(text, markdown=False)
    return Extracted(text, title or stem_of(name), found, tuple(marks), damage)


def _title(text: str, found: list[Block], name: str) -> str:
    """The front matter's title, else the first heading of the highest level used, else the file's name."""
    if found and found[0].kind == "meta" and (match := _TITLE.search(text, found[0].start, found[0].end)):
        return match.group(1).strip().strip("\"'")
    headings = [block for block in found if block.kind == "heading"]
    if headings:
        first = min(headings[:3], key=lambda block: block.level)
        return heading_title(text, first) or stem_of(name)
    return stem_of(name)


def stem_of(name: str) -> str:
    """A title from a file's name: ``billing-faq_2024.md`` is ``billing faq 2024``."""
    return re.sub(r"[-_.\s]+", " ", PurePosixPath(name).stem).strip()


_Reader = Callable[[bytes, str], Extracted]
READABLE: Final[Mapping[str, _Reader]] = (
    dict.fromkeys((".md", ".markdown", ".mdown", ".mkd", ".qmd"), _read_markdown)
    | dict.fromkeys(("", ".txt", ".text", ".rst", ".adoc", ".org", ".log"), _read_plain)
    | dict.fromkeys((".html", ".htm", ".xhtml"), _read_html)
    | {".pdf": _read_pdf}
)
"""Which endings are read, and by what. A file without an ending (README, LICENSE) is plain text."""
