"""HTML: what a reader of the page sees, written down as Markdown.

Headings, lists, tables, code and paragraphs keep their form; scripts, styles, navigation and controls are left out.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from agentops.retrieval.html_tokens import Tag, tokens

__all__ = ["declared_encoding", "html_text"]

_CHARSET: Final = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_NEVER_SHOWN: Final = frozenset({"noscript", "template"})
_LEFT_OUT: Final = _NEVER_SHOWN.union("nav svg math iframe object select button textarea canvas audio video".split())
_BREAKS: Final = frozenset(
    """
    p div section article main header footer aside blockquote ul ol dl dt dd figure figcaption address details summary
    form fieldset table thead tbody tfoot caption hr body html
    """.split(),
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_CELLS: Final = frozenset({"td", "th"})


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
    writer = _Writer(_LEFT_OUT)
    writer.write(source)
    if writer.hidden:  # something that hides what is in it never ended: believe only those that must hide it
        writer = _Writer(_NEVER_SHOWN)
        writer.write(source)
    return " ".join(writer.title.split()), "\n\n".join(writer.done).replace("\n\n- ", "\n- ") + "\n"


class _Writer:
    """Collects the text of one block at a time; ``done`` holds the blocks written."""

    def __init__(self, left_out: frozenset[str]) -> None:
        self.title = ""
        self.done: list[str] = []
        self.hidden = ""
        """The element that is being left out."""
        self._left_out = left_out
        self._depth = 0
        self._text: list[str] = []
        self._prefix = ""
        self._in_title = False
        self._pre = 0
        self._rows: list[str] = []
        self._cells: list[str] = []
        self._in_cell = False

    def write(self, source: str) -> None:
        """Read the whole page."""
        for token in tokens(source):
            if isinstance(token, str):
                self._data(token)
            elif self.hidden:
                self._hide(token)
            elif token.closing:
                self._close(token.name)
            else:
                self._open(token)
        self._shut_table()
        self._flush()

    def _data(self, text: str) -> None:
        if self._in_title:
            self.title = text
            self._in_title = False
        elif not self.hidden:
            self._text.append(text)

    def _hide(self, tag: Tag) -> None:
        """Inside what is left out only its own end matters."""
        if tag.name == self.hidden and not tag.empty:
            self._depth += -1 if tag.closing else 1
            if not self._depth:
                self.hidden = ""

    def _open(self, tag: Tag) -> None:
        name = tag.name
        if name in self._left_out:
            if not tag.empty:
                self.hidden, self._depth = name, 1
        elif name == "title":
            self._in_title = not (self.title or tag.empty)
        elif name == "br":
            self._text.append("\n" if self._pre else " ")
        elif name == "img":
            self._text.append(f" {tag.alt} " if tag.alt else "")
        elif name in _CELLS or name == "tr":
            self._shut_cell()
            if name == "tr":
                self._shut_row()
            self._in_cell = name in _CELLS
        elif self._in_cell:
            self._text.append(" " if name in _BREAKS or name in _HEADINGS or name == "li" else "")
        elif name in _HEADINGS:
            self._flush()
            self._prefix = "#" * _HEADINGS[name] + " "
        elif name == "li":
            self._flush()
            self._prefix = "- "
        elif name == "pre":
            self._flush()
            self._pre += 1
        elif name in _BREAKS:
            self._flush(keep_prefix=True)

    def _close(self, name: str) -> None:
        """An element ends; one that was never opened changes nothing."""
        if name == "title":
            self._in_title = False
        elif name in _CELLS:
            self._shut_cell()
        elif name == "tr":
            self._shut_cell()
            self._shut_row()
        elif name == "table":
            self._shut_table()
        elif self._in_cell:
            self._text.append(" " if name in _BREAKS or name in _HEADINGS or name == "li" else "")
        elif name == "pre":
            self._flush()
            self._pre = max(0, self._pre - 1)
        elif name in _HEADINGS or name == "li" or name in _BREAKS:
            self._flush()

    def _flush(self, *, keep_prefix: bool = False) -> None:
        """Write the block that is being collected, if it holds anything.

        ``keep_prefix``: a paragraph that opens a list item does not end the item.
        """
        raw = "".join(self._text)
        self._text.clear()
        written = True
        if self._pre and raw.strip():
            fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", raw)), default=0))
            self.done.append(f"{fence}\n{raw.strip(chr(10)).rstrip()}\n{fence}")
        elif text := " ".join(raw.split()):
            self.done.append(self._prefix + text)
        else:
            written = False
        if written or not keep_prefix:
            self._prefix = ""

    def _shut_cell(self) -> None:
        if self._in_cell:
            self._cells.append(" ".join("".join(self._text).split()).replace("|", "/"))
            self._text.clear()
        else:
            self._flush()
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
