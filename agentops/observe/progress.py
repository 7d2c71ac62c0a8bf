"""Progress as plain lines: one for each event that somebody who watches a run wants to know of.

For logs of other programs, and for people whose terminal is not one. Lines are in the words of the decision path.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agentops.kernel import records as r
from agentops.observe import told

__all__ = ["describe", "is_notable"]

_ROOM: Final = 60


def is_notable(record: Any) -> bool:
    """Whether a record is worth a line."""
    return type(record) in _LINES


def describe(record: Any) -> str:
    """A record in one line; empty where it is not worth one."""
    words = _LINES.get(type(record))
    if words is None:
        return ""
    who, what = words(record)
    return f"{told.visible(who)}: {what}" if who else what


def _body(raw: Any) -> Any:
    """A recorded value; an ellipsis for one that is so large that it is kept elsewhere."""
    value = msgspec.json.decode(bytes(raw))
    return "…" if isinstance(value, dict) and "$payload" in value else value


def _who(path: str) -> str:
    return path.partition("/")[0]


def _message(verb: str) -> Any:
    def words(record: Any) -> tuple[str, str]:
        what = told.call(record.message, _body(record.body), _ROOM)
        return _who(record.id), f"{verb} {told.visible(record.to)} {what}"

    return words


def _effect(record: r.Effect) -> tuple[str, str]:
    if record.kind == "model":
        returns = (_body(record.arguments) or {}).get("returns")
        return _who(record.id), f"model {told.visible(record.name)}" + (
            f" for {told.visible(returns)}" if returns else ""
        )
    return _who(record.id), f"{record.kind} {told.call(record.name, _body(record.arguments), _ROOM)}"


def _denied(record: r.Denied) -> tuple[str, str]:
    return _who(record.id), f"refused: {told.visible(record.name)}, by {told.visible(record.rule)}"


def _approval(record: r.Approval) -> tuple[str, str]:
    what = told.call(record.name, _body(record.arguments), _ROOM)
    return _who(record.effect), f"waits for a person: {what} ({told.visible(record.rule)})"


def _decided(record: r.Decided) -> tuple[str, str]:
    because = f" ({told.visible(record.because)})" if record.because else ""
    return _who(record.id), told.clip(
        f"decides {told.visible(record.question)} {told.visible(record.chosen)}{because}", 200
    )


def _guarded(record: r.Guarded) -> tuple[str, str]:
    return _who(record.at), f"guardrail {told.visible(record.guardrail)}: {record.verdict} at {record.stage}"


def _retrying(record: r.Retrying) -> tuple[str, str]:
    return _who(record.effect), f"tries again (attempt {record.attempt}): {told.visible(record.error.what)}"


def _crashed(record: r.Crashed) -> tuple[str, str]:
    return _who(record.turn), f"failed: {told.visible(record.error.what)} ({record.action})"


def _finished(record: r.Finished) -> tuple[str, str]:
    return "", record.status


_LINES: Final[dict[type, Any]] = {
    r.Asked: _message("asks"),
    r.Sent: _message("tells"),
    r.Published: lambda record: (
        _who(record.id),
        f"publishes {told.visible(record.message)} to {told.visible(record.topic)}",
    ),
    r.Effect: _effect,
    r.Denied: _denied,
    r.Approval: _approval,
    r.Decided: _decided,
    r.Guarded: _guarded,
    r.Retrying: _retrying,
    r.Crashed: _crashed,
    r.Quarantined: lambda record: (_who(record.turn), f"set aside {told.visible(record.message)}"),
    r.DeadLettered: lambda record: (
        record.to,
        f"dead letter {told.visible(record.message)}: {told.visible(record.reason)}",
    ),
    r.Finished: _finished,
}
"""Kind of record -> who did it, and what."""
