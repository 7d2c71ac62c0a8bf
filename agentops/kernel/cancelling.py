"""Cancellation: of a branch, a stretch of code with a deadline, a turn, or the whole run.

It is level-triggered. A cancelled fiber is interrupted where it waits, and every effect that it asks for afterwards
raises `Cancelled` again, except inside ``async with self.cleanup(seconds)``. A fiber that swallows it `PATIENCE`
times is closed.

What a fiber waits for, and what becomes of that when the fiber is interrupted:

=================  =============================================================================================
waits for          then
=================  =============================================================================================
nothing (ready)    what it was to resume with is replaced
an effect          withdrawn if asked for in this same delivery; else abandoned: it stays open, and the world is
                   told that nobody waits for it
a person           the approval is withdrawn
an answer          the question is withdrawn, or the turn that is at work on it is cancelled too
room in a mailbox  the message is withdrawn
a timer            the timer is forgotten
its own branches   they are cancelled, and it goes on once they are over
=================  =============================================================================================
"""

from __future__ import annotations

from types import TracebackType
from typing import Final

from agentops.errors import Cancelled, RunError, TimedOut
from agentops.kernel.branches import settle_join
from agentops.kernel.effects import WORLD, JoinOp, SleepOp
from agentops.kernel.process import Envelope, Fiber, Process, Scope
from agentops.kernel.records import Abandoned, Fired, Halted, Withdrawn
from agentops.kernel.world import OpenEffect, World

__all__ = ["PATIENCE", "Shield", "Timeout", "cancel_fiber", "cancel_turn", "in_force", "shielded"]

PATIENCE: Final = 100
"""How often a fiber may swallow its cancellation before it is closed."""


def in_force(fiber: Fiber) -> BaseException | None:
    """The cancellation that an effect asked for here and now would meet; None: it may go ahead."""
    scope = fiber.scope
    while scope is not None:
        if scope.cancelled is not None:
            return scope.cancelled
        if scope.shield:
            return None
        scope = scope.parent
    return fiber.cancelled


def cancel_turn(world: World, process: Process, reason: str) -> None:
    """Cancel what an agent is at work on; it takes up its next message afterwards."""
    root = process.root
    if root is not None and not root.done and root.cancelled is None:
        world.record(Halted(root.path, reason))
        cancel_fiber(world, root, Cancelled(reason))


def cancel_fiber(world: World, fiber: Fiber, error: BaseException) -> None:
    """Cancel a fiber and its branches."""
    if fiber.done or fiber.cancelled is not None:
        return
    protected = in_force(fiber) is None and shielded(fiber)
    fiber.cancelled = error
    if protected:
        return
    for branch in fiber.branches or ():
        cancel_fiber(world, branch, error)
    _interrupt(world, fiber, error)


def shielded(fiber: Fiber) -> bool:
    """Whether the fiber is in a clean-up."""
    scope = fiber.scope
    while scope is not None:
        if scope.shield:
            return True
        scope = scope.parent
    return False


def _expire(world: World, scope: Scope) -> None:
    """A scope's time is up: cancel what it holds."""
    fiber = scope.fiber
    if fiber.done:
        return
    error = Cancelled("deadline passed", scope)
    scope.cancelled = error
    world.record(Fired(fiber.path))
    inner = fiber.scope
    while inner is not None and inner is not scope:
        if inner.shield:
            return
        inner = inner.parent
    _interrupt(world, fiber, error)


def _interrupt(world: World, fiber: Fiber, error: BaseException) -> None:
    """Make a fiber go on by raising ``error``, undoing its wait; see the table above."""
    waits = fiber.waiting
    if waits is None:
        if fiber is not world.current:
            fiber.value = None
            fiber.error = error
        return
    if isinstance(waits, JoinOp):
        if waits.owns:
            for branch in waits.branches:
                cancel_fiber(world, branch.fiber, error)
        settle_join(world, waits, error)
        return
    if isinstance(waits, Envelope):
        _give_up_mail(world, waits, fiber)
    elif isinstance(waits, OpenEffect):
        _give_up_effect(world, waits)
    elif isinstance(waits, SleepOp) and waits.timer is not None:
        waits.timer.live = False
    world.throw(fiber, error)


def _give_up_mail(world: World, envelope: Envelope, fiber: Fiber) -> None:
    if envelope.sender is fiber:
        envelope.sender = None
        if envelope.asker is None:
            envelope.dead = True
            world.record(Withdrawn(envelope.id))
            return
    asks = fiber.process.asks
    if asks is not None:
        asks.pop(envelope, None)
    envelope.asker = None
    envelope.answered = False
    root = envelope.target.root
    if root is not None and root.envelope is envelope:
        cancel_turn(world, envelope.target, "its asker was cancelled")
    else:
        envelope.dead = True
        world.record(Withdrawn(envelope.id))


def _give_up_effect(world: World, effect: OpenEffect) -> None:
    effect.fiber = None
    if effect.timer is not None:
        effect.timer.live = False
    if effect.request is not None and effect.request in world.requests:
        world.requests.remove(effect.request)
        withdrawn = True
    else:
        withdrawn = effect.state != "admitted"
    if withdrawn and effect.state != "doubtful":
        if effect.state == "admitted":
            world.gate.settle(effect.key, None, happened=False)
        del world.open[effect.id]
        world.record(Withdrawn(effect.id))
    else:
        world.record(Abandoned(effect.id))
        world.cancels.append(effect.id)


class _Scoped:
    """A stretch of a handler: pushed onto its fiber on entry, popped on exit."""

    __slots__ = ("_scope", "_seconds")
    _shield = False

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._scope: Scope | None = None

    async def __aenter__(self) -> None:
        world = WORLD.get()
        if world is None or world.current is None:
            msg = f"{type(self).__name__.lower()} belongs inside a handler that a run is stepping"
            raise RunError(msg, hint="Use it in an agent's handler.")
        scope = Scope(world.current, shield=self._shield)
        scope.timer = world.set_timer(self._seconds, lambda: _expire(world, scope))
        world.current.scope = scope
        self._scope = scope

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        scope = self._scope
        assert scope is not None  # noqa: S101 - entered before it is left
        if scope.timer is not None:
            scope.timer.live = False
        scope.fiber.scope = scope.parent
        if isinstance(error, Cancelled) and error.scope is scope:
            msg = f"no end within {self._seconds:g} seconds"
            raise TimedOut(msg, hint="Give it more time, or less to do.", seconds=self._seconds) from None


class Timeout(_Scoped):
    """``async with self.timeout(seconds)``: raises `TimedOut` when what is inside takes longer."""

    __slots__ = ()


class Shield(_Scoped):
    """``async with self.cleanup(seconds)``: effects inside go through although the handler is being cancelled."""

    __slots__ = ()
    _shield = True
