"""The loop: one delivery in, everybody steps until none can move, records and requests out."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from agentops.errors import (
    AgentOpsError,
    Cancelled,
    Deadlock,
    RunError,
    UndeclaredEffect,
)
from agentops.kernel import acting, branches, entering, mail
from agentops.kernel.cancelling import PATIENCE, cancel_fiber, cancel_turn, in_force, shielded
from agentops.kernel.effects import AskOp, EffectOp, JoinOp, PublishOp, SendOp, SleepOp, SpawnOp
from agentops.kernel.entering import RunSpec
from agentops.kernel.failing import turn_over
from agentops.kernel.foreign import describe_foreign, drive_to_end, unload
from agentops.kernel.gate import Gate
from agentops.kernel.process import Envelope, Fiber, Process
from agentops.kernel.records import (
    Answer,
    Approval,
    Cancel,
    Continue,
    Delivery,
    Dispatched,
    External,
    Finished,
    Outcome,
    Resumed,
    Start,
    Tick,
)
from agentops.kernel.spawning import spawn
from agentops.kernel.world import Request, World, inline

__all__ = ["Kernel", "Reaction", "RunSpec"]

encode_block: Final = msgspec.json.Encoder(order="deterministic").encode


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """What came of one delivery."""

    block: bytes
    """The delivery and its records, as the journal keeps them."""
    records: list[Any]
    blobs: dict[str, bytes]
    """Payloads that the block refers to, by SHA-256."""
    requests: list[Request]
    """Effects to be performed now, once the block is safe."""
    cancels: list[str]
    """Effects that nobody waits for any more; their outcomes are still owed."""
    deadline: int | None
    """When a `Tick` is due, microseconds; None: no timer."""
    at: int
    """When it happened, microseconds since 1970: the delivery's time, or later if the clock went back."""
    more: bool
    """The time slice is over and somebody can still move: deliver a `Continue`."""
    finished: Finished | None


