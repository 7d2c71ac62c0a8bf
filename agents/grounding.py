"""From what a model says to findings that hold: ids that were delivered, quotes that are there, spans to look up.

A model may name a passage that it never saw, or quote a sentence that nobody wrote. Here code decides, not the model:
what rests on nothing is dropped, with the reason, and a citation is where the quote really stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from agentops import Citation, Message, Passage, roles

from .messages import Evidence, Finding


class FindingDraft(Message):
    """One thing that the passages say about the question."""

    text: roles.Answer
    quote: roles.Quote
    evidence: roles.SourceIds


class FindingDrafts(Message):
    """The findings, most important first, and the limits of what was found."""

    findings: tuple[FindingDraft, ...]
    note: roles.Note = ""


class Grounded(Message):
    """What held, and for what did not: the text and the reason."""

    findings: tuple[Finding, ...]
    dropped: tuple[tuple[str, str], ...]


def material(evidence: Evidence) -> dict[str, object]:
    """The evidence as a model should see it: without what only code needs."""
    passages = [{"id": p.id, "document": p.document, "heading": p.heading, "text": p.text} for p in evidence.passages]
    return {"question": evidence.question, "passages": passages}


def ground(drafts: Iterable[FindingDraft], passages: Sequence[Passage]) -> Grounded:
    """Turn drafts into findings F1, F2 and so on; see `Grounded`."""
    delivered = {passage.id: passage for passage in passages}
    findings: list[Finding] = []
    dropped: list[tuple[str, str]] = []
    for draft in drafts:
        cited = [delivered[name] for name in dict.fromkeys(draft.evidence) if name in delivered]
        reason = _objection(draft, cited, [finding.text for finding in findings])
        if reason:
            dropped.append((draft.text, reason))
        else:
            findings.append(_finding(f"F{len(findings) + 1}", draft, cited))
    return Grounded(tuple(findings), tuple(dropped))


def locate(quote: str, passage: Passage) -> Citation | None:
    """Where a quote stands in a passage, white space and case aside; None: it does not."""
    pattern = r"\s+".join(re.escape(word) for word in quote.split())
    match = re.search(pattern, passage.text, re.IGNORECASE) if pattern else None
    if match is None:
        return None
    return Citation(passage.document, passage.start + match.start(), passage.start + match.end())


def _objection(draft: FindingDraft, cited: Sequence[Passage], earlier: Sequence[str]) -> str:
    if not draft.text.strip():
        return "it says nothing"
    if draft.text in earlier:
        return "it was said before"
    if not cited:
        return f"it rests on {', '.join(draft.evidence) or 'nothing'}, and no such passage was delivered"
    return ""


def _finding(name: str, draft: FindingDraft, cited: Sequence[Passage]) -> Finding:
    """With a quote that stands in a cited passage: its own span. Else the quote is not kept, and the passages cited."""
    spans = [span for passage in cited if (span := locate(draft.quote, passage)) is not None]
    citations = spans or [Citation(passage.document, passage.start, passage.end) for passage in cited]
    return Finding(
        id=name,
        text=draft.text.strip(),
        quote=draft.quote if spans else "",
        evidence=tuple(passage.id for passage in cited),
        citations=tuple(citations),
    )
