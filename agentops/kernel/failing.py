"""The end of a turn: an answer, or a failure and what supervision makes of it.

Whoever asked is told of a failure, always. What happens to the agent is its `Restart` strategy's business; a failure
that nobody was told, or that comes too often, goes up the tree of supervisors, and at the top fails the run.
"""

from __future__ import annotations

import traceback
from collections import deque
from typing import Any, Final

from agentops.errors import (
    AgentOpsError,
    Cancelled,
    HandlerFailed,
    MessageQuarantined,
    RestartLimit,
    RunCancelled,
    RunError,
)
from agentops.kernel.cancelling import cancel_turn
from agentops.kernel.foreign import shown
from agentops.kernel.mail import begin_next, bury, deliver_failure, reply
from agentops.kernel.process import Envelope, Fiber, Process
from agentops.kernel.records import Crashed, ErrorRecord, Quarantined
from agentops.kernel.tidy import tidy
from agentops.kernel.world import SECOND, World

__all__ = ["as_error", "turn_over"]

_EXIT_STATUS: Final = {3: "stopped", 4: "denied", 130: "cancelled"}


def turn_over(world: World, root: Fiber) -> None:
    """The last fiber of a turn is done: answer, or fail; then the agent takes up its next message."""
    process = root.process
    envelope = root.envelope
    assert envelope is not None  # noqa: S101 - a turn's root carries what it handles
    quiet = root.failure is None and root.branches is None and not root.made
    failure = None if quiet else _failure_of(root)
    process.root = None
    memory, process.memory = process.memory, None
    if failure is None:
        if envelope.answered and root.handler is not None:
            try:
                reply(world, envelope, root.handler, root.result)
            except AgentOpsError as error:
                _failed(world, process, root, error)
    elif isinstance(failure, Cancelled) and root.cancelled is not None:
        _cancelled(world, envelope, failure)
    else:
        _failed(world, process, root, failure)
    if envelope.redelivered and process.mail and process.mail[0] is envelope:
        process.memory = memory
    if root.branches is not None:
        for branch in root.branches:
            _release(branch)
    root.release()
    if process.mail:
        begin_next(world, process)


def _release(branch: Fiber) -> None:
    for inner in branch.branches or ():
        _release(inner)
    branch.release()


def _failure_of(root: Fiber) -> BaseException | None:
    """Why a turn failed: by itself, by a branch that nobody awaited, or by what it made and never awaited."""
    if root.failure is not None:
        return root.failure
    unseen = _unseen(root) if root.branches is not None else None
    if unseen is not None or not root.made:
        return unseen
    left = ", ".join(operation.told() for operation in root.made.values())
    return RunError(f"{root.path} made and never awaited: {left}", hint="Write await in front of it.")


def _unseen(root: Fiber) -> BaseException | None:
    """The failure of a branch that nobody awaited, if there is one."""
    waiting = list(root.branches or ())
    while waiting:
        branch = waiting.pop(0)
        if branch.failure is not None and not branch.seen and not isinstance(branch.failure, Cancelled):
            return branch.failure
        waiting.extend(branch.branches or ())
    return None


def _cancelled(world: World, envelope: Envelope, failure: Cancelled) -> None:
    error = RunCancelled(f"{envelope.target.name} was cancelled: {failure.reason}", reason=failure.reason)
    if not deliver_failure(world, envelope, error) and envelope.id == "run":
        world.end("cancelled", error=error)


def as_error(failure: BaseException, root: Fiber) -> AgentOpsError:
    """A failure as one of our errors, with file and line of the handler that it left, without addresses."""
    if isinstance(failure, AgentOpsError):
        return failure
    frames = traceback.extract_tb(failure.__traceback__)
    own = [frame for frame in frames if "/agentops/kernel/" not in frame.filename.replace("\\", "/")]
    deepest = 0 if isinstance(failure, RecursionError) else -1  # how deep a recursion got differs between runs
    at = (own or frames)[deepest] if frames else None
    handler = root.handler.name if root.handler is not None else "?"
    file = shown(at.filename) if at is not None else ""
    text = "recursion too deep" if isinstance(failure, RecursionError) else tidy(str(failure))
    return HandlerFailed(
        f"{root.process.name}.{handler} raised {type(failure).__name__}: {text}",
        hint=f"See {file}, line {at.lineno}." if at is not None else "",
        agent=root.process.name,
        handler=handler,
        error=type(failure).__name__,
        file=file,
        line=at.lineno if at is not None else 0,
    )