class Kernel:
    """One run. Deterministic: the same deliveries in the same order give the same blocks.

    An exception that leaves `deliver` (KeyboardInterrupt, MemoryError, a broken rule of this interface) leaves the
    kernel unusable: drop it, and rebuild it from the journal.
    """

    def __init__(self, spec: RunSpec, gate: Gate) -> None:
        self.spec = spec
        self.world = World("", gate, spec.model)
        self._steps = 0
        self._broken = False
        self.guarded = False
        """Whether whoever steps this kernel hands it the async generators that handlers open, by `opened`."""

    # --- the one way in -----------------------------------------------------------------------------------------

    def deliver(self, delivery: Delivery) -> Reaction:
        """Take one delivery and run until nobody can move, or the time slice is over."""
        world = self.world
        if self._broken or world.finished is not None:
            msg = "this kernel takes no more deliveries: " + ("it broke before" if self._broken else "its run is over")
            raise RunError(msg, hint="Rebuild it from the journal.")
        self._broken = True
        world.before = world.now
        world.now = max(world.now, delivery.at)
        world.records = []
        world.requests = []
        world.cancels = []
        world.blobs = {}
        self._steps = 0
        if self.guarded:
            more = self._handle(delivery)
        else:
            hooks = sys.get_asyncgen_hooks()
            sys.set_asyncgen_hooks(firstiter=self.opened)
            try:
                more = self._handle(delivery)
            finally:
                sys.set_asyncgen_hooks(*hooks)
        block = encode_block([_recorded(world, delivery), *world.records])
        self._broken = False
        return Reaction(
            block,
            world.records,
            world.blobs,
            world.requests,
            world.cancels,
            world.next_deadline(),
            world.now,
            more,
            world.finished,
        )

    def _handle(self, delivery: Delivery) -> bool:
        """Take the delivery and run; True where the time slice is over."""
        if type(delivery) is not Resumed:  # which first moves the time limit: a run is not late for lying idle
            self.world.fire_due()
        _ENTRIES[type(delivery)](self, delivery)
        call_off = self.world.ending is not None and self._call_off()
        return call_off or self._run() or self._come_to_rest()

    def close(self) -> list[str]:
        """Unload: end every suspended handler without letting it act. Paths of those that would not end."""
        self._broken = True
        stuck: list[str] = []
        for process in self.world.processes.values():
            if process.root is not None:
                stuck.extend(fiber.path for fiber in _tree(process.root) if not unload(fiber))
        return stuck

    def pending_approvals(self) -> dict[str, Approval]:
        """What waits for a person, by a key that is new each time the same effect is asked about: ``effect@times``."""
        waiting = (effect for effect in self.world.open.values() if effect.approval is not None)
        return {f"{effect.id}@{effect.times_asked}": effect.approval for effect in waiting if effect.approval}

    def expects(self, delivery: Delivery) -> bool:
        """Whether a delivery can still be taken: a run may be over, and of two answers the second comes too late."""
        if self.world.finished is not None:
            return False
        if not isinstance(delivery, Answer):
            return True
        effect = self.world.open.get(delivery.approval)
        return effect is not None and effect.approval is not None

    # --- stepping -----------------------------------------------------------------------------------------------

    def _run(self) -> bool:
        """Step whoever is ready, in order. True when the slice is over before they have come to rest."""
        world = self.world
        ready = world.ready
        condemned = world.condemned
        limit = self.spec.slice
        steps = self._steps
        while ready:
            fiber = ready.popleft()
            if fiber.done:
                continue
            self._step(fiber)
            while condemned:
                cancel_fiber(world, *condemned.pop(0))
            steps += 1
            if steps >= limit and ready:
                break
        self._steps = steps
        world.current = None
        return bool(ready)

    def _step(self, fiber: Fiber) -> None:
        world = self.world
        world.current = fiber
        error = fiber.error
        try:
            if error is None:
                operation = fiber.context.run(fiber.coroutine.send, fiber.value)
            else:
                fiber.error = None
                operation = fiber.context.run(fiber.coroutine.throw, error)
        except StopIteration as stop:
            fiber.result = stop.value
            self._ended(fiber)
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise
        except BaseException as failure:  # noqa: BLE001 - whatever leaves a handler is its failure, and is recorded
            fiber.failure = failure
            self._ended(fiber)
        else:
            self._perform(fiber, operation)

    def opened(self, generator: AsyncGenerator[Any, Any]) -> None:
        """A handler opened an async generator: its fiber closes it."""
        fiber = self.world.current
        if fiber is not None:
            if fiber.generators is None:
                fiber.generators = []
            fiber.generators.append(generator)

    def _perform(self, fiber: Fiber, operation: Any) -> None:
        """A handler awaits ``operation``: do it, or raise there why not."""
        world = self.world
        apply = _OPERATIONS.get(type(operation))
        if apply is None:
            self._undeclared(fiber, describe_foreign(fiber, operation))
            return
        made = fiber.root.made
        if made:
            made.pop(id(operation), None)
        if fiber.scope is not None or fiber.cancelled is not None:
            error = in_force(fiber)
            if error is not None:
                self._refuse_cancelled(fiber, error)
                return
        try:
            apply(world, fiber, operation)
        except AgentOpsError as error:
            world.throw(fiber, error)

    def _refuse_cancelled(self, fiber: Fiber, error: BaseException) -> None:
        fiber.swallowed += 1
        if fiber.swallowed > PATIENCE:
            unload(fiber)
            fiber.failure = error
            self._ended(fiber)
        else:
            self.world.throw(fiber, error)

    def _undeclared(self, fiber: Fiber, error: UndeclaredEffect) -> None:
        """A handler reached outside: it is told, and the run fails even if it does not listen."""
        if self.world.undeclared is None:
            self.world.undeclared = error
        self.world.end("failed", error=error)
        self.world.throw(fiber, error)

    def undeclared(self, error: UndeclaredEffect) -> None:
        """For the guard: the running handler touched the event loop."""
        self.world.undeclared = self.world.undeclared or error
        self.world.end("failed", error=error)

    def _ended(self, fiber: Fiber) -> None:
        """A fiber is done: tell who waits for it, and end the turn when it was the last."""
        world = self.world
        fiber.done = True
        fiber.waiting = None
        if fiber.generators:
            drive_to_end(fiber)
        root = fiber.root
        root.live -= 1
        if fiber is not root:
            branches.branch_done(world, fiber)
        elif root.live:
            if fiber.failure is None:
                running = [each.path for each in _tree(root) if not each.done]
                msg = f"{root.path} ended while its branches {', '.join(running)} were still running"
                fiber.failure = RunError(msg, hint="Await every branch that self.start returns.")
            for branch in _tree(root):
                cancel_fiber(world, branch, Cancelled("its turn is over"))
        if root.live == 0:
            turn_over(world, root)

    # --- rest ---------------------------------------------------------------------------------------------------

    def _come_to_rest(self) -> bool:
        """Nobody can move. Is the run over, or in a knot that nothing outside will undo? True: the slice is over."""
        world = self.world
        if self._call_off():
            return True
        if world.open:
            return False
        busy = [process for process in world.processes.values() if process.root is not None]
        if busy and world.waits_for_time():
            return False
        if busy and self._knot(busy):
            return True
        ending = world.ending
        if ending is None or world.open or any(process.root is not None for process in busy):
            return False
        world.finished = Finished(ending.status, ending.output, ending.error)
        world.record(world.finished)
        return False

    def _call_off(self) -> bool:
        """Where the run will not end well, cancel everybody, also those who never come to rest."""
        ending = self.world.ending
        return ending is not None and ending.status != "done" and self._cancel_all(ending.status)

    def _cancel_all(self, reason: str) -> bool:
        """Cancel every turn, and let clean-ups run, with what they ask other agents to do."""
        for process in self.world.processes.values():
            if process.mail is not None:
                process.mail = deque(each for each in process.mail if _for_clean_up(each))
            process.parked = None
        for process in self.world.processes.values():
            if process.root is not None and not _for_clean_up(process.root.envelope):
                cancel_turn(self.world, process, f"the run is {reason}")
        return self._run()

    def _knot(self, busy: list[Process]) -> bool:
        """Somebody waits, nothing is open, no timer runs: they wait for each other."""
        waits = [f"{process.name} waits for {_waits_for(process)}" for process in busy]
        error = Deadlock(
            "no agent can move: " + "; ".join(waits),
            hint="Let one of them send instead of ask, enlarge a mailbox, or wait within self.timeout(...).",
            cycle=[process.name for process in busy],
        )
        self.world.end("failed", error=error)
        return self._cancel_all("failed")


