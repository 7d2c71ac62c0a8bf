"""How what comes from outside enters a run: its start, messages, cancellation."""

from __future__ import annotations

from typing import Any

import msgspec

from agentops.errors import (
    AgentOpsError,
    BudgetExceeded,
    RunCancelled,
    UnhandledMessage,
    UnknownRecipient,
)
from agentops.kernel import acting, mail
from agentops.kernel.agent import AgentSpec
from agentops.kernel.process import Envelope, Process
from agentops.kernel.records import Cancel, DeadLettered, External, Resumed, Start
from agentops.kernel.spawning import create
from agentops.kernel.suggest import nearest
from agentops.kernel.world import SECOND, World

__all__ = ["RunSpec", "cancel", "external", "go_on", "start"]


class RunSpec(msgspec.Struct, frozen=True):
    """What a run is made of, as code: its agents, the one that is asked the first message, and how it is stepped."""

    agents: tuple[AgentSpec, ...]
    root: str
    model: str = ""
    """Full name of the model for agents that name none."""
    seconds: float | None = None
    """How long the run may take, in all; its budget's wall seconds."""
    slice: int = 4000
    """Steps per delivery, after which the kernel lets other deliveries in; a recorded `Continue` goes on."""


def start(world: World, spec: RunSpec, delivery: Start) -> None:
    """The run begins: its agents come to be, and the root agent is asked."""
    world.run = delivery.run
    world.gate.begin(world.now)
    world.seconds = spec.seconds
    _limit_time(world, world.now)
    for each in spec.agents:
        parent = _agent(world, each.parent) if each.parent else None
        create(world, each, each.name, parent)
    envelope = _envelope(world, "run", _agent(world, spec.root), delivery.message, bytes(delivery.body), "input")
    if envelope is not None:
        envelope.answered = True
        mail.post(world, envelope)


def go_on(world: World, delivery: Resumed) -> None:
    """A run goes on. The time since its last delivery is not counted as its own."""
    idle = world.now - world.before
    world.gate.postpone(idle)
    _limit_time(world, world.started + idle)
    world.fire_due()
    acting.resumed(world, delivery)


def _limit_time(world: World, since: int) -> None:
    """End the run when its seconds, counted from then, are used up."""
    world.started = since
    if world.time_limit is not None:
        world.time_limit.live = False
    if world.seconds is not None:
        limit = world.seconds
        left = limit - (world.now - since) / SECOND
        world.time_limit = world.set_timer(left, lambda: _out_of_time(world, limit))


def external(world: World, delivery: External) -> None:
    """A message from outside."""
    target = _agent(world, delivery.to)
    envelope = _envelope(world, delivery.key, target, delivery.message, bytes(delivery.body), "message")
    if target.stopped:
        world.record(DeadLettered(target.name, delivery.message, "the agent has stopped"))
    elif envelope is not None:
        mail.post(world, envelope)


def cancel(world: World, delivery: Cancel) -> None:
    """Somebody cancels the run: everybody is interrupted once the present delivery has come to rest."""
    world.end("cancelled", error=RunCancelled(f"cancelled: {delivery.reason}", reason=delivery.reason))


def _agent(world: World, name: str) -> Process:
    process = world.processes.get(name)
    if process is None:
        msg = f"no agent of this run is called {name!r}"
        raise UnknownRecipient(msg, hint=nearest(name, world.processes), recipient=name)
    return process


def _out_of_time(world: World, limit: float) -> None:
    error = BudgetExceeded(
        f"the run has used up its {limit:g} seconds",
        hint="Give it more with --budget seconds=..., or less to do.",
        scope="run",
        unit="seconds",
        limit=limit,
    )
    world.end("stopped", error=error)


def _envelope(world: World, ident: str, target: Process, kind: str, body: bytes, stage: Any) -> Envelope | None:
    """An envelope for a message from outside; None, and the run ends, where it does not fit or is blocked."""
    for handled, handler in target.handlers.items():
        if handled.__name__ == kind:
            codec = handler.accepts
            try:
                if stage in world.gate.stages:
                    body = mail.screened(world, stage, "", kind, body)
                message = codec.decode(body)
            except AgentOpsError as error:
                world.end({3: "stopped", 4: "denied"}.get(error.exit_code, "failed"), error=error)
                return None
            return Envelope(ident, target, codec, body, message if codec.frozen else None)
    msg = f"{target.name} does not handle {kind}"
    handled_names = sorted(each.__name__ for each in target.handlers)
    raise UnhandledMessage(msg, hint=nearest(kind, handled_names), recipient=target.name, message=kind)