def _failed(world: World, process: Process, root: Fiber, failure: BaseException) -> None:
    error = as_error(failure, root)
    envelope = root.envelope
    assert envelope is not None  # noqa: S101 - a turn's root carries what it handles
    strategy = process.spec.cls.on_failure
    action = strategy.strategy
    if world.ending is not None and world.ending.status != "done":
        world.record(Crashed(root.path, ErrorRecord.of(error), "ending"))
        deliver_failure(world, envelope, error)
        return
    if envelope.redelivered:
        world.record(Quarantined(root.path, envelope.codec.name))
        what = f"{envelope.codec.name} made {process.name} fail again after redelivery, and was set aside: {error.what}"
        error = MessageQuarantined(what, hint=error.hint, agent=process.name, message=envelope.codec.name)
    elif strategy.redeliver and action in ("restart", "resume") and not _too_often(world, process):
        world.record(Crashed(root.path, ErrorRecord.of(error), "redeliver"))
        _start_afresh(process, keep_state=action == "resume")
        envelope.redelivered = True
        if process.mail is None:
            process.mail = deque()
        process.mail.appendleft(envelope)  # before what came after it
        return
    told = deliver_failure(world, envelope, error)
    _supervise(world, process, root.path, error, action, told=told)


def _supervise(world: World, process: Process, path: str, error: AgentOpsError, action: Any, *, told: bool) -> None:
    """Apply a strategy to a process that failed."""
    if action in ("restart", "resume") and _too_often(world, process):
        strategy = process.spec.cls.on_failure
        what = f"{process.name} failed more than {strategy.at_most} times in {strategy.within:g} seconds: {error.what}"
        error = RestartLimit(
            what, hint=error.hint, agent=process.name, restarts=strategy.at_most, within=strategy.within
        )
        action, told = "escalate", False
    if action == "escalate" and told:
        world.record(Crashed(path, ErrorRecord.of(error), "told"))
        _start_afresh(process, keep_state=False)
        return
    world.record(Crashed(path, ErrorRecord.of(error), action))
    if action == "stop":
        process.stopped = True
        bury(world, process, "the agent has stopped")
    elif action == "escalate":
        _start_afresh(process, keep_state=False)
        _escalate(world, process, error)
    else:
        _start_afresh(process, keep_state=action == "resume")


def _escalate(world: World, process: Process, error: AgentOpsError) -> None:
    """Hand a failure to the supervisor of the agent that failed."""
    parent = process.parent
    if parent is None:
        world.end(_EXIT_STATUS.get(error.exit_code, "failed"), error=error)
        return
    action = parent.spec.cls.on_failure.strategy
    if parent.root is not None:
        cancel_turn(world, parent, f"{process.name}, which it supervises, failed")
    for child in parent.children or ():
        if action in ("restart", "stop", "escalate") and not child.stopped:
            child.stopped = True
            cancel_turn(world, child, f"its supervisor {parent.name} was restarted")
            bury(world, child, f"its supervisor {parent.name} was restarted")
    _supervise(world, parent, parent.name, error, action, told=False)


def _too_often(world: World, process: Process) -> bool:
    """Count a failure; says whether that is one more than the strategy forgives."""
    strategy = process.spec.cls.on_failure
    since = world.now - round(strategy.within * SECOND)
    recent = [at for at in process.failures or () if at > since]
    recent.append(world.now)
    process.failures = recent
    return len(recent) > strategy.at_most


def _start_afresh(process: Process, *, keep_state: bool) -> None:
    if not keep_state:
        process.agent = None