def _recorded(world: World, delivery: Delivery) -> Delivery:
    """The delivery as it stands in the block: large payloads are kept aside."""
    if isinstance(delivery, Outcome):
        value = bytes(delivery.value)
        return delivery if inline(value) else replace(delivery, value=world.payload(value))
    if isinstance(delivery, Start | External):
        body = bytes(delivery.body)
        return delivery if inline(body) else replace(delivery, body=world.payload(body))
    return delivery


def _sleep(world: World, fiber: Fiber, operation: SleepOp) -> None:
    """The fiber waits for time to pass."""
    fiber.waiting = operation
    operation.timer = world.set_timer(operation.seconds, lambda: world.resume(fiber, None))


def _tree(root: Fiber) -> list[Fiber]:
    """A turn's fibers, in the order in which they were started."""
    found = [root]
    for fiber in found:
        found.extend(fiber.branches or ())
    return found


def _for_clean_up(envelope: Envelope | None) -> bool:
    """Whether a message serves the clean-up of a handler that is being cancelled."""
    while envelope is not None and envelope.asker is not None:
        if shielded(envelope.asker):
            return True
        envelope = envelope.asker.root.envelope
    return False


def _waits_for(process: Process) -> str:
    asked = sorted({other.name for other in (process.asks or {}).values()})
    if asked:
        return " and ".join(asked)
    waits = process.root.waiting if process.root is not None else None
    return f"room in {waits.target.name}'s mailbox" if isinstance(waits, Envelope) else "its own branches"


_OPERATIONS: Final[dict[type, Callable[[World, Fiber, Any], None]]] = {
    AskOp: mail.ask,
    SendOp: mail.send,
    PublishOp: mail.publish,
    SpawnOp: spawn,
    SleepOp: _sleep,
    JoinOp: branches.join,
    EffectOp: acting.act,
}

_ENTRIES: Final[dict[type, Callable[[Kernel, Any], None]]] = {
    Start: lambda kernel, delivery: entering.start(kernel.world, kernel.spec, delivery),
    External: lambda kernel, delivery: entering.external(kernel.world, delivery),
    Cancel: lambda kernel, delivery: entering.cancel(kernel.world, delivery),
    Dispatched: lambda kernel, delivery: acting.dispatch(kernel.world, delivery.effect),
    Tick: lambda _kernel, _delivery: None,
    Continue: lambda _kernel, _delivery: None,
    Outcome: lambda kernel, delivery: acting.outcome(kernel.world, delivery),
    Answer: lambda kernel, delivery: acting.answer(kernel.world, delivery),
    Resumed: lambda kernel, delivery: entering.go_on(kernel.world, delivery),
}
