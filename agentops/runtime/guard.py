"""Hiding the event loop from handlers.

The kernel steps handlers inside a task of a real event loop, so ``asyncio.create_task`` in a handler would work, and
would be replayed never. While handlers are stepped, the running loop and the current task are stand-ins: whatever is
done with them is on record as an undeclared effect, which fails the run even where the handler swallows the error.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, NoReturn

from agentops.kernel.foreign import is_library, undeclared
from agentops.kernel.kernel import Kernel
from agentops.runtime.audit import watch

__all__ = ["Guard"]


class _StandIn:
    """Takes the place of an event loop or a task; any use of it is a hit."""

    def __init__(self, guard: Guard) -> None:
        self.__dict__["_guard"] = guard

    def __getattr__(self, attribute: str) -> Any:
        return self._refuse_task if attribute == "create_task" else self._hit(attribute)

    def __setattr__(self, attribute: str, _: Any) -> None:
        self._hit(attribute)

    def _refuse_task(self, coroutine: Coroutine[Any, Any, Any], **_: Any) -> NoReturn:
        coroutine.close()
        self._hit("create_task")

    def _hit(self, attribute: str) -> NoReturn:
        guard: Guard = self.__dict__["_guard"]
        kernel = guard.kernel
        fiber = kernel.world.current if kernel is not None else None
        frame = sys._getframe(1)  # noqa: SLF001 - the way to name the line without building a traceback
        while frame.f_back is not None and is_library(frame.f_code.co_filename):
            frame = frame.f_back
        if fiber is None or kernel is None:
            msg = f"the event loop ({attribute}) was used while handlers are stepped"
            raise RuntimeError(msg)
        error = undeclared(fiber, "the event loop", frame.f_code.co_filename, frame.f_lineno)
        kernel.undeclared(error)
        raise error


class Guard:
    """Hides asyncio's loop and trio's from the handlers of ``kernel``, whichever of them runs here, if any does.

    What is told of a handler that reaches for them is the same everywhere, because it is recorded.

    Entered around a batch of deliveries; ``kernel`` is set before each of them.
    """

    __slots__ = ("_hooks", "_loop", "_stand_in", "_stepping", "_task", "_trio", "kernel", "thread")

    def __init__(self, kernel: Kernel | None = None) -> None:
        self.kernel = kernel
        self.thread = 0
        self._stepping = watch()
        self._stand_in: Any = _StandIn(self)
        self._trio: tuple[Any, dict[str, Any]] | None = None

    def __enter__(self) -> None:
        self.thread = threading.get_ident()
        self._hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._opened)
        self._stepping.append(self)
        self._loop = asyncio._get_running_loop()  # noqa: SLF001 - documented for frameworks
        self._task = None if self._loop is None else asyncio.current_task(self._loop)
        if self._loop is not None and self._task is not None:
            asyncio.tasks._leave_task(self._loop, self._task)  # noqa: SLF001
        asyncio._set_running_loop(self._stand_in)  # noqa: SLF001
        asyncio.tasks._enter_task(self._stand_in, self._stand_in)  # noqa: SLF001
        context = _trio_context()
        if context is not None:
            self._trio = (context, dict(context.__dict__))
            context.task = context.runner = self._stand_in

    def _opened(self, generator: AsyncGenerator[Any, Any]) -> None:
        if self.kernel is not None:
            self.kernel.opened(generator)

    def __exit__(self, *_: object) -> None:
        self._stepping.remove(self)
        sys.set_asyncgen_hooks(*self._hooks)
        if self._trio is not None:
            (context, kept), self._trio = self._trio, None
            context.__dict__.clear()
            context.__dict__.update(kept)
        asyncio.tasks._leave_task(self._stand_in, self._stand_in)  # noqa: SLF001
        asyncio._set_running_loop(self._loop)  # noqa: SLF001
        if self._loop is not None and self._task is not None:
            asyncio.tasks._enter_task(self._loop, self._task)  # noqa: SLF001


def _trio_context() -> Any:
    """Where trio keeps its task and runner, a thread-local of its own; None where nobody has imported trio."""
    run = sys.modules.get("trio._core._run")
    return getattr(run, "GLOBAL_RUN_CONTEXT", None)
