"""The decision path: from a run's blocks, the tree of who asked whom, what they did, and who chose what and why.

A turn of an agent stands below the message that it handles, and that stands in the turn that sent it; so the tree is
the run as a conversation, with every call, verdict and choice where it was made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from agentops.kernel import records as r
from agentops.observe.mailboxes import START, Mailboxes, agent_of, turn_of
from agentops.observe.steps import Step

__all__ = ["decision_path"]

_FIELDS: Final[dict[type, tuple[str, dict[str, str]]]] = {
    r.Denied: ("denied", {"kind": "what", "name": "name", "arguments": "arguments", "rule": "rule", "error": "error"}),
    r.Decided: (
        "decided",
        {"question": "question", "options": "options", "chosen": "chosen", "because": "because", "by": "by"},
    ),
    r.Guarded: (
        "guarded",
        {"guardrail": "guardrail", "verdict": "verdict", "stage": "stage", "name": "name", "reason": "reason"},
    ),
    r.Reused: ("reused", {"of": "of"}),
    r.Crashed: ("crashed", {"error": "error", "action": "action"}),
    r.Quarantined: ("quarantined", {"message": "type"}),
    r.DeadLettered: ("dead", {"to": "to", "message": "type", "reason": "reason"}),
    r.Halted: ("halted", {"reason": "reason"}),
    r.Fired: ("timeout", {}),
    r.Finished: ("finished", {"status": "status", "output": "output", "error": "error"}),
}
"""Records that become a step as they are: its kind, and which fields become which facts."""

Block = tuple[r.Delivery, Sequence[r.Record]]


def decision_path(
    blocks: Iterable[Block], load: Callable[[str], bytes], *, run: str = "", playbook: str = "", status: str = ""
) -> Step:
    """The path of a run as a tree, its root of kind ``run``. ``load`` gives a large payload by its digest."""
    kept = list(blocks)
    builder = _Builder(Mailboxes(kept), load)
    for delivery, records in kept:
        builder.block(delivery, records)
    root = builder.root
    root.id = root.id or run
    root.facts = {"playbook": playbook, "status": status, **root.facts}
    return root


class _Builder:
    """Goes through the blocks once; every step is put where it belongs as it comes."""

    def __init__(self, mailboxes: Mailboxes, load: Callable[[str], bytes]) -> None:
        self.root = Step("run")
        self._mail = mailboxes
        self._load = load
        self._turns: dict[str, Step] = {}
        """``agent/turn`` -> the step below which its doings stand."""
        self._messages: dict[str, Step] = {}
        self._effects: dict[str, Step] = {}
        self._approvals: dict[str, Step] = {}
        self._here = self.root
        """Where what says no place of its own belongs: the turn that did something last in this block."""
        self._latest: dict[str, Step] = {}
        """Agent -> the turn in which it did something last."""
        self._started = False

    def block(self, delivery: r.Delivery, records: Sequence[r.Record]) -> None:
        at = delivery.at
        self._here = self.root
        self._deliver(delivery, at)
        for record in records:
            self._take(record, at)
        self._started = True

    # --- what came in -------------------------------------------------------------------------------------------

    def _deliver(self, delivery: r.Delivery, at: int) -> None:
        match delivery:
            case r.Start():
                self.root.id, self.root.at = delivery.run, at
                self.root.facts["started"] = at
                self._message("start", START, self._mail.root, delivery.message, delivery.body, at, self.root)
            case r.External():
                self._message("external", delivery.key, delivery.to, delivery.message, delivery.body, at, self.root)
            case r.Outcome():
                self._outcome(delivery, at)
            case r.Answer():
                self._answered(delivery)
            case r.Resumed():
                facts = {"again": list(delivery.lost), "doubtful": list(delivery.doubtful)}
                self.root.steps.append(Step("resumed", at=at, facts=facts))
            case r.Cancel():
                self.root.steps.append(Step("cancelled", at=at, facts={"reason": delivery.reason}))
            case _:
                pass

    def _outcome(self, delivery: r.Outcome, at: int) -> None:
        step = self._effects.get(delivery.effect)
        if step is None:
            return
        self._here = self._place(step.id)
        step.facts["status"] = delivery.status
        step.facts["seconds"] = (at - step.at) / 1_000_000
        if delivery.error is not None:
            step.facts["error"] = _error(delivery.error)
        else:
            step.facts["answer"] = self._plain(delivery.value)
        if delivery.usage is not None:
            step.facts["usage"] = msgspec.to_builtins(delivery.usage)

    def _answered(self, delivery: r.Answer) -> None:
        step = self._approvals.get(delivery.approval)
        if step is not None:
            step.facts |= {"verdict": delivery.verdict, "by": delivery.by, "note": delivery.note}

    # --- what came of it ----------------------------------------------------------------------------------------

    def _take(self, record: r.Record, at: int) -> None:
        match record:
            case r.Asked() | r.Sent():
                kind = "ask" if isinstance(record, r.Asked) else "send"
                self._message(kind, record.id, record.to, record.message, record.body, at, self._place(record.id))
            case r.Published():
                self._publish(record, at)
            case r.Replied():
                self._reply(record)
            case r.Effect():
                self._effect(record, at)
            case r.Approval():
                self._approval(record, at)
            case r.Settled():
                self._settled(record)
            case r.Retrying():
                facts = {"attempt": record.attempt, "error": _error(record.error)}
                facts["seconds"] = (record.due - at) / 1_000_000
                self._add("retry", record.effect, at, facts)
            case r.Withdrawn() | r.Abandoned():
                self._given_up(record)
            case r.Spawned():
                self._spawned(record, at)
            case _:
                kind, names = _FIELDS[type(record)]
                facts = {fact: self._fact(getattr(record, field)) for field, fact in names.items()}
                if isinstance(record, r.Finished):
                    self.root.facts |= {"status": record.status, "ended": at}
                    self.root.steps.append(Step(kind, at=at, facts=facts))
                else:
                    self._add(kind, _where(record), at, facts)

    def _message(self, kind: str, ident: str, to: str, name: str, body: Any, at: int, place: Step) -> None:
        sender = agent_of(ident) if kind in {"ask", "send"} else ""
        turns = self._mail.handled(ident)
        facts = {"from": sender, "to": to, "type": name, "body": self._plain(body), "turn": turns[0] if turns else ""}
        step = Step(kind, ident, sender, at, facts)
        place.steps.append(step)
        self._messages[ident] = step
        for turn in turns:
            self._turns[turn] = step

    def _publish(self, record: r.Published, at: int) -> None:
        facts = {"topic": record.topic, "type": record.message, "body": self._plain(record.body)}
        step = self._add("publish", record.id, at, {**facts, "recipients": record.recipients})
        for turn in self._mail.handled(record.id):
            agent = agent_of(turn)
            below = Step("turn", turn, agent, at, {"agent": agent, "turn": turn})
            step.steps.append(below)
            self._turns[turn] = below

    def _reply(self, record: r.Replied) -> None:
        step = self._messages.get(record.id)
        if step is not None:
            step.facts["answer"] = self._plain(record.body)

    def _effect(self, record: r.Effect, at: int) -> None:
        facts = {"name": record.name, "arguments": self._plain(record.arguments), "rule": record.rule}
        facts |= {"because": record.because, "status": "open"}
        if record.reserved is not None:
            facts |= {"tokens": record.reserved.tokens, "money": record.reserved.money}
        step = self._add(record.kind, record.id, at, facts)
        self._effects[record.id.partition("#")[0]] = step
        self._effects[record.id] = step

    def _approval(self, record: r.Approval, at: int) -> None:
        facts = {"what": record.kind, "name": record.name, "arguments": self._plain(record.arguments)}
        facts |= {"rule": record.rule, "because": record.because, "verdict": "", "by": "", "note": ""}
        self._approvals[record.effect] = self._add("approval", record.effect, at, facts)

    def _settled(self, record: r.Settled) -> None:
        step = self._effects.get(record.effect)
        if step is not None:
            step.facts |= {"tokens": record.amount.tokens, "money": record.amount.money}
            if record.overrun is not None:
                step.facts["overrun"] = msgspec.to_builtins(record.overrun)

    def _given_up(self, record: r.Withdrawn | r.Abandoned) -> None:
        step = (
            self._effects.get(record.effect) or self._messages.get(record.effect) or self._approvals.get(record.effect)
        )
        if step is not None:
            step.facts["status" if isinstance(record, r.Withdrawn) else "abandoned"] = (
                "withdrawn" if isinstance(record, r.Withdrawn) else True
            )

    def _spawned(self, record: r.Spawned, at: int) -> None:
        facts = {"agent": record.agent, "class": record.kind, "parent": record.parent}
        if not self._started and self._here is self.root:
            self.root.facts.setdefault("agents", []).append(facts)
            return
        place = self._latest.get(record.parent) or self._turns.get(f"{record.parent}/1", self._here)
        place.steps.append(Step("spawned", "", record.parent, at, facts))

    # --- help ---------------------------------------------------------------------------------------------------

    def _add(self, kind: str, ident: str, at: int, facts: dict[str, Any]) -> Step:
        step = Step(kind, ident, agent_of(ident), at, facts)
        self._place(ident).steps.append(step)
        return step

    def _place(self, path: str) -> Step:
        """Where a doing belongs: below its turn, else with what was done just before."""
        found = self._turns.get(turn_of(path))
        if found is not None:
            self._here = self._latest[agent_of(path)] = found
        return self._here

    def _fact(self, value: Any) -> Any:
        if isinstance(value, msgspec.Raw):
            return self._plain(value)
        return _error(value) if isinstance(value, r.ErrorRecord) else msgspec.to_builtins(value)

    def _plain(self, raw: Any) -> Any:
        """A recorded value as plain JSON, a large one loaded."""
        value = msgspec.json.decode(bytes(raw))
        if isinstance(value, dict) and value.keys() == {"$payload"}:
            return msgspec.json.decode(self._load(value["$payload"]))
        return value


def _where(record: Any) -> str:
    for name in ("id", "at", "turn"):
        path = getattr(record, name, None)
        if isinstance(path, str):
            return path
    return ""


def _error(error: r.ErrorRecord) -> dict[str, Any]:
    return {"type": error.type, "what": error.what, "hint": error.hint}
