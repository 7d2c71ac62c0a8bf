"""The state of one run inside the kernel, and the few moves that every part of the kernel makes on it.

`World` holds who exists, who can move, what is open and what has been recorded in the present delivery. The rules
live in the modules beside this one (`mail`, `branches`, `acting`, `cancelling`, `failing`); none of them keeps state.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final

import msgspec

from agentops.errors import AgentOpsError, RunError
from agentops.kernel.effects import WORLD, EffectOp, Operation
from agentops.kernel.gate import Amount, Gate
from agentops.kernel.process import Fiber, Process, Timer
from agentops.kernel.records import NULL, Approval, ErrorRecord, Finished, Raw, Record
from agentops.messages import encode

__all__ = ["INLINE_BYTES", "Ending", "OpenEffect", "Request", "World", "inline"]

INLINE_BYTES: Final = 1024
"""A payload of more bytes is kept once, under its SHA-256, and only referred to."""

SECOND: Final = 1_000_000


class Request(msgspec.Struct, frozen=True):
    """An effect that wants performing, admitted and on record."""

    id: str
    operation: EffectOp
    arguments: bytes
    """Canonical JSON, as admitted (a guardrail may have redacted what was proposed)."""
    agent: str
    attempt: int = 1
    max_output_tokens: int = 0
    """Of a model call: the limit as admitted; 0: as asked."""
    dispatched: bool = True
    """False: an effect that may not be repeated; deliver `Dispatched` before it is performed."""


class OpenEffect:
    """An effect without an outcome. ``fiber`` is None once nobody waits for it."""

    __slots__ = (
        "approval",
        "approved",
        "attempt",
        "dispatched",
        "fiber",
        "id",
        "operation",
        "request",
        "reserved",
        "state",
        "timer",
        "times_asked",
    )

    def __init__(self, ident: str, fiber: Fiber | None, operation: EffectOp) -> None:
        self.id = ident
        self.fiber = fiber
        self.operation = operation
        self.attempt = 1
        self.state = "admitted"
        """``asking`` (a person), ``admitted``, ``waiting`` (to be tried again), ``doubtful``."""
        self.dispatched = False
        self.request: Request | None = None
        self.timer: Timer | None = None
        self.approved = ""
        self.times_asked = 0
        """How often it was put before a person: after a crash it may be a second time, and wants a second answer."""
        self.approval: Approval | None = None
        """While it waits for a person: what that person is asked."""
        self.reserved: Amount | None = None

    @property
    def key(self) -> str:
        """Under which its present attempt is reserved and settled."""
        return self.id if self.attempt == 1 else f"{self.id}#{self.attempt}"


class Ending(msgspec.Struct, frozen=True):
    """How the run will end, once everybody has come to rest."""

    status: str
    output: Raw = Raw(b"null")
    error: ErrorRecord | None = None


class World:
    """The state of one run."""

    def __init__(self, run: str, gate: Gate, model: str = "") -> None:
        self.run = run
        self.model = model
        """The run's model, for agents that name none."""
        self.gate = gate
        self.now = 0
        self.before = 0
        """The time of the delivery before this one."""
        self.started = 0
        """Since when the run's seconds count: its start, later by the time that it was interrupted or put away."""
        self.seconds: float | None = None
        self.time_limit: Timer | None = None
        self.processes: dict[str, Process] = {}
        self.topics: dict[str, list[Process]] = {}
        self.ready: deque[Fiber] = deque()
        self.condemned: list[tuple[Fiber, BaseException]] = []
        """Fibers to be cancelled before anybody moves again, and what to raise in them."""
        self.current: Fiber | None = None
        self.open: dict[str, OpenEffect] = {}
        self.timers: list[tuple[int, int, Timer]] = []
        self.timer_count = 0
        self.ending: Ending | None = None
        self.finished: Finished | None = None
        self.undeclared: RunError | None = None
        self.records: list[Any] = []
        self.requests: list[Request] = []
        self.cancels: list[str] = []
        self.blobs: dict[str, bytes] = {}
        self.chain: dict[tuple[str, Any], str] = {}
        """Prompt chains already stored: (digest of what came before, message) -> digest."""
        self.base = Context()
        self.base.run(WORLD.set, self)

    # --- records ------------------------------------------------------------------------------------------------

    def record(self, record: Record) -> None:
        """Remember."""
        self.records.append(record)

    def payload(self, data: bytes) -> Raw:
        """A payload for a record: itself where it is small, else ``{"$payload": digest}`` and kept aside."""
        if inline(data):
            return Raw(data)
        return Raw(b'{"$payload":"%s"}' % self.blob(data).encode())

    def blob(self, data: bytes) -> str:
        """Keep ``data`` under its SHA-256, given back in hex."""
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return digest

    # --- fibers -------------------------------------------------------------------------------------------------

    def resume(self, fiber: Fiber, value: Any) -> None:
        """Let a waiting fiber go on with ``value``."""
        fiber.waiting = None
        fiber.value = value
        self.ready.append(fiber)

    def throw(self, fiber: Fiber, error: BaseException) -> None:
        """Let a waiting fiber go on by raising ``error`` where it waits."""
        fiber.waiting = None
        fiber.error = error
        self.ready.append(fiber)

    def next_id(self) -> str:
        """The path of the next thing that the running fiber does."""
        fiber = self.current
        if fiber is None:
            msg = "this belongs inside a handler that a run is stepping"
            raise RunError(msg, hint="Call it from an agent's handler, not from a tool, a thread or __del__.")
        fiber.counter += 1
        return f"{fiber.path}.{fiber.counter}"

    def made(self, operation: Operation) -> None:
        """Remember that the running fiber made an operation, until it is awaited."""
        fiber = self.current
        if fiber is None:
            msg = f"{operation.told()} was made outside a handler"
            raise RunError(msg, hint="An agent's methods work only while a run steps one of its handlers.")
        root = fiber.root
        if root.made is None:
            root.made = {}
        root.made[id(operation)] = operation

    # --- time ---------------------------------------------------------------------------------------------------

    def set_timer(self, seconds: float, fire: Callable[[], None]) -> Timer:
        """Have ``fire`` called when the clock has advanced by so many seconds; ties in the order of setting."""
        timer = Timer(self.now + max(0, round(seconds * SECOND)), fire)
        self.timer_count += 1
        heapq.heappush(self.timers, (timer.due, self.timer_count, timer))
        return timer

    def next_deadline(self) -> int | None:
        """When the next live timer is due, in microseconds; None: there is none."""
        while self.timers and not self.timers[0][2].live:
            heapq.heappop(self.timers)
        return self.timers[0][0] if self.timers else None

    def waits_for_time(self) -> bool:
        """Whether time will wake somebody, other than by ending the run."""
        return any(timer.live and timer is not self.time_limit for _, _, timer in self.timers)

    def fire_due(self) -> None:
        """Fire all timers that are due by now, by deadline and then by the order of setting."""
        while self.timers and self.timers[0][0] <= self.now:
            timer = heapq.heappop(self.timers)[2]
            if timer.live:
                timer.live = False
                timer.fire()

    # --- the end ------------------------------------------------------------------------------------------------

    def end(self, status: str, *, output: Raw = NULL, error: AgentOpsError | None = None) -> None:
        """Say how the run will end; the first word counts, except that a failure overrules a success."""
        if self.ending is None or (self.ending.status == "done" and status != "done"):
            said = None if error is None else ErrorRecord.of(error)
            self.ending = Ending(status, output, said)


def inline(data: bytes) -> bool:
    """Whether a payload stands in the record itself: it is small, and does not look like a reference to another."""
    return len(data) <= INLINE_BYTES and not data.startswith(b'{"$payload"')


def encoded(value: Any) -> Raw:
    """A plain value as a record's payload."""
    return Raw(encode(value))
