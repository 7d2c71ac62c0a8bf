"""Logs by structlog: one entry for each record of a run, bound to run, agent and effect.

Readable on a terminal, JSON lines elsewhere, always on stderr or whatever stream is given. Entries come from what was
recorded, as it is recorded, so a replay, which records nothing, logs nothing. structlog is imported when a log is
opened and not before.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TextIO

from agentops.errors import InvalidInput
from agentops.kernel import records as r
from agentops.kernel.suggest import nearest
from agentops.observe.progress import describe

__all__ = ["LEVELS", "open_log"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}
"""By name. ``debug``: every record; ``info``: what is notable; ``warning``: refusals, retries, crashes."""

_LEVEL_OF: Final[dict[type, str]] = {
    r.Denied: "warning",
    r.Approval: "warning",
    r.Guarded: "warning",
    r.Retrying: "warning",
    r.Crashed: "warning",
    r.DeadLettered: "warning",
    r.Quarantined: "error",
}


def open_log(level: str, stream: TextIO) -> Callable[[str, int, Any], None]:
    """A function that logs a record: ``log(run, at, record)``. Raises `InvalidInput` for a level that is none."""
    import structlog

    if level not in LEVELS:
        msg = f"there is no log level {level!r}"
        raise InvalidInput(msg, hint=nearest(level, LEVELS))
    on_terminal = stream.isatty()
    processors: list[Any] = [structlog.processors.add_log_level, _time]
    processors.append(
        structlog.dev.ConsoleRenderer(colors=False) if on_terminal else structlog.processors.JSONRenderer()
    )
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        context_class=dict,
    )

    def log(run: str, at: int, record: Any) -> None:
        name, text = _level(record), describe(record)
        if not text:
            text = record.__struct_config__.tag
        path = _path(record)
        bound = {"agent": path.partition("/")[0], "effect": path} if path else {}
        logger.bind(run=run, at=at, record=record.__struct_config__.tag, **bound).log(LEVELS[name], text)

    return log


def _path(record: Any) -> str:
    """Of the effect, message or turn that a record is about."""
    values = (getattr(record, key, "") for key in ("id", "effect", "at", "turn"))
    return next((value for value in values if isinstance(value, str) and value), "")


def _level(record: Any) -> str:
    if isinstance(record, r.Finished):
        return "info" if record.status == "done" else "error"
    return _LEVEL_OF.get(type(record)) or ("info" if describe(record) else "debug")


def _time(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """The time of the delivery, not of the log call: so that the logs of a run and its journal agree."""
    at = event.pop("at", 0)
    event["timestamp"] = (_EPOCH + timedelta(microseconds=at)).isoformat(timespec="microseconds")
    return event
