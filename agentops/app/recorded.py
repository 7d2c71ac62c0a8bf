"""The calls of a recorded run, read from its blocks as plain values, for whoever judges them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec

from agentops.kernel.records import Answer, Approval, Delivery, Denied, Effect, Raw, Record, Withdrawn
from agentops.supervisor.backtest import CallOutcome, RecordedCall

__all__ = ["agent_of", "arguments_of", "base_of", "recorded_calls"]

Load: TypeAlias = Callable[[str], bytes]
"""A large payload by its digest."""
_CALLS = ("tool", "act")


def recorded_calls(blocks: Iterable[tuple[Delivery, Sequence[Record]]], load: Load) -> list[RecordedCall]:
    """Every call of a tool or a function that a run proposed, in the order in which it was decided on.

    Calls that still wait for a person stand at the end.
    """
    reader = _Reader(load)
    for delivery, records in blocks:
        if isinstance(delivery, Answer):
            reader.answered(delivery)
        for record in records:
            reader.take(record)
    return reader.finished()


def base_of(effect: str) -> str:
    """The effect's id without the number of the attempt."""
    turn, slash, own = effect.rpartition("/")
    return f"{turn}{slash}{own.partition('#')[0]}"


def agent_of(effect: str) -> str:
    """The agent that an effect's id names; agents that were brought into being have slashes in none of theirs."""
    return effect.rsplit("/", 2)[0]


def arguments_of(raw: Raw, load: Load) -> bytes:
    """Recorded arguments, whole: large ones are kept elsewhere under their digest."""
    data = bytes(raw)
    return load(msgspec.json.decode(data)["$payload"]) if data.startswith(b'{"$payload":"') else data


class _Reader:
    def __init__(self, load: Load) -> None:
        self._load = load
        self._calls: list[RecordedCall] = []
        self._last: dict[str, int] = {}
        """Where the last attempt of an effect stands among the calls."""
        self._waiting: dict[str, Approval] = {}
        self._approved: dict[str, str] = {}

    def answered(self, answer: Answer) -> None:
        if answer.verdict == "approve" and answer.approval in self._waiting:
            self._approved[answer.approval] = answer.by or "somebody"

    def take(self, record: Record) -> None:
        match record:
            case Approval(kind=kind) if kind in _CALLS:
                self._waiting[record.effect] = record
            case Effect(kind=kind) if kind in _CALLS:
                self._decided(record, "made")
            case Denied(kind=kind) if kind in _CALLS:
                refused = record.rule == "person" or record.error.type == "PermissionDenied"
                self._decided(record, "refused" if refused else "stopped")
            case Withdrawn():
                self._waiting.pop(record.effect, None)
                place = self._last.get(record.effect)
                if place is not None and self._calls[place].outcome == "made":
                    self._calls[place] = msgspec.structs.replace(self._calls[place], outcome="withdrawn")
            case _:
                pass

    def _decided(self, record: Effect | Denied, outcome: CallOutcome) -> None:
        base = base_of(record.id)
        self._waiting.pop(base, None)
        self._last[base] = len(self._calls)
        self._calls.append(self._call(record.id, record, outcome))

    def _call(self, effect: str, record: Effect | Denied | Approval, outcome: CallOutcome) -> RecordedCall:
        arguments, approved = arguments_of(record.arguments, self._load), self._approved.get(base_of(effect), "")
        return RecordedCall(effect, record.name, agent_of(effect), arguments, outcome, record.rule, approved)

    def finished(self) -> list[RecordedCall]:
        waiting = [each for each in self._waiting.values() if each.rule != "in-doubt"]
        return [*self._calls, *(self._call(each.effect, each, "waiting") for each in waiting)]
