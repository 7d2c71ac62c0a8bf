"""HTML as a stream of tags and text, in linear time.

The tokenizer of the HTML standard, as far as a reader of text needs it: tags, comments, raw text, character
references. What is never closed (a tag, a comment) swallows the rest of the page, as it does in a browser.

It is ours because of hostile pages: `html.parser`, in patch releases of Pythons supported here, needs quadratic time
for what is opened and never closed (800 KB of ``<!--`` took it 280 seconds), and a document must not be able to hang
whoever indexes it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple

__all__ = ["Tag", "tokens"]


class Tag(NamedTuple):
    """``<name ...>`` or ``</name>``, its name in lowercase."""

    name: str
    closing: bool = False
    empty: bool = False
    """Written ``<name/>``."""
    alt: str = ""
    """Of an image: what stands for it in text."""


# After a name come attributes; a quote opens a value only behind "=", and only there does it hide a ">".
_TAG: Final = re.compile(
    r"<(?P<closing>/?)(?P<name>[A-Za-z][^\s/>]*+)(?P<rest>(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|(?![\"'])))*+)>",
)
_ALT: Final = re.compile(r"\salt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_RAW: Final = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style", "title")}


def tokens(source: str) -> Iterator[Tag | str]:
    """The page's tags and the text between them, character references resolved; comments and declarations are gone."""
    xml = source.lstrip()[:5] == "<?xml"
    at = 0
    while at < len(source):
        start = source.find("<", at)
        start = len(source) if start < 0 else start
        if start > at:
            yield html.unescape(source[at:start])
        if start == len(source):
            return
        following = source[start + 1 : start + 2]
        if following in {"!", "?"}:
            at = _after_comment(source, start)
        elif following == "/" or (following.isascii() and following.isalpha()):
            match = _TAG.match(source, start)
            if match is None:
                if following == "/" and not source[start + 2 : start + 3].isalpha():
                    at = _after(source, ">", start)
                    continue
                return
            tag = _tag(match, xml=xml)
            yield tag
            at = match.end()
            if tag.name in _RAW and not tag.closing and not tag.empty:
                at = yield from _raw_text(source, at, tag.name)
        else:
            yield "<"
            at = start + 1


def _tag(match: re.Match[str], *, xml: bool) -> Tag:
    name = match.group("name").lower()
    rest = match.group("rest")
    alt = ""
    if name == "img" and (found := _ALT.search(rest)):
        alt = html.unescape(found.group(1) or found.group(2) or "")
    # In HTML a slash closes nothing; in XHTML, and in the SVG and MathML inside of HTML, it does.
    empty = rest.endswith("/") and (xml or name in {"svg", "math"})
    return Tag(name, bool(match.group("closing")), empty, alt)


def _raw_text(source: str, at: int, name: str) -> Generator[str, None, int]:
    """What stands in an element that holds no tags; the offset of its closing tag. Only a title is told."""
    match = _RAW[name].search(source, at)
    end = match.start() if match else len(source)
    if name == "title":
        yield html.unescape(source[at:end])
    return end


def _after_comment(source: str, start: int) -> int:
    if not source.startswith("<!--", start):
        return _after(source, ">", start)
    if source.startswith(("<!-->", "<!--->"), start):  # short ones are whole
        return _after(source, ">", start)
    return _after(source, "-->", start + 4)


def _after(source: str, mark: str, start: int) -> int:
    end = source.find(mark, start)
    return len(source) if end < 0 else end + len(mark)
