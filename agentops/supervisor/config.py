"""What a run's supervisor is made of, as plain values: recorded in the run's header, so that replay has the same."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from agentops.kernel.chat import Price
from agentops.supervisor.limits import Limits

__all__ = ["Config"]


class Config(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that decides what a run may do. JSON carries it there and back."""

    limits: Limits = Limits()
    """Of the whole run."""
    agents: dict[str, Limits] = {}
    """Of single agents, by name; within what the run has left."""
    nested: dict[str, Limits] = {}
    """Of playbooks called by this one, by the prefix that the names of their agents bear, separator included."""
    policy: dict[str, Any] = {}
    """As `agentops.supervisor.policy_form` describes it; empty: no tool may be called."""
    prices: dict[str, Price] = {}
    """By full model name. A model that is not here has no known price."""
    unknown_price: Literal["refuse", "allow"] = "refuse"
    """What to do about a model without a price. ``allow``: its calls go through, and their money is not counted."""
    guardrails: tuple[str, ...] = ()
    """Names, in the order in which they look."""
    minimum_output: int = 64
    """Output tokens below which a model call is not worth making: a limit is clamped to this at the lowest."""
