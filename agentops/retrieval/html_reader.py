"""HTML: what a reader of the page sees, written down as Markdown.

Headings, lists, tables, code and paragraphs keep their form; scripts, styles, navigation and forms are left out.
`html.parser` of the standard library never fails on tag soup and needs no time beyond linear, which is why no larger
library is used.
"""

from __future__ import annotations

import codecs
import re
from html.parser import HTMLParser
from typing import Final

__all__ = ["declared_encoding", "html_text"]

_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_NEVER_SHOWN: Final = frozenset({"script", "style", "noscript", "template"})
_LEFT_OUT: Final = _NEVER_SHOWN.union("nav svg math iframe object select button textarea canvas audio video".split())
_BREAKS: Final = frozenset(
    """
    p div section article main header footer aside blockquote ul ol dl dt dd figure figcaption address details
    summary fieldset table thead tbody tfoot caption hr body html
    """.split(),
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}


def declared_encoding(data: bytes) -> str:
    """The encoding that the page says it has, where Python knows it; else UTF-8."""
    match = _CHARSET.search(data[:2048])
    if match:
        try:
            name = codecs.lookup(match.group(1).decode("ascii")).name
            b"".decode(name)
        except (LookupError, ValueError):
            return "utf-8"
        # A page whose first bytes read as ASCII is not UTF-16, whatever it says (the HTML standard has the same rule).
        return "utf-8" if name.startswith("utf-") else name
    return "utf-8"


def html_text(source: str) -> tuple[str, str]:
    """Title and text of a page. The title is that of its ``<title>``, or empty."""
    writer = _written(source, _LEFT_OUT)
    if writer.unclosed:  # a tag that hides what is in it and never ends: believe only those that must hide it
        writer = _written(source, _NEVER_SHOWN)
    return " ".join(writer.title.split()), "\n\n".join(writer.done).replace("\n\n- ", "\n- ") + "\n"


def _written(source: str, left_out: frozenset[str]) -> _Writer:
    writer = _Writer(left_out)
    writer.feed(source)
    writer.close()
    writer.flush()
    return writer


class _Writer(HTMLParser):
    """Collects the text of one block at a time; ``done`` holds the blocks written."""

    def __init__(self, left_out: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._hiding = left_out
        self.title = ""
        self.done: list[str] = []
        self._text: list[str] = []
        self._prefix = ""
        self._left_out: list[str] = []
        self._in_title = False
        self._pre = 0
        self._rows: list[str] = []
        self._cells: list[str] = []
        self._in_cell = False

    @property
    def unclosed(self) -> bool:
        """Whether the page ended inside something that is left out."""
        return bool(self._left_out)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag opens."""
        if tag == "title":
            self._in_title = True
        elif tag == "body":
            self._in_title = False
        if self._left_out or tag in self._hiding:
            if tag in self._hiding:
                self.flush()
                self._left_out.append(tag)
            return
        if tag == "br":
            self._text.append("\n" if self._pre else " ")
        elif tag == "img":
            self._text.append(dict(attrs).get("alt") or "")
        elif tag in {"td", "th", "tr"}:
            self._shut_cell()
            if tag == "tr":
                self._shut_row()
            self._in_cell = tag != "tr"
        elif not self._in_cell:
            self._open_block(tag)

    def _open_block(self, tag: str) -> None:
        if tag in _HEADINGS:
            self.flush()
            self._prefix = "#" * _HEADINGS[tag] + " "
        elif tag == "li":
            self.flush()
            self._prefix = "- "
        elif tag == "pre":
            self.flush()
            self._pre += 1
        elif tag in _BREAKS:
            self._shut_block()

    def _shut_block(self) -> None:
        """A block ends; the first paragraph in a list item still belongs to the item."""
        if "".join(self._text).strip():
            self.flush()

    def handle_endtag(self, tag: str) -> None:
        """A tag closes; one that was never opened changes nothing."""
        if tag == "title":
            self._in_title = False
        if self._left_out:
            if tag in self._left_out:
                while self._left_out.pop() != tag:
                    pass
        elif tag in {"td", "th"}:
            self._shut_cell()
        elif tag == "tr":
            self._shut_cell()
            self._shut_row()
        elif tag == "table":
            self._shut_table()
        elif tag == "pre":
            self.flush()
            self._pre = max(0, self._pre - 1)
        elif not self._in_cell and (tag in _HEADINGS or tag == "li" or tag in _BREAKS):
            self.flush()

    def handle_data(self, data: str) -> None:
        """Text between tags, its entities resolved."""
        if self._in_title:
            self.title += data
        elif not self._left_out:
            self._text.append(data)

    def flush(self) -> None:
        """Write the block that is being collected, if it holds anything."""
        raw = "".join(self._text)
        self._text.clear()
        if self._pre and raw.strip():
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", raw)), default=0))
            self.done.append(f"{fence}\n{raw.strip(chr(10)).rstrip()}\n{fence}")
        elif text := " ".join(raw.split()):
            self.done.append(self._prefix + text)
        self._prefix = ""

    def _shut_cell(self) -> None:
        if self._in_cell:
            self._cells.append(" ".join("".join(self._text).split()).replace("|", "/"))
            self._text.clear()
        else:
            self.flush()
        self._in_cell = False

    def _shut_row(self) -> None:
        if any(self._cells):
            self._rows.append("| " + " | ".join(self._cells) + " |")
        self._cells.clear()

    def _shut_table(self) -> None:
        self._shut_cell()
        self._shut_row()
        if self._rows:
            self.done.append("\n".join(self._rows))
        self._rows.clear()

    def close(self) -> None:
        """The page ends: what is still open ends with it."""
        super().close()
        self._shut_table()
