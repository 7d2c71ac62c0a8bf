"""Splitting: from a document's blocks to passages of a size that can be read, ranked and cited.

A passage is a run of neighbouring blocks of one section, so that it never crosses a heading, a page, a rule or a
comment. It is filled up to about `TARGET` characters; a block that alone is longer than `LONGEST` is cut, prose between
sentences, code and tables between lines, and what has neither at white space. Passages do not overlap, and every
character of a document that is not white space, a heading, or meant for tools is in exactly one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from agentops.retrieval.readers import Extracted
from agentops.text import Block, heading_title
from agentops.text.sentences import block_sentences

__all__ = ["LONGEST", "TARGET", "Piece", "split"]

TARGET: Final = 800
"""Characters that a passage is filled up to."""
LONGEST: Final = 1_000
"""No passage is longer."""
_SHORTEST: Final = 160
"""A shorter rest is put onto the passage before it, where there is room."""
_HEADING_PATH: Final = 200

_PROSE: Final = frozenset({"paragraph", "item", "quote"})


class Piece(NamedTuple):
    """A passage to be: ``text[start:end]`` under ``heading``."""

    start: int
    end: int
    heading: str


def split(document: Extracted) -> list[Piece]:
    """The passages of a document in order."""
    pieces: list[Piece] = []
    for heading, section in _sections(document):
        atoms = [atom for block in section for atom in _atoms(document.text, block)]
        pieces.extend(Piece(start, end, heading) for start, end in _packed(atoms))
    return pieces


def _sections(document: Extracted) -> Iterator[tuple[str, list[Block]]]:
    """Runs of blocks under one heading path and on one page. A heading with nothing under it stands for itself."""
    path: list[tuple[int, str]] = []
    section: list[Block] = []
    marks = list(document.marks)
    label, bare = "", None
    for block in document.blocks:
        if block.kind in {"meta", "rule"}:  # not shown to readers: no passage may reach across it
            yield _heading(path, label), section
            section = []
            continue
        if marks and block.start >= marks[0][0]:
            yield _heading(path, label), section
            section = []
            while marks and block.start >= marks[0][0]:
                label = marks.pop(0)[1]
        if block.kind != "heading":
            section.append(block)
            bare = None
            continue
        yield _heading(path, label), section
        section = []
        if bare is not None and block.level <= bare.level:
            yield _heading(path[:-1], label), [bare]
        while path and path[-1][0] >= block.level:
            path.pop()
        path.append((block.level, heading_title(document.text, block)))
        bare = block
    yield _heading(path, label), section
    if bare is not None:
        yield _heading(path[:-1], label), [bare]


def _heading(path: list[tuple[int, str]], label: str) -> str:
    titles = [title for _, title in path if title]
    written = " > ".join([*titles, label] if label else titles)
    return written if len(written) <= _HEADING_PATH else written[: _HEADING_PATH - 1] + "\u2026"


def _atoms(text: str, block: Block) -> Iterator[tuple[int, int]]:
    """The block, or, where it is too long, parts that are not."""
    if block.end - block.start <= LONGEST:
        yield block.start, block.end
        return
    if block.kind in _PROSE:
        starts = [block.start, *(sentence.start for sentence in block_sentences(text, block))]
    else:
        starts = [block.start, *_line_starts(text, block)]
    starts = sorted(set(starts))
    for start, end in zip(starts, [*starts[1:], block.end], strict=True):
        yield from _cut(text, start, end)


def _line_starts(text: str, block: Block) -> Iterator[int]:
    at = text.find("\n", block.start, block.end)
    while at >= 0:
        yield at + 1
        at = text.find("\n", at + 1, block.end)


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span without white space around it, in parts of at most `LONGEST`, cut at white space where there is any."""
    start, end = _trimmed(text, start, end)
    while end - start > LONGEST:
        at = next((at for at in range(start + LONGEST, start + TARGET // 2, -1) if text[at].isspace()), start + LONGEST)
        first, last = _trimmed(text, start, at)
        if first < last:
            yield first, last
        start, end = _trimmed(text, at, end)
    if start < end:
        yield start, end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _packed(atoms: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring atoms put together up to `TARGET`, a short rest onto what came before it."""
    packed: list[tuple[int, int]] = []
    for start, end in atoms:
        if packed and end - packed[-1][0] <= TARGET:
            packed[-1] = (packed[-1][0], end)
        else:
            packed.append((start, end))
    if len(packed) > 1:
        (first, _), (start, end) = packed[-2:]
        if end - start < _SHORTEST and end - first <= LONGEST:
            packed[-2:] = [(first, end)]
    return packed
