"""What the stock agents say to each other.

`Question` -> `Evidence` -> `Findings` -> `WriteBrief` -> `Brief` -> `Review` -> `Verdict` is the way of a research
brief; `Response` and `Comparison` are what the other playbooks end in. Ids tie it together: a claim names findings, a
finding names the passages that it rests on, and a passage is a span of a document.
"""

from __future__ import annotations

from typing import Literal

from agentops import Ask, Citation, Message, Passage

from .claims import Claim, Sources, page

NOTHING = "The documents do not answer this question."
"""What an honest page says when there is nothing to cite."""


class Evidence(Message):
    """The passages that bear on a question, best first. None at all: the documents do not speak of it."""

    question: str
    passages: tuple[Passage, ...] = ()


class Question(Ask[Evidence]):
    """A question to the documents of a collection. Handled by the retriever."""

    text: str
    collection: str = "default"
    document: str = ""
    """Only passages of this document (its path, or the end of it); empty: of all."""
    limit: int = 8
    """At most so many passages."""


class Finding(Message):
    """One thing that the documents say about the question."""

    id: str
    """F1, F2 and so on, within one `Findings`."""
    text: str
    quote: str
    """The sentence it rests on, verbatim but for white space; empty where the model gave none that is there."""
    evidence: tuple[str, ...]
    """Ids of passages; every one of them was delivered."""
    citations: tuple[Citation, ...]
    """Where to look: the quote's own span where there is one, else the passages'. Derived by code, not by a model."""


class Findings(Message):
    """What an analyst made of the evidence, most important first."""

    question: str
    findings: tuple[Finding, ...] = ()
    note: str = ""
    """What the reader should know about its limits."""


class Brief(Message):
    """A text every claim of which points to its sources. ``note`` says what the reader should know about its limits."""

    question: str
    title: str
    claims: tuple[Claim, ...] = ()
    note: str = ""

    def markdown(self, label: str = "") -> str:
        """The page. ``label`` says what wrote it, as the model itself puts it."""
        sources = Sources()
        claims = "\n".join(f"- {sources.cite(claim)}" for claim in self.claims)
        note = self.note if claims else ""
        return page(self.title, [claims or NOTHING], sources, note=note, label=label)


class Problem(Message):
    """An objection to one claim."""

    claim: str
    """The claim's text."""
    reason: str


class Verdict(Message):
    """A critic's judgement of one brief. ``checked`` counts the claims it looked at."""

    accepted: bool
    brief: Brief
    problems: tuple[Problem, ...] = ()
    checked: int = 0


class WriteBrief(Ask[Brief]):
    """Write a brief on these findings; with ``review``, revise the brief that was reviewed."""

    question: str
    findings: tuple[Finding, ...]
    review: Verdict | None = None


class Review(Ask[Verdict]):
    """Check a brief against the findings it names and the evidence that was really delivered."""

    brief: Brief
    findings: tuple[Finding, ...]
    evidence: Evidence


class Response(Message):
    """An answer to a customer. Not ``covered``: the documents do not answer, and ``text`` says so."""

    question: str
    covered: bool
    text: str
    claims: tuple[Claim, ...] = ()
    note: str = ""

    def markdown(self, label: str = "") -> str:
        """The page."""
        sources = Sources()
        claims = [sources.cite(claim) for claim in self.claims]
        return page(self.question, claims or [self.text], sources, note=self.note, label=label)


class Point(Message):
    """One point of a comparison. What one side does not speak of has None there."""

    relation: Literal["agree", "differ", "left only", "right only"]
    left: Claim | None = None
    right: Claim | None = None
    because: str = ""


class Comparison(Message):
    """How two sets of findings answer one question."""

    question: str
    left: str
    """What the left side is called."""
    right: str
    points: tuple[Point, ...] = ()
    note: str = ""

    def markdown(self, label: str = "") -> str:
        """The page: what both say, where they differ, and what only one of them speaks of."""
        sources = Sources()
        blocks = []
        for relation, heading in self._headings().items():
            chosen = [point for point in self.points if point.relation == relation]
            if chosen:
                blocks.append(f"## {heading}")
                blocks.append("\n".join(self._line(point, sources) for point in chosen))
        return page(self.question, blocks or [NOTHING], sources, note=self.note, label=label)

    def _headings(self) -> dict[str, str]:
        return {
            "agree": "Both say",
            "differ": "Both speak of it, not alike",
            "left only": f"Only {self.left}",
            "right only": f"Only {self.right}",
        }

    def _line(self, point: Point, sources: Sources) -> str:
        sides = [(self.left, point.left), (self.right, point.right)]
        said = [(name, sources.cite(claim)) for name, claim in sides if claim is not None]
        lines = [f"**{name}**: {text}" for name, text in said]
        if point.relation == "differ" and point.because:
            lines[-1] += f"\n  *{point.because}*"
        return f"- {lines[0]}\n  {lines[1]}" if lines[1:] else f"- {said[0][1]}"


class Compare(Ask[Comparison]):
    """Compare what two sides say about a question. Names are for the reader, such as the documents' names."""

    question: str
    left: Findings
    right: Findings
    left_name: str = "left"
    right_name: str = "right"
