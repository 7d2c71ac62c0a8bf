"""Effects: proposed to the gate, recorded, requested; and what becomes of them when the world answers.

    asked for -> (person) -> admitted -> requested -> outcome -> settled -> delivered
                    |            |                       |
                  denied       denied            failed, transient: after a while proposed again

Each attempt is judged, reserved and settled anew. An effect whose asker has gone stays open until its outcome comes:
nothing that left is forgotten.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from agentops.errors import (
    AgentOpsError,
    InDoubt,
    PermissionDenied,
    RunError,
    revive,
)
from agentops.kernel.effects import EffectOp
from agentops.kernel.gate import Admission, Proposal
from agentops.kernel.mail import screened
from agentops.kernel.process import Fiber
from agentops.kernel.records import (
    Answer,
    Approval,
    Denied,
    Effect,
    ErrorRecord,
    Guarded,
    Outcome,
    Raw,
    Resumed,
    Retrying,
    Reused,
    Settled,
    Withdrawn,
)
from agentops.kernel.world import OpenEffect, Request, World
from agentops.messages import encode

__all__ = ["act", "answer", "dispatch", "outcome", "resumed"]

LONGEST_PAUSE: Final = 60.0
"""Seconds between two attempts, at the most, whatever a provider asks for."""


def act(world: World, fiber: Fiber, operation: EffectOp) -> None:
    """The fiber wants an effect."""
    effect = OpenEffect(world.next_id(), fiber, operation)
    memory = fiber.process.memory
    if memory:
        key = (effect.id.rsplit("/", 1)[1], operation.kind.name, operation.arguments)
        remembered = memory.pop(key, None)
        if remembered is not None:
            world.record(Reused(effect.id, remembered[0]))
            world.resume(fiber, operation.kind.decode(remembered[1]))
            return
    fiber.waiting = effect
    _propose(world, effect)


def _propose(world: World, effect: OpenEffect) -> None:
    operation = effect.operation
    agent = effect.id.rsplit("/", 2)[0]
    proposal = Proposal(
        effect.key,
        operation.kind.kind,
        operation.kind.name,
        agent,
        operation.arguments,
        world.now,
        operation.kind.tool,
        operation.request,
        effect.approved,
    )
    admission = world.gate.admit(proposal)
    for guardrail, verdict, reason in admission.verdicts:
        stage = "prompt" if operation.kind.kind == "model" else "tool_call"
        world.record(Guarded(proposal.effect, stage, operation.kind.name, guardrail, verdict, reason))
    arguments = operation.arguments if admission.arguments is None else admission.arguments
    shown = _shown(world, operation, arguments)
    if admission.verdict == "allow":
        _admit(world, effect, agent, admission, arguments, shown)
    elif admission.verdict == "ask":
        world.open[effect.id] = effect
        _ask_a_person(world, effect, "asking", shown, admission.rule, admission.because)
    else:
        world.open.pop(effect.id, None)
        error = admission.error or PermissionDenied(f"{operation.told()} was refused by {admission.rule}")
        world.records.append(
            Denied(
                proposal.effect, operation.kind.kind, operation.kind.name, shown, admission.rule, ErrorRecord.of(error)
            )
        )
        _fail(world, effect, error)


def _ask_a_person(world: World, effect: OpenEffect, state: str, shown: Raw, rule: str, because: str) -> None:
    effect.state = state
    effect.times_asked += 1
    effect.approval = Approval(effect.id, effect.operation.kind.kind, effect.operation.kind.name, shown, rule, because)
    world.records.append(effect.approval)


def _admit(world: World, effect: OpenEffect, agent: str, admission: Admission, arguments: bytes, shown: Raw) -> None:
    operation = effect.operation
    effect.state = "admitted"
    effect.reserved = admission.reserved
    effect.request = Request(
        effect.id,
        operation,
        arguments,
        agent,
        effect.attempt,
        admission.max_output_tokens,
        dispatched=operation.kind.effect in ("pure", "idempotent"),
    )
    world.open[effect.id] = effect
    world.requests.append(effect.request)
    world.records.append(
        Effect(
            effect.key,
            operation.kind.kind,
            operation.kind.name,
            shown,
            admission.rule,
            admission.reserved,
            admission.because,
        )
    )


def _shown(world: World, operation: EffectOp, arguments: bytes) -> Raw:
    """What the record says of the arguments: of a model call its settings and the head of its prompt chain."""
    request = operation.request
    if request is None:
        return world.payload(arguments)
    head = ""
    for message in request.messages:
        known = world.chain.get((head, message))
        if known is None:
            known = world.blob(encode({"after": head, "message": message}))
            world.chain[(head, message)] = known
        head = known
    said: dict[str, Any] = {"prompt": head, "max_output_tokens": request.max_output_tokens}
    if request.tools:
        said["tools"] = world.blob(encode(request.tools))
    if request.schema is not None:
        said["schema"] = world.blob(encode(request.schema))
        said["returns"] = request.schema_name
    if request.temperature is not None:
        said["temperature"] = request.temperature
    return Raw(encode(said))


def _fail(world: World, effect: OpenEffect, error: BaseException) -> None:
    fiber, effect.fiber = effect.fiber, None
    if fiber is not None:
        world.throw(fiber, error)


def dispatch(world: World, ident: str) -> None:
    """An effect that may not be repeated is about to be performed: let it, unless it was given up meanwhile."""
    effect = world.open.get(ident)
    if effect is None or effect.request is None:
        return
    if effect.fiber is None:
        world.gate.settle(effect.key, None, happened=False)
        del world.open[ident]
        world.record(Withdrawn(ident))
        return
    effect.dispatched = True
    effect.request = replace(effect.request, dispatched=True)
    world.requests.append(effect.request)


def outcome(world: World, delivery: Outcome) -> None:
    """The world has answered."""
    effect = world.open.get(delivery.effect)
    if effect is None or effect.state != "admitted":
        msg = f"an outcome came for {delivery.effect}, which is not open"
        raise RunError(msg, hint="Each admitted effect is answered once.", effect=delivery.effect)
    operation = effect.operation
    charge = world.gate.settle(effect.key, delivery.usage, happened=True)
    if charge is not None and (charge.overrun is not None or charge.settled != effect.reserved):
        world.record(Settled(effect.key, charge.settled, charge.overrun))
    effect.request = None
    if delivery.status == "ok":
        del world.open[effect.id]
        _deliver(world, effect, bytes(delivery.value))
        return
    said = delivery.error or ErrorRecord("EffectFailed", f"{operation.told()}: {delivery.status}")
    if effect.fiber is not None and said.facts.get("transient") and effect.attempt <= operation.kind.retries:
        _try_again(world, effect, said)
        return
    del world.open[effect.id]
    _fail(world, effect, revive(said.type, said.what, said.hint, said.facts))


def _try_again(world: World, effect: OpenEffect, said: ErrorRecord) -> None:
    wanted = said.facts.get("retry_after")
    pause = float(wanted) if wanted is not None else effect.operation.kind.backoff * 2 ** (effect.attempt - 1)
    effect.attempt += 1
    effect.state = "waiting"

    def again() -> None:
        effect.timer = None
        _propose(world, effect)

    effect.timer = world.set_timer(min(pause, LONGEST_PAUSE), again)
    world.record(Retrying(effect.id, effect.attempt, effect.timer.due, said))


def _deliver(world: World, effect: OpenEffect, value: bytes) -> None:
    fiber, operation = effect.fiber, effect.operation
    if fiber is None:
        return
    try:
        stage = "model_output" if operation.kind.kind == "model" else "tool_result"
        if stage in world.gate.stages:
            value = screened(world, stage, fiber.process.name, operation.kind.name, value)
        answer = operation.kind.decode(value)
    except AgentOpsError as error:
        _fail(world, effect, error)
        return
    if fiber.process.spec.cls.on_failure.redeliver:
        if fiber.process.memory is None:
            fiber.process.memory = {}
        path = effect.id.rsplit("/", 1)[1]
        fiber.process.memory[(path, operation.kind.name, operation.arguments)] = (effect.id, value)
    effect.fiber = None
    world.resume(fiber, answer)


def answer(world: World, delivery: Answer) -> None:
    """A person has answered an approval."""
    effect = world.open.get(delivery.approval)
    if effect is None or effect.state not in ("asking", "doubtful"):
        msg = f"nothing waits for an answer under {delivery.approval}"
        raise RunError(msg, hint="It may have been answered, or withdrawn, before.", effect=delivery.approval)
    effect.approval = None
    if effect.state == "doubtful":
        _resolve_doubt(world, effect, delivery)
    elif delivery.verdict == "approve":
        effect.approved = delivery.by or "somebody"
        _propose(world, effect)
    else:
        del world.open[effect.id]
        what = f"{effect.operation.told()} was denied by {delivery.by or 'a person'}"
        error = PermissionDenied(f"{what}: {delivery.note}" if delivery.note else what, rule="person")
        said = _shown(world, effect.operation, effect.operation.arguments)
        record = Denied(
            effect.id, effect.operation.kind.kind, effect.operation.kind.name, said, "person", ErrorRecord.of(error)
        )
        world.record(record)
        _fail(world, effect, error)


def _resolve_doubt(world: World, effect: OpenEffect, delivery: Answer) -> None:
    """A person says whether an effect in doubt is made again (approve), or taken as failed (deny)."""
    if delivery.verdict == "approve" and effect.fiber is not None:
        charge = world.gate.settle(effect.key, None, happened=True)
        if charge is not None:
            world.record(Settled(effect.key, charge.settled, charge.overrun))
        effect.attempt += 1
        effect.approved = delivery.by or "somebody"
        _propose(world, effect)
        return
    world.gate.settle(effect.key, None, happened=True)
    del world.open[effect.id]
    what = f"{effect.operation.told()} may or may not have happened before a crash, and was not repeated"
    _fail(world, effect, InDoubt(what, hint="See with your own eyes what it did.", effect=effect.id))


def resumed(world: World, delivery: Resumed) -> None:
    """A run goes on after a crash: what is safe to repeat is asked for again, the rest waits for a person.

    A lost model call may have been billed: it is charged as reserved, and made again under a new reservation. What
    nobody waits for any more is charged as reserved, and not made again.
    """
    for ident in delivery.lost:
        effect = world.open[ident]
        if effect.operation.kind.kind == "model" or effect.fiber is None:
            charge = world.gate.settle(effect.key, None, happened=True)
            if charge is not None:
                world.record(Settled(effect.key, charge.settled, charge.overrun))
            if effect.fiber is None:
                del world.open[ident]
                continue
            effect.attempt += 1
            _propose(world, effect)
        elif effect.request is not None:
            world.requests.append(effect.request)
    for ident in delivery.doubtful:
        effect = world.open[ident]
        shown = _shown(world, effect.operation, effect.operation.arguments)
        because = "it was dispatched before a crash, and its outcome is unknown"
        _ask_a_person(world, effect, "doubtful", shown, "in-doubt", because)
