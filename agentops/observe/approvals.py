"""What waits for a person in a run, read from its blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from agentops.kernel.records import Abandoned, Answer, Approval, Delivery, Finished, Record, Withdrawn

__all__ = ["Waiting", "waiting"]


class Waiting(msgspec.Struct, frozen=True):
    """An approval that nobody has answered. ``times``: how often this effect has been put before a person by now.

    An effect is put before a person a second time when a crash left it in doubt; an answer given to the first
    question must never count for the second.
    """

    approval: Approval
    times: int

    @property
    def key(self) -> str:
        """Under which an answer to this very question is left: the second answer to it finds the place taken."""
        return f"{self.approval.effect}@{self.times}"


def waiting(blocks: Iterable[tuple[Delivery, Sequence[Record]]]) -> list[Waiting]:
    """The open approvals of a run, oldest first."""
    found: dict[str, Waiting] = {}
    times: dict[str, int] = {}
    for delivery, records in blocks:
        if isinstance(delivery, Answer):
            found.pop(delivery.approval, None)
        for record in records:
            match record:
                case Approval():
                    times[record.effect] = times.get(record.effect, 0) + 1
                    found[record.effect] = Waiting(record, times[record.effect])
                case Withdrawn() | Abandoned():
                    found.pop(record.effect, None)
                case Finished():
                    found.clear()
                case _:
                    pass
    return list(found.values())
