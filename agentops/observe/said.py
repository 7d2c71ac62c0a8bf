"""What was said in a run: every message, answer and outcome as a plain value, who said it, and who had it to work with.

A turn of an agent has something to work with: the message that it handles, the answers to what it asks, the outcomes
of what it calls, and whatever its earlier turns had. `Conversation` keeps that, in the order of the record.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from agentops.kernel import records as r
from agentops.observe.mailboxes import START, Mailboxes, agent_of, turn_of

__all__ = ["Conversation", "Said"]

Block = tuple[r.Delivery, Sequence[r.Record]]


class Said(msgspec.Struct, frozen=True, eq=False):
    """One value, as it was said.

    ``kind``: ``input`` (of the run), ``external``, ``message``, ``reply``, or an effect's: ``tool``, ``model``,
    ``act``, ``person``.
    """

    kind: str
    id: str
    """The path of the message or effect; of a reply, that of the message that it answers."""
    name: str
    """The message's type, or the tool's or model's name; empty of a reply."""
    turn: str
    """The turn that said it, or called for it, as ``agent/number``; empty: it came from outside."""
    value: Any
    to: str = ""
    arguments: Any = None
    rule: str = ""

    @property
    def agent(self) -> str:
        """Whose turn it was."""
        return agent_of(self.turn)


class Conversation:
    """Every value of a run, in order. ``load`` gives a large payload by its digest."""

    def __init__(self, blocks: Iterable[Block], load: Callable[[str], bytes]) -> None:
        kept = list(blocks)
        self._mail = Mailboxes(kept)
        self._load = load
        self.said: list[Said] = []
        self.output: Any = None
        self.error: dict[str, Any] | None = None
        self.status = ""
        self._effects: dict[str, r.Effect] = {}
        self._handles: dict[str, str] = {}
        """Turn -> the message that it handles."""
        self._had: dict[str, list[Said]] = defaultdict(list)
        self._messages: dict[str, Said] = {}
        for delivery, records in kept:
            self._delivery(delivery)
            for record in records:
                self._record(record)

    # --- questions ----------------------------------------------------------------------------------------------

    def had(self, turn: str) -> Iterator[Said]:
        """What a turn had to work with, the latest turn of that agent first."""
        agent, _, number = turn.partition("/")
        for each in range(int(number or 0), 0, -1):
            yield from self._had.get(f"{agent}/{each}", ())

    def called(self, turn: str) -> list[Said]:
        """The outcomes of what a turn called, in order."""
        return [each for each in self._had.get(turn, ()) if each.kind not in {"input", "external", "message", "reply"}]

    def handled(self, turn: str) -> Said | None:
        """The message that a turn handles."""
        return self._messages.get(self._handles.get(turn, ""))

    def asked(self, reply: Said) -> Said | None:
        """The message that a reply answers."""
        return self._messages.get(reply.id)

    # --- reading ------------------------------------------------------------------------------------------------

    def _delivery(self, delivery: r.Delivery) -> None:
        match delivery:
            case r.Start():
                value = self.plain(delivery.body)
                self._message(Said("input", START, delivery.message, "", value, self._mail.root))
            case r.External():
                value = self.plain(delivery.body)
                self._message(Said("external", delivery.key, delivery.message, "", value, delivery.to))
            case r.Outcome(status="ok") if delivery.effect in self._effects:
                effect = self._effects[delivery.effect]
                turn = turn_of(delivery.effect)
                value, arguments = self.plain(delivery.value), self.plain(effect.arguments)
                said = Said(effect.kind, delivery.effect, effect.name, turn, value, "", arguments, effect.rule)
                self._say(said, [turn])
            case _:
                pass

    def _record(self, record: r.Record) -> None:
        match record:
            case r.Asked() | r.Sent():
                value = self.plain(record.body)
                self._message(Said("message", record.id, record.message, turn_of(record.id), value, record.to))
            case r.Published():
                value = self.plain(record.body)
                self._message(Said("message", record.id, record.message, turn_of(record.id), value, record.topic))
            case r.Replied():
                turns = self._mail.handled(record.id)
                asker = turn_of(record.id)
                self._say(Said("reply", record.id, "", turns[-1] if turns else "", self.plain(record.body)), [asker])
            case r.Effect():
                self._effects[record.id.partition("#")[0]] = record
            case r.Finished():
                self.output, self.status = self.plain(record.output), record.status
                if record.error is not None:
                    error = record.error
                    self.error = {"type": error.type, "what": error.what, "hint": error.hint}
            case _:
                pass

    def _message(self, said: Said) -> None:
        turns = self._mail.handled(said.id)
        self._messages[said.id] = said
        for turn in turns:
            self._handles[turn] = said.id
        self._say(said, turns)

    def _say(self, said: Said, turns: Iterable[str]) -> None:
        self.said.append(said)
        for turn in turns:
            if turn:
                self._had[turn].append(said)

    def plain(self, raw: Any) -> Any:
        """A recorded value as plain JSON, a large one loaded."""
        value = msgspec.json.decode(bytes(raw))
        if isinstance(value, dict) and value.keys() == {"$payload"}:
            return msgspec.json.decode(self._load(value["$payload"]))
        return value
