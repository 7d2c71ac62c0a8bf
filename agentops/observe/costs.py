"""What a run used: calls, tokens and money, added up from its blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from agentops.kernel.gate import Amount
from agentops.kernel.records import Delivery, Dispatched, Effect, Outcome, Record, Settled, Withdrawn
from agentops.observe import told

__all__ = ["Totals", "Usage", "by_agent", "usage"]


class Totals(msgspec.Struct):
    """What some effects used. ``money`` is micro-dollars as charged; ``tokens`` as charged, whoever counted them.

    ``input_tokens`` and ``output_tokens`` are what providers reported; a call that reported nothing is charged as it
    was reserved, so the two need not add up to ``tokens``.
    """

    model_calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    money: int = 0

    def plain(self) -> dict[str, Any]:
        """As JSON, with ``dollars`` beside the micro-dollars."""
        return {**msgspec.structs.asdict(self), "dollars": self.money / 1_000_000}

    def text(self) -> str:
        """In one line, for a person."""
        parts = [
            told.plural(self.model_calls, "model call"),
            told.plural(self.tool_calls, "tool call"),
            told.plural(self.tokens, "token"),
            told.money(self.money),
        ]
        return ", ".join(parts)


class Usage(msgspec.Struct, frozen=True):
    """A run's totals, and those of each agent that used anything, by name."""

    totals: Totals
    agents: Mapping[str, Totals]


class _Open(msgspec.Struct):
    """An admitted effect that is not settled yet."""

    kind: str
    reserved: Amount


def usage(blocks: Iterable[tuple[Delivery, list[Record]]]) -> Totals:
    """The totals of a run, or of so much of it as the blocks tell. Effects that are still open count nothing."""
    return by_agent(blocks).totals


def by_agent(blocks: Iterable[tuple[Delivery, list[Record]]]) -> Usage:
    """The totals of a run and of each of its agents."""
    count = _Count()
    for delivery, records in blocks:
        count.block(delivery, records)
    return Usage(count.totals, dict(sorted(count.agents.items())))


class _Count:
    def __init__(self) -> None:
        self.totals = Totals()
        self.agents: dict[str, Totals] = {}
        self.open: dict[str, _Open] = {}
        self.current: dict[str, str] = {}
        """Effect id -> the key of its latest attempt."""

    def block(self, delivery: Delivery, records: list[Record]) -> None:
        answered = delivery.effect if isinstance(delivery, Outcome) else ""
        key = self.current.get(answered, "")
        settled: dict[str, Amount] = {}
        for record in records:
            match record:
                case Settled(effect=effect, amount=amount):
                    settled[effect] = amount
                case Withdrawn(effect=effect):
                    self.open.pop(self.current.pop(effect, ""), None)
        for effect in {*settled, key} & self.open.keys():
            self._close(effect, settled.get(effect), delivery if effect == key else None)
        if not isinstance(delivery, Dispatched):
            self._admitted(records)

    def _admitted(self, records: list[Record]) -> None:
        for record in records:
            if isinstance(record, Effect):
                self.current[record.id.partition("#")[0]] = record.id
                self.open[record.id] = _Open(record.kind, record.reserved or Amount())

    def _close(self, key: str, amount: Amount | None, delivery: Delivery | None) -> None:
        effect = self.open.pop(key)
        charged = effect.reserved if amount is None else amount
        agent = key.rsplit("/", 2)[0]
        reported = delivery.usage if isinstance(delivery, Outcome) else None
        for totals in (self.totals, self.agents.setdefault(agent, Totals())):
            totals.model_calls += effect.kind == "model"
            totals.tool_calls += effect.kind in {"tool", "act"}
            totals.money += charged.money
            if reported is not None:
                totals.input_tokens += reported.input_tokens
                totals.output_tokens += reported.output_tokens
            counted = 0 if reported is None else reported.input_tokens + reported.output_tokens
            totals.tokens += charged.tokens or counted
