"""Mail: ask, send, publish, reply; bounded mailboxes, and the check for agents that wait for each other.

An agent handles one message at a time. A message is encoded when it is sent, and what the recipient gets is decoded
from those bytes. Mail between two agents keeps its order: who finds a full mailbox waits in line behind it.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from agentops.errors import AgentOpsError, DeadLetter, Deadlock, MessageInvalid, UnhandledMessage, UnknownRecipient
from agentops.kernel.effects import AskOp, PublishOp, SendOp
from agentops.kernel.process import Envelope, Fiber, Handler, Process
from agentops.kernel.records import Asked, DeadLettered, Guarded, Published, Replied, Sent
from agentops.kernel.suggest import nearest
from agentops.kernel.world import World
from agentops.messages import decode, encode

__all__ = ["ask", "begin_next", "bury", "deliver_failure", "post", "publish", "reply", "screened", "send"]


def ask(world: World, fiber: Fiber, operation: AskOp) -> None:
    """The fiber asks another agent and waits for the answer."""
    envelope = _address(world, operation.to, operation.message)
    process = fiber.process
    target = envelope.target
    envelope.timed = _is_timed(fiber)
    if target.root is not None or target is process:
        cycle = _cycle(process, target, timed=envelope.timed)
        if cycle is not None:
            raise _deadlock(cycle)
    envelope.asker = fiber
    envelope.answered = True
    world.records.append(Asked(envelope.id, target.name, envelope.codec.name, world.payload(envelope.body)))
    fiber.waiting = envelope
    if process.asks is None:
        process.asks = {}
    process.asks[envelope] = target
    post(world, envelope)


def send(world: World, fiber: Fiber, operation: SendOp) -> None:
    """The fiber sends; it waits only while the mailbox is full."""
    envelope = _address(world, operation.to, operation.message)
    world.records.append(Sent(envelope.id, envelope.target.name, envelope.codec.name, world.payload(envelope.body)))
    if post(world, envelope):
        world.resume(fiber, None)
    else:
        envelope.sender = fiber
        fiber.waiting = envelope


def publish(world: World, fiber: Fiber, operation: PublishOp) -> None:
    """The fiber publishes; it waits until the last of the full mailboxes has taken the message."""
    kind = type(operation.message)
    listeners = [
        process
        for process in world.topics.get(operation.topic, ())
        if kind in process.handlers and not process.stopped and process is not fiber.process
    ]
    ident = world.next_id()
    name = kind.__name__
    if not listeners:
        world.record(DeadLettered(f"topic {operation.topic}", name, "nobody listens"))
        if not operation.optional:
            msg = f"nobody listens to topic {operation.topic!r} for {name}"
            hint = f"Give an agent topics = [{operation.topic!r}] and a handler for {name}, or say optional=True."
            raise DeadLetter(msg, hint=hint, recipient=operation.topic, message=name, reason="nobody listens")
        world.resume(fiber, 0)
        return
    codec = listeners[0].handlers[kind].accepts
    body, message = _checked(world, fiber.process.name, codec, operation.message)
    world.record(Published(ident, operation.topic, name, world.payload(body), len(listeners)))
    last: Envelope | None = None
    shared = message if codec.frozen else None
    for process in listeners:
        envelope = Envelope(ident, process, codec, body, shared)
        if process.root is None and not process.mail:
            _begin(world, process, envelope)
        elif not post(world, envelope):
            last = envelope
    if last is None:
        world.resume(fiber, len(listeners))
    else:
        last.sender = fiber
        fiber.waiting = last


def post(world: World, envelope: Envelope) -> bool:
    """Put an envelope into its mailbox, or in line behind it; says whether there was room."""
    target = envelope.target
    if target.root is None and not target.mail:
        _begin(world, target, envelope)
        return True
    if target.parked or (target.mail is not None and len(target.mail) >= target.spec.cls.mailbox):
        if target.parked is None:
            target.parked = deque()
        target.parked.append(envelope)
        return False
    if target.mail is None:
        target.mail = deque()
    target.mail.append(envelope)
    return True


def begin_next(world: World, process: Process) -> None:
    """The process is free: let it take up its next message, if it has one."""
    while process.root is None and process.mail:
        envelope = process.mail.popleft()
        while process.parked and len(process.mail) < process.spec.cls.mailbox:
            waiting = process.parked.popleft()
            if not waiting.dead:
                process.mail.append(waiting)
                if waiting.sender is not None:
                    world.resume(waiting.sender, None)
                    waiting.sender = None
        if not envelope.dead:
            _begin(world, process, envelope)


def _begin(world: World, process: Process, envelope: Envelope) -> None:
    codec = envelope.codec
    message = envelope.message if envelope.message is not None else codec.decode(envelope.body)
    process.turns += 1
    handler = process.handlers[codec.kind]
    agent = process.agent
    coroutine = handler.function(agent, message) if agent is not None else _first_turn(process, handler, message)
    fiber = Fiber(process, "", coroutine, world.base.copy(), None, envelope, handler)
    process.root = fiber
    world.ready.append(fiber)


async def _first_turn(process: Process, handler: Handler, message: Any) -> Any:
    """A turn of an agent that does not exist yet: what its ``__init__`` does, and fails at, is this turn's."""
    agent = object.__new__(process.spec.cls)
    agent._process = process
    process.spec.cls.__init__(agent)
    process.agent = agent
    return await handler.function(agent, message)


