"""The guardrails that come along: `secrets`, `hidden-unicode`, `size`. A playbook lists them by name.

They know nothing of what a value means, so they stand at every stage where they can help.
"""

from __future__ import annotations

from typing import Any, Final

from agentops.supervisor.guardrails import STAGES, Guardrail, Verdict, block, passed, redact
from agentops.supervisor.lookalikes import hidden, strip_hidden
from agentops.supervisor.redact import Redactor, rebuilt, texts

__all__ = ["STOCK", "hidden_unicode", "secrets", "size"]

MAX_CHARACTERS: Final = 4_000_000
MAX_DEPTH: Final = 64


def secrets(redactor: Redactor | None = None) -> Guardrail:
    """Redact what looks like a credential (see `agentops.supervisor.key_shapes`), before an agent or a tool sees it.

    A prompt cannot be changed on its way to a model: there, a credential blocks the call. Only shapes are looked for
    unless another ``redactor`` is given: registered values are redacted outside, before anything is recorded, and a
    replay need not know them.
    """
    finder = redactor or Redactor()

    def look(value: Any) -> Verdict:
        clean = finder.value(value)
        return passed if clean is value else redact(clean, f"redacted {', '.join(finder.kinds(value))}")

    return Guardrail("secrets", STAGES, look, shares=True)


def hidden_unicode() -> Guardrail:
    """Strip characters that a person does not see and a model reads: zero width, bidirectional controls, tags."""

    def look(value: Any) -> Verdict:
        found = list(dict.fromkeys(name for text in texts(value) if not text.isascii() for name in hidden(text)))
        if not found:
            return passed
        shown = ", ".join(found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        return redact(rebuilt(value, strip_hidden), f"stripped {shown}")

    return Guardrail("hidden-unicode", STAGES - {"prompt"}, look, shares=True)


def size(max_characters: int = MAX_CHARACTERS, max_depth: int = MAX_DEPTH) -> Guardrail:
    """Block values that are too large (characters of all texts, plus one for each value) or too deeply nested."""

    def look(value: Any) -> Verdict:
        total = 0
        level = [value]
        for _ in range(max_depth + 1):
            below: list[Any] = []
            for node in level:
                total += 1 + (len(node) if isinstance(node, str) else 0)
                if isinstance(node, dict):
                    total += sum(map(len, node))
                    below += node.values()
                elif isinstance(node, list | tuple):
                    below += node
            if total + len(below) > max_characters:
                return block(f"it is larger than {max_characters:,} characters")
            if not below:
                return passed
            level = below
        return block(f"it is nested more than {max_depth} levels deep")

    return Guardrail("size", STAGES, look, shares=True)


STOCK: Final = {each.name: each for each in (secrets(), hidden_unicode(), size())}
"""By name, as a playbook's ``guardrails`` lists them."""
