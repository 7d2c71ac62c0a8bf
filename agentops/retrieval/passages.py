"""What retrieval says to the rest: passages, citations and reports, as messages."""

from __future__ import annotations

from typing import Literal

from agentops.messages import Message

__all__ = ["Citation", "CollectionStats", "IndexReport", "Passage", "Quote", "QuoteState", "Skipped", "passage_id"]

QuoteState = Literal["current", "changed", "gone"]


class Citation(Message, frozen=True):
    """A place in a document: characters ``start`` (included) to ``end`` (not) of its extracted text, from 0."""

    document: str
    start: int
    end: int


class Passage(Message, frozen=True):
    """A passage that was found. ``text`` is exactly ``extracted_text[start:end]`` of its document.

    ``heading`` is the path of headings above it (``Guide > Limits``), or ``page 3`` of a PDF. ``score`` is for
    comparing the results of one search, the higher the better; it means nothing across searches.
    """

    id: str
    document: str
    start: int
    end: int
    text: str
    heading: str = ""
    score: float = 0.0


class Skipped(Message, frozen=True):
    """A file or folder that was not read, or not wholly, and why."""

    document: str
    reason: str


class IndexReport(Message, frozen=True):
    """What indexing a folder came to.

    ``documents`` and ``passages`` count what the collection holds now. ``added`` counts documents that are new,
    ``changed`` those whose content was not the one indexed before, ``removed`` those that are gone, ``unchanged`` the
    rest. ``skipped`` holds everything in the folder that was not read; ``damaged`` what was read with losses.
    """

    collection: str
    documents: int
    passages: int
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()
    damaged: tuple[Skipped, ...] = ()


class CollectionStats(Message, frozen=True):
    """What one collection holds. ``characters`` is the length of its documents' extracted text."""

    collection: str
    folder: str
    documents: int
    passages: int
    characters: int


class Quote(Message, frozen=True):
    """The span that a citation points to, read from the extracted text that the index keeps.

    ``state`` compares it with the world: ``current``: the file is what was indexed; ``changed``: the file has changed
    since, or was indexed again since (``text`` is then the older one); ``gone``: the file is no longer there or no
    longer readable. ``note`` says it in words, and is empty when current.
    """

    document: str
    start: int
    end: int
    text: str
    heading: str = ""
    state: QuoteState = "current"
    note: str = ""


def passage_id(document: str, start: int, end: int) -> str:
    """``guide.md:120-480``."""
    return f"{document}:{start}-{end}"
