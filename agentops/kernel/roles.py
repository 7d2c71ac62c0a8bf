"""What a field of a model's answer is for: annotated types for the structs that ``self.model(returns=...)`` takes.

A role does two things. Its description goes into the JSON Schema, where a language model reads it. Its name goes
there too, under the key ``x-agentops-role``, where ``offline/extractive`` reads it: that model has no language to
understand a description with, so it fills a field by what the field is declared to be. One struct serves both::

    class Finding(Message):
        text: roles.Answer
        quote: roles.Quote
        evidence: roles.SourceIds

    class Findings(Message):
        findings: list[Finding]

    found = await self.model(f"What answers {question!r}?", material=passages, returns=Findings)

Roles constrain nothing when a value is decoded: check what a model says (that its ids exist, that its quotes are
there), as with any model. A provider that sends schemas to a strict endpoint drops the key.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

__all__ = ["ROLE_KEY", "Answer", "Note", "Quote", "Reason", "SourceIds", "Supported", "Title"]

ROLE_KEY: Final = "x-agentops-role"
"""The key of a JSON Schema under which a field's role stands."""


def _role(name: str, description: str) -> msgspec.Meta:
    return msgspec.Meta(description=description, extra_json_schema={ROLE_KEY: name})


Quote = Annotated[
    str,
    _role("quote", "One sentence copied verbatim, character by character, from one item of the material."),
]
"""A verbatim sentence of the material; white space may differ."""

Answer = Annotated[
    str,
    _role(
        "answer",
        "A short statement that bears directly on the question and says nothing beyond the material that it cites. "
        "Empty if the material has nothing to say.",
    ),
]
"""Text that answers; empty where the material does not. An extractive model puts the sentences that it quotes."""

SourceIds = Annotated[
    tuple[str, ...],
    _role("sources", "The ids of the items of the material that this rests on, exactly as they stand there."),
]
"""Ids of the material items that back the fields beside this one."""

Supported = Annotated[
    bool,
    _role(
        "supported",
        "True only if the cited material states the claim, or it follows from it without any other knowledge. "
        "False if a number, a name, a condition or a negation differs, or if in doubt.",
    ),
]
"""Whether the material supports the claim: the answer or quote in the same object, else the material's ``claim``."""

Reason = Annotated[
    str,
    _role("reason", "Why, in one sentence, naming the words of the material that decide it."),
]
"""Why the fields beside this one are what they are."""

Title = Annotated[str, _role("title", "A plain title of at most twelve words that names the subject.")]
"""A title. An extractive model puts the question itself."""

Note = Annotated[
    str,
    _role(
        "note",
        "What the reader must know about the limits of this text: what the material leaves open or contradicts. "
        "Empty if there is nothing.",
    ),
]
"""Limits of a text. An extractive model says here that it is one."""
