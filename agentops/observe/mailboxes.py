"""Which message each turn handles: read from the order in which messages were posted.

An agent handles its messages one at a time, in the order in which they were posted; so its k-th turn handles the k-th
message to it that was not withdrawn. A redelivered message counts again. Of a published message the record says how
many got it and not who: where an agent had more turns than messages of its own, what was published fills the gaps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from agentops.kernel.records import (
    Asked,
    Crashed,
    Delivery,
    External,
    Published,
    Record,
    Sent,
    Spawned,
    Start,
    Withdrawn,
)

__all__ = ["START", "Mailboxes", "agent_of", "turn_of"]

START = "run"
"""The id that the kernel gives to the message which starts a run."""


def turn_of(path: str) -> str:
    """``agent/turn`` of a path such as ``agent/turn/fiber.n``; empty where there is none in it."""
    parts = path.partition("#")[0].split("/")
    return "/".join(parts[:2]) if len(parts) > 2 and parts[1].isdecimal() else ""


def agent_of(path: str) -> str:
    """The agent of a path, or of what is an agent's name already."""
    return path.partition("/")[0]


class Mailboxes:
    """For each message that was handled, the turns that did."""

    def __init__(self, blocks: Iterable[tuple[Delivery, Sequence[Record]]]) -> None:
        self.turns: dict[str, list[str]] = defaultdict(list)
        """Message id -> the turns that handle it, in order: one, unless it was published or redelivered."""
        self.root = ""
        """The agent that was asked the first message."""
        self._posted: dict[str, list[str]] = defaultdict(list)
        self._published: list[tuple[int, str]] = []
        self._order: dict[str, int] = {}
        self._seen: dict[str, int] = defaultdict(int)
        self._withdrawn: set[str] = set()
        self._first_agent = ""
        for delivery, records in blocks:
            self._delivery(delivery, records)
            for record in records:
                self._record(record)
        self._assign()

    def handled(self, message: str) -> list[str]:
        """The turns that a message was handled in."""
        return self.turns.get(message, [])

    def _post(self, agent: str, message: str) -> None:
        self._order.setdefault(message, len(self._order))
        self._posted[agent].append(message)

    def _delivery(self, delivery: Delivery, records: Sequence[Record]) -> None:
        if isinstance(delivery, External):
            self._post(delivery.to, delivery.key)
        elif isinstance(delivery, Start):
            paths = (turn_of(path) for record in records if (path := _path(record)))
            named = next((turn for turn in paths if turn), "")
            spawned = next((each.agent for each in records if isinstance(each, Spawned) and not each.parent), "")
            self.root = agent_of(named) or spawned
            self._post(self.root, START)

    def _record(self, record: Record) -> None:
        turn = turn_of(_path(record))
        if turn:
            agent, _, number = turn.partition("/")
            self._seen[agent] = max(self._seen[agent], int(number))
        match record:
            case Asked() | Sent():
                self._post(record.to, record.id)
            case Published():
                self._order.setdefault(record.id, len(self._order))
                self._published.append((self._order[record.id], record.id))
            case Withdrawn():
                self._withdrawn.add(record.effect)
            case Crashed(action="redeliver"):
                self._post_again(turn_of(record.turn))

    def _post_again(self, turn: str) -> None:
        agent, _, number = turn.partition("/")
        before = [message for message in self._posted[agent] if message not in self._withdrawn]
        if 0 < int(number or 0) <= len(before):
            self._posted[agent].append(before[int(number) - 1])

    def _assign(self) -> None:
        for agent in dict.fromkeys([*self._posted, *self._seen]):
            messages = [message for message in self._posted[agent] if message not in self._withdrawn]
            if self._seen[agent] > len(messages):
                messages = self._with_published(agent, messages)
            for number, message in enumerate(messages, 1):
                self.turns[message].append(f"{agent}/{number}")

    def _with_published(self, agent: str, messages: list[str]) -> list[str]:
        others = [(order, ident) for order, ident in self._published if agent_of(ident) != agent]
        merged = sorted([(self._order[message], message) for message in messages] + others)
        return [message for _, message in merged]


def _path(record: Record) -> str:
    """The path that a record carries, of the fiber that made it; empty: it has none of its own."""
    for name in ("id", "at", "effect", "turn"):
        path = getattr(record, name, None)
        if isinstance(path, str):
            return path
    return ""
