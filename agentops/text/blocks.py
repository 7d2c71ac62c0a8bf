"""Blocks: the structure that a text shows by its lines, as spans.

One pass over the lines, linear in the length of the text whatever it holds. It reads the part of CommonMark (and of
GitHub's tables) that says where a heading, a paragraph, a list item, code, or a table begins and ends; inline markup
is left alone. Text that is not Markdown has paragraphs, lists and underlined headings all the same.

The scanner is ours because its result must be *offsets* for every block, in passages cut out of their document too,
and because the offline model may use nothing that reads files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

__all__ = ["Block", "BlockKind", "blocks", "heading_title"]

BlockKind = Literal["heading", "paragraph", "item", "quote", "code", "table", "html", "meta", "rule"]
"""``meta``: front matter, comments and link definitions: there for tools, not for readers."""


class Block(NamedTuple):
    """``text[start:end]``: whole lines without the white space behind them. ``level``: of a heading, 1 to 6."""

    kind: BlockKind
    start: int
    end: int
    level: int = 0


class _Line(NamedTuple):
    start: int
    text: str

    @property
    def end(self) -> int:
        return self.start + len(self.text.rstrip())

    @property
    def blank(self) -> bool:
        return not self.text or self.text.isspace()


_ATX: Final = re.compile(r" {0,3}(#{1,6})(?:[ \t]|$)")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_RULE: Final = re.compile(r" {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_FENCE: Final = re.compile(r"[ \t]*(`{3,}|~{3,})(.*)", re.DOTALL)
_ITEM: Final = re.compile(r"[ \t]*(?:[-*+\u2022]|\d{1,9}[.)])[ \t]+(?=\S)")
_QUOTE: Final = re.compile(r" {0,3}>")
_INDENT: Final = re.compile(r"(?: {4}| {0,3}\t)")
_HTML: Final = re.compile(r" {0,3}</?[A-Za-z][A-Za-z0-9-]*(?:[\s/>]|$)")
_DEFINITION: Final = re.compile(r" {0,3}\[[^\]\n]{1,200}\]:[ \t]*\S")
_CODE_CHARACTERS: Final = re.compile(r"[{}();=<>$`\\]|::|^\s*[#/]")
_PROSE_WORDS: Final = 5
_DELIMITER: Final = frozenset("|:- \t\r")


def blocks(text: str, *, markdown: bool = True) -> list[Block]:
    """The blocks of a text in order, none overlapping; what lies between them is white space.

    ``markdown=False`` is for plain text: fences, ``#``, indented code, tags and comments then mean nothing.
    """
    return _Scanner(text, markdown=markdown).scan()


def heading_title(text: str, block: Block) -> str:
    """What a heading says: without ``#``, underline, emphasis and link targets, on one line."""
    lines = text[block.start : block.end].split("\n")
    if len(lines) > 1 and _UNDERLINE.match(lines[-1]):
        lines = lines[:-1]
    title = " ".join(" ".join(lines).split())
    if _ATX.match(title):
        title = title.lstrip("#").strip()
        shut = title.rstrip("#")
        title = shut.strip() if shut != title and shut[-1:] in {"", " "} else title
    title = re.sub(r"!?\[([^\]]{0,200})\]\([^)]{0,500}\)", r"\1", title)
    return title.replace("**", "").replace("`", "").strip()


def item_marker(line: str) -> int:
    """The length of a list item's marker with the white space around it; 0: not an item."""
    match = _ITEM.match(line)
    return match.end() if match else 0


def _lines(text: str) -> Iterator[_Line]:
    at = 0
    while at <= len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        yield _Line(at, text[at:end])
        at = end + 1


