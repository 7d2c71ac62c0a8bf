"""What a handler may await: operations that yield themselves to the kernel.

``await operation`` inside a handler hands the operation to the kernel that is stepping the handler, and comes back
with what the kernel, or the world through it, answered. Outside a run there is no kernel, and an operation that means
something by itself (a tool call) does just that; others say that they belong inside a handler.

An operation that is made and never awaited by the end of the turn is an error: it would have been lost in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from agentops.errors import RunError
from agentops.kernel.chat import ModelRequest
from agentops.kernel.gate import EffectClass, ToolDeclaration

if TYPE_CHECKING:  # a name in an annotation only: `world` knows this module, this module only names its type
    from agentops.kernel.world import World

__all__ = [
    "WORLD",
    "AskOp",
    "EffectKind",
    "EffectOp",
    "JoinOp",
    "Operation",
    "PublishOp",
    "SendOp",
    "SleepOp",
    "SpawnOp",
]

WORLD: Final[ContextVar[World | None]] = ContextVar("agentops_world", default=None)
"""The kernel state that is stepping the present code; None outside handlers."""


class Operation:
    """Base of all that a handler may await. ``told`` is its one line in errors."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)

    def told(self) -> str:
        """What this is, for a person."""
        return type(self).__name__


class AskOp(Operation):
    """Send a message and wait for its answer."""

    __slots__ = ("message", "to")

    def __init__(self, to: str, message: Any) -> None:
        self.to = to
        self.message = message

    def told(self) -> str:
        """What this is, for a person."""
        return f"ask({self.to!r}, {type(self.message).__name__})"


class SendOp(Operation):
    """Send a message; wait only while the recipient's mailbox is full."""

    __slots__ = ("message", "to")

    def __init__(self, to: str, message: Any) -> None:
        self.to = to
        self.message = message

    def told(self) -> str:
        """What this is, for a person."""
        return f"send({self.to!r}, {type(self.message).__name__})"


class PublishOp(Operation):
    """Send a message to everybody who listens to a topic; comes back with their number."""

    __slots__ = ("message", "optional", "topic")

    def __init__(self, topic: str, message: Any, *, optional: bool) -> None:
        self.topic = topic
        self.message = message
        self.optional = optional

    def told(self) -> str:
        """What this is, for a person."""
        return f"publish({self.topic!r}, {type(self.message).__name__})"


class SpawnOp(Operation):
    """Bring an agent into being, supervised by the one that spawns it."""

    __slots__ = ("name", "spec")

    def __init__(self, spec: Any, name: str) -> None:
        self.spec = spec
        self.name = name

    def told(self) -> str:
        """What this is, for a person."""
        return f"spawn({self.name!r})"


class SleepOp(Operation):
    """Wait for the kernel's clock to advance by so many seconds."""

    __slots__ = ("seconds", "timer")

    def __init__(self, seconds: float) -> None:
        if not math.isfinite(seconds):
            raise RunError(f"nobody can sleep for {seconds} seconds", hint="Give a finite number of seconds.")
        self.seconds = seconds
        self.timer: Any = None

    def told(self) -> str:
        """What this is, for a person."""
        return f"sleep({self.seconds})"


class JoinOp(Operation):
    """Wait for branches: ``all`` fails fast, ``settle`` waits for each, ``first`` for one, ``one`` is a single branch.

    ``owns``: the branches live and die with this wait.
    """

    __slots__ = ("branches", "cancelled", "fiber", "mode", "owns", "pending", "winner")

    def __init__(self, branches: Sequence[Any], mode: str, *, owns: bool) -> None:
        self.branches = branches
        self.mode = mode
        self.owns = owns
        self.pending = 0
        self.winner: Any = None
        self.cancelled: BaseException | None = None
        self.fiber: Any = None

    def told(self) -> str:
        """What this is, for a person."""
        return f"{self.mode} of {len(self.branches)} branches"


class EffectKind(msgspec.Struct, frozen=True):
    """What all effects of one tool, model or function have in common."""

    kind: Literal["tool", "model", "act", "person"]
    name: str
    decode: Callable[[bytes], Any]
    """Turns the recorded answer into what the handler gets."""
    effect: EffectClass
    perform: Any = None
    """What the shell calls, outside the kernel."""
    tool: ToolDeclaration | None = None
    retries: int = 0
    """How often an attempt that failed in passing is made again."""
    backoff: float = 1.0
    """Seconds before the second attempt; doubled each time."""
    timeout: float | None = None
    """Seconds that an attempt may take."""

    def told(self) -> str:
        """What this is, for a person."""
        return f"{self.kind} {self.name}"


class EffectOp(Operation):
    """An effect: a request that the world answers, after the supervisor has allowed it.

    ``arguments`` is canonical JSON; of a model's call, ``request`` says instead what is asked.
    """

    __slots__ = ("arguments", "kind", "request")

    def __init__(self, kind: EffectKind, arguments: bytes, request: ModelRequest | None = None) -> None:
        self.kind = kind
        self.arguments = arguments
        self.request = request

    def __await__(self) -> Generator[Any, Any, Any]:
        if WORLD.get() is None:
            msg = f"{self.told()} was awaited outside a run"
            raise RunError(msg, hint="Await it in an agent's handler.")
        return (yield self)

    def told(self) -> str:
        """What this is, for a person."""
        return self.kind.told()
