"""Showing a run while it goes on: a live view on a terminal, lines elsewhere, logs where they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from agentops.observe.progress import describe
from agentops.runtime.events import Recorded
from agentops.runtime.live import Run

__all__ = ["Watcher", "open_watcher"]


class Watcher(Protocol):
    """What is told of each event."""

    def event(self, event: Any) -> None:
        """Something was recorded, or a model is writing."""
        ...

    def paused(self) -> Any:
        """A context in which nothing is drawn, for a question to a person."""
        ...


@contextmanager
def open_watcher(run: Run, *, level: str, quiet: bool) -> Iterator[Watcher]:
    """The watcher that fits: logs if a level is given, nothing if ``quiet``, a live view on a terminal, else lines."""
    if level:
        from agentops.observe.logs import open_log

        yield _Logs(open_log(level, sys.stderr))
    elif quiet:
        yield _Lines(silent=True)
    elif sys.stderr.isatty():
        from agentops.cli.live import live_view

        with live_view(run) as view:
            yield view
    else:
        yield _Lines(silent=False)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


class _Lines:
    """One plain line for each notable event."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent

    def event(self, event: Any) -> None:
        if not self._silent and isinstance(event, Recorded):
            line = describe(event.record)
            if line:
                print(line, file=sys.stderr, flush=True)

    def paused(self) -> Any:
        return _nothing()


class _Logs:
    """structlog's lines."""

    def __init__(self, log: Any) -> None:
        self._log = log

    def event(self, event: Any) -> None:
        if isinstance(event, Recorded):
            self._log(event.run, event.at, event.record)

    def paused(self) -> Any:
        return _nothing()
