"""What is remembered of a run: deliveries, and the records that each of them caused.

One delivery and its records are one *block*: a JSON array whose first element is the delivery. Each element is an
array that opens with its kind, so ``["asked", "writer/2/0.1", "critic", "Review", {...}]`` is readable with any
SQLite tool, and adding a field at the end keeps old blocks readable. The field order below is the format.

Identity is a path, not a counter: ``agent/turn/fiber.n`` is the n-th thing that a fiber did in that turn of that
agent, so that one inserted effect renames only what its own fiber did later.

Times are integer microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias, dataclass_transform

import msgspec

from agentops.errors import AgentOpsError
from agentops.kernel.chat import Usage
from agentops.kernel.gate import Amount
from agentops.kernel.tidy import plain, tidy

__all__ = [
    "Abandoned",
    "Answer",
    "Approval",
    "Asked",
    "Cancel",
    "Continue",
    "Crashed",
    "DeadLettered",
    "Decided",
    "Delivery",
    "Denied",
    "Dispatched",
    "Effect",
    "ErrorRecord",
    "External",
    "Finished",
    "Fired",
    "Guarded",
    "Halted",
    "Outcome",
    "Published",
    "Quarantined",
    "Record",
    "Replied",
    "Resumed",
    "Retrying",
    "Reused",
    "Sent",
    "Settled",
    "Spawned",
    "Start",
    "Tick",
    "Withdrawn",
    "read_block",
]

Raw = msgspec.Raw
NULL: Final = Raw(b"null")


class ErrorRecord(msgspec.Struct, frozen=True, array_like=True):
    """An error as it crosses the journal. ``type`` is one of `agentops.errors`; no traceback, no addresses."""

    type: str
    what: str
    hint: str = ""
    facts: dict[str, Any] = {}

    @classmethod
    def of(cls, error: AgentOpsError) -> ErrorRecord:
        """The record of an error."""
        return cls(type(error).__name__, tidy(error.what), tidy(error.hint), plain(error.facts))


@dataclass_transform(frozen_default=True)
class _Line(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of deliveries and records: an array that opens with its kind."""


# --- deliveries: what comes in, in the one order that counts -----------------------------------------------------


class Start(_Line, tag="start"):
    """The first delivery of a run."""

    at: int
    run: str
    """The run's id; also the seed of its random streams."""
    message: str
    """Type of the message that the root agent is asked."""
    body: Raw
    header: dict[str, Any] = {}
    """What the run was made of: playbook, agents and digests of their code, policy, budgets, versions."""


class Outcome(_Line, tag="outcome"):
    """The world's answer to an effect. ``status``: ``ok | error | cancelled | lost``."""

    at: int
    effect: str
    status: str
    value: Raw = NULL
    usage: Usage | None = None
    error: ErrorRecord | None = None


class Tick(_Line, tag="tick"):
    """Time has come to a deadline of the kernel's."""

    at: int


class Cancel(_Line, tag="cancel"):
    """Somebody cancels the run."""

    at: int
    reason: str


class Answer(_Line, tag="answer"):
    """A person's answer to an approval. ``verdict``: ``approve | deny``."""

    at: int
    approval: str
    verdict: str
    by: str = ""
    note: str = ""


class External(_Line, tag="external"):
    """A message from outside, under a key that is unique in its run."""

    at: int
    key: str
    to: str
    message: str
    body: Raw


class Continue(_Line, tag="continue"):
    """The previous delivery's time slice was over before everybody had come to rest."""

    at: int


class Dispatched(_Line, tag="dispatched"):
    """An effect that may not be repeated is about to be performed: from here on, a crash leaves it in doubt."""

    at: int
    effect: str


class Resumed(_Line, tag="resumed"):
    """A run goes on after a crash. ``lost``: effects without an outcome; ``doubtful``: those in doubt."""

    at: int
    lost: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


Delivery: TypeAlias = Start | Outcome | Tick | Cancel | Answer | External | Continue | Dispatched | Resumed


# --- records: what happened because of it ------------------------------------------------------------------------


class Spawned(_Line, tag="spawned"):
    """An agent came to be. ``parent`` is the agent that supervises it, or empty."""

    agent: str
    kind: str
    parent: str = ""


class Sent(_Line, tag="sent"):
    """A message was sent; nobody waits for an answer."""

    id: str
    to: str
    message: str
    body: Raw


class Asked(_Line, tag="asked"):
    """A message was sent whose sender waits for the answer."""

    id: str
    to: str
    message: str
    body: Raw


