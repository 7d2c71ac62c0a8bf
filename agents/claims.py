"""Claims, and pages made of them: Markdown in which every claim carries the numbers of its sources."""

from __future__ import annotations

from collections.abc import Sequence

from agentops import Citation, Message


class Claim(Message):
    """One statement of a text, bound to what it rests on."""

    text: str
    findings: tuple[str, ...]
    """Ids of findings."""
    citations: tuple[Citation, ...]
    revision: int = 0
    """How often it was rewritten because a critic objected."""


class Sources:
    """The numbered list at the end of a page: each span has one number, in the order in which it is first cited."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def cite(self, claim: Claim) -> str:
        """The claim with the numbers of its sources behind it."""
        numbers = [self._number(citation) for citation in claim.citations]
        return claim.text + "".join(f" [{number}]" for number in dict.fromkeys(numbers))

    def lines(self) -> list[str]:
        """``[1] document:start-end``, one line a source; what stands before the colon is a path."""
        return [f"- [{number}] `{where}`" for where, number in self._numbers.items()]

    def _number(self, citation: Citation) -> int:
        where = f"{citation.document}:{citation.start}-{citation.end}"
        return self._numbers.setdefault(where, len(self._numbers) + 1)


def page(title: str, blocks: Sequence[str], sources: Sources, *, note: str = "", label: str = "") -> str:
    """A Markdown page: title, blocks, sources, then the note and the label of what wrote it."""
    parts = [f"# {title}", *blocks]
    if lines := sources.lines():
        parts += ["## Sources", "\n".join(lines)]
    if note:
        parts.append(f"*{note}*")
    if label:
        parts.append(f"*Written by: {label}.*")
    return "\n\n".join(parts) + "\n"
