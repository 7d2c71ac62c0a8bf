"""What is said to a model and what it answers: plain values that the kernel records and providers translate.

Units: tokens are the provider's; money is integer micro-dollars (1 USD = 1,000,000).
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

__all__ = ["ChatMessage", "ModelReply", "ModelRequest", "Price", "ToolOffer", "ToolUse", "Usage"]


class ToolUse(msgspec.Struct, frozen=True):
    """A tool call that a model proposes. ``arguments`` is the JSON text exactly as the model wrote it."""

    id: str
    name: str
    arguments: str


class ChatMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message of a conversation.

    ``material`` is JSON text that the message is about (evidence, a draft, claims): data, never instructions. A
    provider renders it, fenced and labelled, behind ``text``; an extractive model reads it as it is.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str = ""
    material: str = ""
    uses: tuple[ToolUse, ...] = ()
    """Of an assistant's message: the tools that it wants to use."""
    use_id: str = ""
    """Of a tool's message: the `ToolUse.id` that it answers."""


class ToolOffer(msgspec.Struct, frozen=True):
    """A tool as it is offered to a model; ``parameters`` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, Any]


class ModelRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of a model. ``schema`` asks for an answer that is JSON of that JSON Schema."""

    model: str
    messages: tuple[ChatMessage, ...]
    max_output_tokens: int
    tools: tuple[ToolOffer, ...] = ()
    schema: dict[str, Any] | None = None
    schema_name: str = ""
    temperature: float | None = None


class Usage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a call used, in tokens. ``cached_input_tokens`` is a part of ``input_tokens``, ``reasoning_tokens`` of
    ``output_tokens``.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0


class ModelReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """A model's answer: text, or tools to use, or both. ``usage`` is None where the provider did not say."""

    text: str = ""
    uses: tuple[ToolUse, ...] = ()
    usage: Usage | None = None
    model: str = ""
    finish: Literal["stop", "length", "tools", "refused"] = "stop"


class Price(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a model costs, in micro-dollars per million tokens; ``source`` names the table and its version."""

    input: int
    output: int
    cached_input: int | None = None
    """Price of cached input; None: as other input."""
    source: str = ""

    def cost(self, usage: Usage) -> int:
        """Micro-dollars for this usage, rounded up."""
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        rate = self.input if self.cached_input is None else self.cached_input
        total = (usage.input_tokens - cached) * self.input + cached * rate + usage.output_tokens * self.output
        return -(-total // 1_000_000)