class Published(_Line, tag="published"):
    """A message went to everybody who listens to a topic: one record, whatever their number."""

    id: str
    topic: str
    message: str
    body: Raw
    recipients: int


class Replied(_Line, tag="replied"):
    """The answer to the question ``id``."""

    id: str
    body: Raw


class Effect(_Line, tag="effect"):
    """An effect was admitted, by ``rule``, with ``reserved`` held for it.

    Of a model, ``arguments`` names the head of its prompt: a chain of content-addressed messages.
    """

    id: str
    kind: str
    name: str
    arguments: Raw
    rule: str
    reserved: Amount | None = None
    because: str = ""


class Denied(_Line, tag="denied"):
    """An effect was refused, by ``rule``; it never left."""

    id: str
    kind: str
    name: str
    arguments: Raw
    rule: str
    error: ErrorRecord


class Approval(_Line, tag="approval"):
    """An effect waits for a person, because ``rule`` says so. ``effect`` is also the approval's id."""

    effect: str
    kind: str
    name: str
    arguments: Raw
    rule: str
    because: str = ""


class Settled(_Line, tag="settled"):
    """What an effect came to, where that is not what was reserved for it."""

    effect: str
    amount: Amount
    overrun: Amount | None = None


class Retrying(_Line, tag="retrying"):
    """A failed attempt will be made again at ``due``."""

    effect: str
    attempt: int
    due: int
    error: ErrorRecord


class Withdrawn(_Line, tag="withdrawn"):
    """An effect was given up in the delivery that asked for it: it never left."""

    effect: str


class Abandoned(_Line, tag="abandoned"):
    """Nobody waits for this effect any more; it stays open, and is settled, when its outcome comes."""

    effect: str


class Reused(_Line, tag="reused"):
    """A redelivered message came to an effect that its failed turn had completed: ``of`` was not repeated."""

    id: str
    of: str


class Decided(_Line, tag="decided"):
    """Somebody chose between ways. ``by``: an agent's name, a playbook's, ``model NAME`` or ``kernel``."""

    id: str
    question: str
    options: tuple[str, ...]
    chosen: str
    because: str = ""
    by: str = ""


class Guarded(_Line, tag="guarded"):
    """A guardrail did not simply pass. ``verdict``: ``redact | ask | block``."""

    at: str
    stage: str
    name: str
    guardrail: str
    verdict: str
    reason: str


class Fired(_Line, tag="fired"):
    """A deadline passed for the fiber ``at``."""

    at: str


class Crashed(_Line, tag="crashed"):
    """A turn failed. ``action``: what supervision did: ``told | restart | resume | stop | escalate | redeliver``."""

    turn: str
    error: ErrorRecord
    action: str


class Quarantined(_Line, tag="quarantined"):
    """A message made its agent fail again after redelivery and was set aside."""

    turn: str
    message: str


class DeadLettered(_Line, tag="dead"):
    """A message can no longer be handled by anybody."""

    to: str
    message: str
    reason: str


class Halted(_Line, tag="halted"):
    """The turn or branch ``at`` was cancelled."""

    at: str
    reason: str


class Finished(_Line, tag="finished"):
    """The run is over. ``status``: ``done | failed | stopped | denied | cancelled``."""

    status: str
    output: Raw = NULL
    error: ErrorRecord | None = None


Record: TypeAlias = (
    Spawned
    | Sent
    | Asked
    | Published
    | Replied
    | Effect
    | Denied
    | Approval
    | Settled
    | Retrying
    | Withdrawn
    | Abandoned
    | Reused
    | Decided
    | Guarded
    | Fired
    | Crashed
    | Quarantined
    | DeadLettered
    | Halted
    | Finished
)

_decode_lines: Final = msgspec.json.Decoder(list[Raw]).decode
_decode_delivery: Final = msgspec.json.Decoder(Delivery).decode
_decode_record: Final = msgspec.json.Decoder(Record).decode


def read_delivery(block: bytes) -> Delivery:
    """The delivery that a block opens with."""
    delivery: Delivery = _decode_delivery(_decode_lines(block)[0])
    return delivery


def read_block(block: bytes) -> tuple[Delivery, list[Record]]:
    """A block, decoded; raises `msgspec.MsgspecError` where it is not one."""
    lines = _decode_lines(block)
    return _decode_delivery(lines[0]), [_decode_record(line) for line in lines[1:]]
