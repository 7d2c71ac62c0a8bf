"""What runs: processes (an agent in one run), fibers (a handler, or a branch of one), and what waits between them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Any

import msgspec

from agentops.kernel.rng import Random, stream
from agentops.messages import Codec

if TYPE_CHECKING:  # names in annotations only
    from agentops.kernel.agent import AgentSpec
    from agentops.kernel.world import World

__all__ = ["Envelope", "Fiber", "Handler", "Process", "Scope", "Timer"]


class Handler(msgspec.Struct, frozen=True):
    """A handler of one message type; ``accepts`` and ``returns`` are the codecs of message and answer."""

    name: str
    function: Callable[..., Any]
    accepts: Codec
    returns: Codec


class Process:
    """An agent in one run. Small while idle: what a message needs is made when the first one comes."""

    __slots__ = (
        "_random",
        "agent",
        "asks",
        "children",
        "failures",
        "handlers",
        "mail",
        "memory",
        "name",
        "parent",
        "parked",
        "root",
        "spec",
        "stopped",
        "turns",
        "world",
    )

    def __init__(self, world: World, spec: AgentSpec, name: str, parent: Process | None) -> None:
        self.world = world
        self.spec = spec
        self.name = name
        self.parent = parent
        self.handlers: dict[type, Handler] = spec.cls.handlers()
        self.agent: Any = None
        self.mail: deque[Envelope] | None = None
        self.parked: deque[Envelope] | None = None
        """Envelopes whose senders wait for room in the mailbox."""
        self.root: Fiber | None = None
        """The handler that is at work, if one is."""
        self.turns = 0
        self.asks: dict[Envelope, Process] | None = None
        """Its unanswered questions, and whom they went to."""
        self.children: list[Process] | None = None
        self.failures: list[int] | None = None
        """Times of recent failures, microseconds."""
        self.memory: dict[tuple[str, str, bytes], tuple[str, bytes]] | None = None
        """Completed effects of a failed turn, for its redelivery: ``(path in turn, name, arguments)`` -> answer."""
        self.stopped = False
        self._random: Random | None = None

    @property
    def random(self) -> Random:
        """The agent's random stream."""
        if self._random is None:
            self._random = stream(self.world.run, self.name)
        return self._random


class Envelope:
    """A message on its way. ``asker`` is the fiber that waits for the answer, if one does."""

    __slots__ = (
        "answered",
        "asker",
        "body",
        "codec",
        "dead",
        "id",
        "message",
        "redelivered",
        "sender",
        "target",
        "timed",
    )

    def __init__(self, ident: str, target: Process, codec: Codec, body: bytes, message: Any) -> None:
        self.id = ident
        self.target = target
        self.codec = codec
        self.body = body
        self.message = message
        self.asker: Fiber | None = None
        self.sender: Fiber | None = None
        """While parked: the fiber that waits for room."""
        self.answered = False
        """Whether an answer is wanted: asked by an agent, or from outside."""
        self.timed = False
        """Whether the asker stops waiting by itself, so that waiting in a circle ends."""
        self.dead = False
        """Given up by its sender before it was handled."""
        self.redelivered = False


class Fiber:
    """A coroutine that the kernel steps: a handler (a *turn*'s root), or a branch that it started.

    It is runnable (``waiting`` is None, with a ``value`` or an ``error`` to resume with), or it waits for an
    operation, or it is done.
    """

    __slots__ = (
        "_path",
        "branches",
        "cancelled",
        "context",
        "coroutine",
        "counter",
        "done",
        "envelope",
        "error",
        "failure",
        "generators",
        "handler",
        "live",
        "made",
        "process",
        "result",
        "root",
        "scope",
        "seen",
        "swallowed",
        "turn",
        "value",
        "waiting",
        "watchers",
    )

    def __init__(
        self,
        process: Process,
        path: str,
        coroutine: Any,
        context: Context,
        root: Fiber | None,
        envelope: Envelope | None = None,
        handler: Handler | None = None,
    ) -> None:
        self.process = process
        self._path = path
        self.turn = process.turns
        self.coroutine = coroutine
        self.context = context
        self.counter = 0
        self.value: Any = None
        self.error: BaseException | None = None
        self.waiting: Any = None
        self.done = False
        self.result: Any = None
        self.failure: BaseException | None = None
        self.scope: Scope | None = None
        self.cancelled: BaseException | None = None
        self.swallowed = 0
        self.branches: list[Fiber] | None = None
        self.generators: list[Any] | None = None
        if root is None:  # a turn's root
            self.root: Fiber = self
            self.envelope = envelope
            self.handler = handler
            self.live = 1
            """Fibers of this turn that are not done; the turn is over when none is."""
            self.made: dict[int, Any] | None = None
            """Operations made and not yet awaited."""
        else:  # a branch
            self.root = root
            self.seen = False
            """Whether somebody took its failure."""
            self.watchers: list[Any] | None = None

    def release(self) -> None:
        """Its turn is over: let go of what it holds, itself included, so that nothing is left to the collector."""
        self.branches = self.envelope = self.coroutine = None
        del self.root

    @property
    def path(self) -> str:
        """Its identity: ``agent/turn/0`` of a turn's root, and what started it of a branch."""
        if not self._path:
            self._path = f"{self.process.name}/{self.turn}/0"
        return self._path


class Timer:
    """A deadline of the kernel's; ``live`` False: nobody cares any more."""

    __slots__ = ("due", "fire", "live")

    def __init__(self, due: int, fire: Callable[[], None]) -> None:
        self.due = due
        self.fire = fire
        self.live = True

    def __lt__(self, other: Timer) -> bool:
        return self.due < other.due


class Scope:
    """A stretch of a handler with its own deadline: a timeout (``shield`` False) or a clean-up (True)."""

    __slots__ = ("cancelled", "fiber", "parent", "shield", "timer")

    def __init__(self, fiber: Fiber, *, shield: bool) -> None:
        self.fiber = fiber
        self.parent = fiber.scope
        self.shield = shield
        self.cancelled: BaseException | None = None
        self.timer: Timer | None = None
