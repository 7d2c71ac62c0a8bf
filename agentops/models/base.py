"""What a model provider is: one method that answers, and honest facts about itself.

A provider makes one attempt per call. Whether a failed attempt is repeated, and when, is a decision; decisions are the
kernel's, are gated and are recorded. So `Model.complete` never sleeps in order to try again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from agentops.errors import InvalidInput
from agentops.kernel.chat import ModelReply, ModelRequest, Price

__all__ = ["Emit", "Model", "ModelSettings", "StructuredOutput"]

Emit: TypeAlias = Callable[[str], None]
"""Called with each piece of text as it arrives, in order. For people who watch: it is never recorded."""

StructuredOutput: TypeAlias = Literal["json_schema", "json_object", "prompt"]
"""How an endpoint is asked for JSON: by its schema, as any JSON object, or by the prompt alone."""


class Model(Protocol):
    """A model, opened. One instance may serve many calls at once."""

    @property
    def name(self) -> str:
        """Its full name, ``provider/name``, as it stands in playbooks and records."""
        ...

    @property
    def price(self) -> Price | None:
        """What it costs. None: unknown, which is never free."""
        ...

    @property
    def label(self) -> str:
        """What an honest page says of where its words come from, such as ``gpt-5-mini via api.openai.com``."""
        ...

    async def complete(self, request: ModelRequest, emit: Emit | None = None) -> ModelReply:
        """Answer, in one attempt. With ``emit``, text is handed out as it arrives; the reply holds all of it.

        Raises `agentops.errors.ModelFailed` and nothing else (cancellation aside). Its facts: ``transient`` (the same
        request may well succeed later), ``status`` (of HTTP, or None), ``retry_after`` (seconds that the provider
        asked to wait, or None) and ``model``. Text already emitted by a call that then fails is void.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections. May be called more than once."""
        ...


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider needs to know beyond the model's name. Made by the outer shell from flags, environment and
    workspace file; it holds a key, so it is never recorded, and its ``repr`` leaves the key out.

    Retries are no setting: a provider makes one attempt (see the module's docstring).
    """

    base_url: str = ""
    """Of an OpenAI-compatible endpoint, usually ending in ``/v1``; empty: the provider's own."""
    api_key: str = ""
    """Empty: none, which local endpoints accept."""
    timeout: float = 300.0
    """Seconds that one call may take from request to last byte, waiting for a free connection not counted."""
    connect_timeout: float = 10.0
    """Seconds to wait for a connection."""
    max_concurrency: int = 64
    """Calls under way at once; others queue. More only makes the client slower."""
    structured: StructuredOutput = "json_schema"
    """Where to start; a provider steps down by itself when the endpoint refuses, and remembers it."""
    options: Mapping[str, Any] = {}
    """Further fields for the body of each request, such as ``{"reasoning_effort": "low"}``."""
    prices: Mapping[str, Price] = {}
    """Prices that the user declares, by full model name or ``provider/*``; see `agentops.models.prices`."""
    folder: Path = Path()
    """What relative paths in ``scripted/PATH`` are relative to."""

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        for field, value in (("timeout", self.timeout), ("connect_timeout", self.connect_timeout)):
            if not (math.isfinite(value) and value > 0):
                raise InvalidInput(f"model {field} is {value}", hint="Give a number of seconds above zero.")
        if self.max_concurrency < 1:
            raise InvalidInput(f"model max_concurrency is {self.max_concurrency}", hint="Give a number above zero.")

    def __repr__(self) -> str:
        key = "set" if self.api_key else "none"
        return f"ModelSettings(base_url={self.base_url!r}, api_key=<{key}>, timeout={self.timeout})"
