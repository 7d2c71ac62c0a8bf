"""Ctrl-C and SIGTERM while a run is driven: once to stop and leave it resumable, twice to leave at once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import anyio

__all__ = ["Interrupted", "interruptible"]

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupted:
    """Whether somebody wanted it to stop."""

    def __init__(self) -> None:
        self.times = 0

    def __bool__(self) -> bool:
        return self.times > 0


@contextmanager
def interruptible(scope: anyio.CancelScope) -> Iterator[Interrupted]:
    """Inside, the first signal cancels ``scope`` and the second one ends the process.

    A handler of Python's own, not the event loop's, so that the second one works even where an agent's code never
    gives way. What is on record by then is safe: blocks are written before anything they say is let out.
    """
    loop = asyncio.get_running_loop()
    interrupted = Interrupted()

    def signalled(_number: int, _frame: FrameType | None) -> None:
        interrupted.times += 1
        if interrupted.times > 1:
            os._exit(130)
        loop.call_soon_threadsafe(scope.cancel)

    before: dict[signal.Signals, Any] = {number: signal.signal(number, signalled) for number in _SIGNALS}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
