"""What a caller sees of a run as it happens."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

from agentops.errors import AgentOpsError

__all__ = ["Ended", "Event", "Recorded", "Text"]


class Recorded(msgspec.Struct, frozen=True):
    """Something was recorded, and is safe in the journal. ``record``: one of `agentops.kernel.records`."""

    run: str
    seq: int
    at: int
    record: Any


class Text(msgspec.Struct, frozen=True):
    """A model is writing. Shown as it comes; what counts is the recorded answer."""

    run: str
    effect: str
    agent: str
    text: str


class Ended(msgspec.Struct, frozen=True):
    """The run is over, or waits for a person (``waiting``). Always the last event."""

    run: str
    status: str
    output: Any = None
    error: AgentOpsError | None = None


Event: TypeAlias = Recorded | Text | Ended
