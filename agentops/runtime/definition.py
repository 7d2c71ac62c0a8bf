"""What a run is made of, outside of its journal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from agentops.kernel.chat import ModelReply, ModelRequest
from agentops.kernel.gate import Gate
from agentops.kernel.kernel import RunSpec
from agentops.messages import Codec

__all__ = ["Definition", "ModelLike"]


class ModelLike(Protocol):
    """What the runtime needs of a model; see `agentops.models.base`."""

    async def complete(self, request: ModelRequest, emit: Callable[[str], None] | None = None) -> ModelReply:
        """Answer one request; `agentops.errors.ModelFailed` where it cannot."""
        ...


@dataclass(frozen=True)
class Definition:
    """The code and the settings of a run; its journal holds the rest.

    ``gate`` makes a fresh supervisor, from what the header says of it, so that a replay judges as the run did.
    """

    spec: RunSpec
    gate: Callable[[], Gate]
    model: Callable[[str], ModelLike]
    """Opens a model by its full name."""
    playbook: str = ""
    header: Mapping[str, Any] = field(default_factory=dict)
    returns: Codec | None = None
    """Of the run's output; None: plain JSON values."""
    workspace: Path = Path()
    data: Path = Path()
    """The workspace's folder, and the folder for its data: what tools are told by `tool_context`."""