class _Scanner:
    """Walks the lines once. ``open`` is the paragraph, item or quote that the next line may continue."""

    def __init__(self, text: str, *, markdown: bool) -> None:
        self.lines = list(_lines(text))
        self.markdown = markdown
        self.found: list[Block] = []
        self.open: tuple[BlockKind, int, int] | None = None
        self.at = 0

    def scan(self) -> list[Block]:
        if self.markdown:
            self._front_matter()
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.blank:
                self._shut()
                self.at += 1
            elif not self._underline(line) and not self._whole(line):
                self._prose(line)
        self._shut()
        return self.found

    def _shut(self) -> None:
        if self.open:
            kind, first, last = self.open
            self._emit(kind, first, last)
            self.open = None

    def _emit(self, kind: BlockKind, first: int, last: int, level: int = 0) -> None:
        """A block of the lines ``first`` to ``last``; blank lines at its end are not part of it."""
        while last > first and self.lines[last].blank:
            last -= 1
        start = self.lines[first].start
        if kind != "code":
            start += len(self.lines[first].text) - len(self.lines[first].text.lstrip())
        self.found.append(Block(kind, start, self.lines[last].end, level))

    def _take(self, kind: BlockKind, last: int, level: int = 0) -> bool:
        """Shut what is open and make a block from here to line ``last``."""
        self._shut()
        self._emit(kind, self.at, min(last, len(self.lines) - 1), level)
        self.at = min(last, len(self.lines) - 1) + 1
        return True

    def _front_matter(self) -> None:
        if self.lines[0].text.rstrip() != "---":
            return
        for number, line in enumerate(self.lines[1:200], start=1):
            if line.text.rstrip() in {"---", "..."}:
                self._take("meta", number)
                return

    def _underline(self, line: _Line) -> bool:
        """An underline turns the open paragraph into a heading."""
        match = _UNDERLINE.match(line.text)
        if not (match and self.open and self.open[0] == "paragraph"):
            return False
        if not self.markdown and len(match.group(1)) < 3:
            return False
        first = self.open[1]
        self.open = None
        self._emit("heading", first, self.at, 1 if match.group(1)[0] == "=" else 2)
        self.at += 1
        return True

    def _whole(self, line: _Line) -> bool:
        """Blocks that a single look at their first line decides."""
        text = line.text
        if self.markdown:
            if heading := _ATX.match(text):
                return self._take("heading", self.at, len(heading.group(1)))
            if self._fence(text) or self._indented(text) or self._markup(text):
                return True
        if _RULE.match(text):
            return self._take("rule", self.at)
        return self._table(text)

    def _fence(self, text: str) -> bool:
        match = _FENCE.match(text)
        if not match or (match.group(1)[0] == "`" and "`" in match.group(2)):
            return False
        mark = match.group(1)
        for number in range(self.at + 1, len(self.lines)):
            shut = self.lines[number].text.strip()
            if len(shut) >= len(mark) and not shut.strip(mark[0]):
                return self._take("code", number)
        return self._take("code", len(self.lines) - 1)

    def _indented(self, text: str) -> bool:
        """Indented code: not inside a paragraph or a list, and not prose that somebody indented."""
        in_list = bool(self.found) and self.found[-1].kind == "item"
        if self.open or in_list or not _INDENT.match(text):
            return False
        if len(text.split(None, _PROSE_WORDS)) > _PROSE_WORDS and not _CODE_CHARACTERS.search(text):
            return False
        last = self.at
        while last + 1 < len(self.lines) and (self.lines[last + 1].blank or _INDENT.match(self.lines[last + 1].text)):
            last += 1
        return self._take("code", last)

    def _markup(self, text: str) -> bool:
        """Comments, tags and link definitions; inside a paragraph, tags are part of it."""
        if text.lstrip().startswith("<!--"):
            last = self.at
            while last < len(self.lines) and "-->" not in self.lines[last].text:
                last += 1
            return self._take("meta", last)
        if self.open:
            return False
        if _DEFINITION.match(text):
            return self._take("meta", self.at)
        if not _HTML.match(text):
            return False
        last = self.at
        while last + 1 < len(self.lines) and not self.lines[last + 1].blank:
            last += 1
        return self._take("html", last)

    def _table(self, text: str) -> bool:
        """Rows between bars, or any row above a row of dashes and bars."""
        bars = text.lstrip().startswith("|") and text.count("|") > 1
        if not bars:
            following = self.lines[self.at + 1].text if self.at + 1 < len(self.lines) else ""
            ruled = "|" in following and "-" in following and _DELIMITER.issuperset(following)
            if not (ruled and "|" in text):
                return False
        last = self.at
        while last + 1 < len(self.lines) and "|" in self.lines[last + 1].text:
            last += 1
        return self._take("table", last)

    def _prose(self, line: _Line) -> None:
        """A line that begins an item, a quote or a paragraph, or goes on with the open one."""
        kind: BlockKind = "paragraph"
        if _ITEM.match(line.text):
            kind = "item"
        elif _QUOTE.match(line.text):
            kind = "quote"
        goes_on = self.open and kind != "item" and (kind == self.open[0] or kind == "paragraph")
        if self.open and goes_on:
            self.open = (self.open[0], self.open[1], self.at)
        else:
            self._shut()
            self.open = (kind, self.at, self.at)
        self.at += 1
