"""Branches: code of one handler that runs side by side with the rest of it, and the waits for it.

Branches are structured in the turn: it is over when the last of them is. What they did, and in which order they
ended, is the kernel's order, never the event loop's.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar

from agentops.errors import Cancelled, RunError
from agentops.kernel.effects import JoinOp, Operation
from agentops.kernel.process import Fiber
from agentops.kernel.world import World

__all__ = ["Branch", "branch_done", "join", "settle_join"]

T = TypeVar("T")


class Branch(Generic[T]):
    """A piece of a handler that runs beside it. ``await`` it, as often as wanted, for its result or its failure."""

    __slots__ = ("fiber",)

    def __init__(self, world: World, awaitable: Awaitable[T]) -> None:
        parent = world.current
        if parent is None:
            msg = "a branch was started outside a handler"
            raise RunError(msg, hint="Call self.start, gather, settle or first from a handler that a run steps.")
        if isinstance(awaitable, Branch):
            self.fiber: Fiber = awaitable.fiber
            return
        if isinstance(awaitable, Operation) and parent.root.made is not None:
            parent.root.made.pop(id(awaitable), None)
        coroutine = awaitable if inspect.iscoroutine(awaitable) else _just(awaitable)
        fiber = Fiber(parent.process, world.next_id(), coroutine, parent.context.copy(), parent.root)
        fiber.cancelled = _in_force(parent)
        if parent.branches is None:
            parent.branches = []
        parent.branches.append(fiber)
        parent.root.live += 1
        world.ready.append(fiber)
        self.fiber = fiber

    def __await__(self) -> Generator[Any, Any, T]:
        result: T = yield JoinOp([self], "one", owns=False)
        return result

    @property
    def done(self) -> bool:
        """Whether it has ended."""
        return self.fiber.done


async def _just(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


def _in_force(fiber: Fiber) -> BaseException | None:
    """The cancellation that a branch started here would be born under."""
    scope = fiber.scope
    while scope is not None:
        if scope.cancelled is not None:
            return scope.cancelled
        if scope.shield:
            return None
        scope = scope.parent
    return fiber.cancelled


def join(world: World, fiber: Fiber, operation: JoinOp) -> None:
    """The fiber waits for branches."""
    operation.fiber = fiber
    fiber.waiting = operation
    for branch in operation.branches:
        child = branch.fiber
        if child.done:
            _note(operation, child)
        else:
            operation.pending += 1
            if child.watchers is None:
                child.watchers = []
            child.watchers.append(operation)
    _conclude(world, operation)


def branch_done(world: World, child: Fiber) -> None:
    """A branch has ended: tell the waits that watch it."""
    watchers, child.watchers = child.watchers, None
    for operation in watchers or ():
        if operation.fiber is None:
            continue
        operation.pending -= 1
        _note(operation, child)
        _conclude(world, operation)


def settle_join(world: World, operation: JoinOp, error: BaseException) -> None:
    """The waiting fiber is being cancelled: raise once the branches that live with the wait are over."""
    operation.cancelled = error
    _conclude(world, operation)


def _note(operation: JoinOp, child: Fiber) -> None:
    """Remember the one that decides: of ``first`` the first to end, of ``all`` the first to fail."""
    decides = operation.mode == "first" or (operation.mode in ("all", "one") and child.failure is not None)
    if operation.winner is None and decides:
        operation.winner = child


def _conclude(world: World, operation: JoinOp) -> None:
    """Resume the waiting fiber if its wait is over; cancel what lives with a wait that is decided."""
    fiber = operation.fiber
    decided = operation.winner is not None or operation.cancelled is not None
    if operation.pending and decided and operation.owns:
        for branch in operation.branches:
            if not branch.fiber.done and branch.fiber.cancelled is None:
                world.condemned.append((branch.fiber, Cancelled("no longer needed")))
    if operation.pending and (operation.owns or not decided):
        return
    operation.fiber = None
    if fiber is None:
        return
    for branch in operation.branches:
        branch.fiber.seen = True
    if operation.cancelled is not None:
        world.throw(fiber, operation.cancelled)
    else:
        _answer(world, fiber, operation)


def _answer(world: World, fiber: Fiber, operation: JoinOp) -> None:
    children = [branch.fiber for branch in operation.branches]
    if operation.mode == "settle":
        world.resume(fiber, [child.result if child.failure is None else child.failure for child in children])
        return
    winner = operation.winner
    if winner is not None and winner.failure is not None:
        world.throw(fiber, winner.failure)
    elif operation.mode == "all":
        world.resume(fiber, [child.result for child in children])
    elif operation.mode == "first":
        world.resume(fiber, (children.index(winner), winner.result))
    else:
        world.resume(fiber, children[0].result)