def reply(world: World, envelope: Envelope, handler: Handler, value: Any) -> None:
    """Record the answer and hand it to whoever asked."""
    if not envelope.answered:
        return
    codec = handler.returns
    if isinstance(codec.kind, type) and value.__class__ is not codec.kind and hasattr(codec.kind, "__struct_fields__"):
        msg = f"handler {handler.name} of {envelope.target.name} returned {type(value).__name__}, not {codec.name}"
        raise MessageInvalid(msg, hint=f"Return a {codec.name}, or change the annotation.", message=codec.name)
    body, answer = _checked(world, envelope.target.name, codec, value)
    raw = world.payload(body)
    world.records.append(Replied(envelope.id, raw))
    asker = envelope.asker
    if asker is None:
        if envelope.id == "run":
            _output(world, body)
        return
    del asker.process.asks[envelope]  # type: ignore[union-attr]
    if codec.frozen or answer is not None:
        world.resume(asker, answer)
    else:
        world.resume(asker, codec.decode(body))


def deliver_failure(world: World, envelope: Envelope, error: AgentOpsError) -> bool:
    """Tell whoever asked that it failed; says whether anybody was told."""
    asker = envelope.asker
    if not envelope.answered or asker is None:
        return False
    del asker.process.asks[envelope]  # type: ignore[union-attr]
    world.throw(asker, error)
    return True


def bury(world: World, process: Process, reason: str) -> None:
    """The process will not take up its mail: whoever asked is told, the rest is dead letters, an error of the run."""
    waiting = [*(process.mail or ()), *(process.parked or ())]
    process.mail = process.parked = None
    for envelope in waiting:
        if envelope.dead:
            continue
        name = envelope.codec.name
        world.record(DeadLettered(process.name, name, reason))
        error = DeadLetter(
            f"{name} to {process.name} was never handled: {reason}",
            hint="Ask before the agent stops, or give it another on_failure strategy.",
            recipient=process.name,
            message=name,
            reason=reason,
        )
        if envelope.sender is not None:
            world.throw(envelope.sender, error)
        elif not deliver_failure(world, envelope, error):
            world.end("failed", error=error)


def screened(world: World, stage: Any, agent: str, name: str, body: bytes) -> bytes:
    """Have the guardrails of a stage look at a payload; what they leave of it. Raises where they block."""
    verdict = world.gate.screen(stage, agent, name, decode(body))
    where = world.current.path if world.current is not None else agent
    for guardrail, said, reason in verdict.verdicts:
        world.record(Guarded(where, stage, name, guardrail, said, reason))
    if verdict.error is not None:
        raise verdict.error
    return body if verdict.verdict == "pass" else encode(verdict.value)


def _output(world: World, body: bytes) -> None:
    if "output" in world.gate.stages:
        body = screened(world, "output", "", "output", body)
    world.end("done", output=world.payload(body))


def _checked(world: World, sender: str, codec: Any, message: Any) -> tuple[bytes, Any]:
    """The bytes of a message, screened, and the message decoded from them."""
    body = codec.encode(message)
    if "message" in world.gate.stages:
        body = screened(world, "message", sender, codec.name, body)
    return body, codec.decode(body)


def _address(world: World, to: str, message: Any) -> Envelope:
    """An envelope for a message, checked; raises where nobody would handle it."""
    ident = world.next_id()
    sender = world.current.process.name if world.current is not None else ""
    if not isinstance(to, str):
        raise MessageInvalid(f"a recipient is an agent's name, not {to!r}", hint="Give the name, as text.")
    target = _find(world, to, sender)
    if target is None:
        msg = f"no agent of this run is called {to!r}"
        raise UnknownRecipient(msg, hint=nearest(to, world.processes), recipient=to, known=sorted(world.processes))
    kind = type(message)
    handler = target.handlers.get(kind)
    if handler is None:
        handled = sorted(each.__name__ for each in target.handlers)
        msg = f"{to} does not handle {kind.__name__}; it handles {', '.join(handled) or 'nothing'}"
        signature = f"@handles async def on_{kind.__name__.lower()}(self, message: {kind.__name__})"
        hint = f"Add to {target.spec.cls.__name__}: {signature}"
        raise UnhandledMessage(msg, hint=hint, recipient=to, message=kind.__name__, handled=handled)
    codec = handler.accepts
    if target.stopped:
        world.record(DeadLettered(to, codec.name, "the agent has stopped"))
        msg = f"{codec.name} to {to}: the agent has stopped"
        raise DeadLetter(msg, recipient=to, message=codec.name, reason="the agent has stopped")
    body, checked = _checked(world, sender, codec, message)
    return Envelope(ident, target, codec, body, checked)


def _find(world: World, to: str, sender: str) -> Process | None:
    """The agent that ``sender`` means by a name: in a playbook called by another, first one of its own."""
    if "." in sender:
        own = world.processes.get(f"{sender.rpartition('.')[0]}.{to}")
        if own is not None:
            return own
    return world.processes.get(to)


def _is_timed(fiber: Fiber) -> bool:
    """Whether a deadline of its own would end this fiber's waiting."""
    scope = fiber.scope
    while scope is not None:
        if scope.timer is not None:
            return True
        scope = scope.parent
    return False


def _cycle(asker: Process, target: Process, *, timed: bool) -> list[str] | None:
    """The circle that would close if ``asker`` waited for ``target``; None where it would not, or would break."""
    if timed:
        return None
    if target is asker:
        return [asker.name, asker.name]
    seen = {target}
    paths: list[tuple[Process, list[str]]] = [(target, [asker.name, target.name])]
    while paths:
        process, path = paths.pop()
        for envelope, other in (process.asks or {}).items():
            if envelope.timed:
                continue
            if other is asker:
                return [*path, asker.name]
            if other not in seen and other.root is not None:
                seen.add(other)
                paths.append((other, [*path, other.name]))
    return None


def _deadlock(cycle: list[str]) -> Deadlock:
    told = " -> ".join(cycle)
    return Deadlock(
        f"agents would wait for each other: {told}",
        hint="Let one of them send instead of ask, answer before it asks back, or ask within self.timeout(...).",
        cycle=cycle,
    )
