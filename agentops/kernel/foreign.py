"""What handlers do that is not the kernel's: foreign awaits, async generators, coroutines that will not end."""

from __future__ import annotations

from typing import Any, Final

from agentops.errors import Cancelled, RunError, UndeclaredEffect
from agentops.kernel.process import Fiber

__all__ = ["describe_foreign", "drive_to_end", "is_library", "shown", "undeclared", "unload"]

_ATTEMPTS: Final = 100


class _Unload(BaseException):
    """Thrown into a handler whose run is being put away."""


def undeclared(fiber: Fiber, what: str, file: str, line: int) -> UndeclaredEffect:
    """The error for a handler that reaches outside other than by an effect."""
    agent = fiber.process.name
    file = shown(file)
    handler = fiber.root.handler.name if fiber.root.handler is not None else "?"
    return UndeclaredEffect(
        f"{agent}.{handler} used {what} ({file}, line {line}), which the kernel neither sees nor replays",
        hint="Move it into a @tool and await the tool; for time use self.sleep, self.timeout and self.now().",
        agent=agent,
        handler=handler,
        file=file,
        line=line,
    )


def shown(file: str) -> str:
    """A source file as it is recorded: folder and name, which are the same on another machine."""
    return "/".join(file.replace("\\", "/").split("/")[-2:])


def describe_foreign(fiber: Fiber, operation: Any) -> UndeclaredEffect:
    """The error for a handler that awaited something that is not the kernel's, naming where it did."""
    file, line = "?", 0
    awaiting: Any = fiber.coroutine
    while awaiting is not None:
        frame = getattr(awaiting, "cr_frame", None)
        if frame is not None and not is_library(frame.f_code.co_filename):
            file, line = frame.f_code.co_filename, frame.f_lineno
        awaiting = getattr(awaiting, "cr_await", None)
    kind = type(operation)
    what = "a bare yield, as of asyncio.sleep(0)" if operation is None else f"{kind.__module__}.{kind.__qualname__}"
    return undeclared(fiber, what, file, line)


def is_library(filename: str) -> bool:
    """Whether a file is of the libraries between a handler and the event loop, not the handler's own."""
    path = filename.replace("\\", "/")
    return any(
        part in path
        for part in ("/asyncio/", "/anyio/", "/trio/", "/agentops/kernel/", "/agentops/runtime/", "site-packages")
    )


def drive_to_end(fiber: Fiber) -> None:
    """Close the async generators that a fiber opened, in the order in which it opened them."""
    generators, fiber.generators = fiber.generators or [], None
    for generator in generators:
        closing = generator.aclose()
        try:
            fiber.context.run(closing.send, None)
        except StopIteration:
            continue
        except BaseException as failure:  # noqa: BLE001 - a failing clean-up is the turn's failure
            fiber.failure = fiber.failure or failure
            continue
        closing.close()
        msg = f"{fiber.path} ended with an async generator open whose clean-up awaits something"
        fiber.failure = fiber.failure or RunError(msg, hint="Close it in the handler: async with aclosing(...).")


def unload(fiber: Fiber) -> bool:
    """End a coroutine without letting it act; whether it did end."""
    coroutine = fiber.coroutine
    fiber.done = True
    fiber.process.world.current = fiber  # so that what it asks for comes here, and it is told once more to end
    if coroutine.cr_frame is None:
        return True
    if coroutine.cr_await is not None or coroutine.cr_frame.f_lasti > 0:
        for _ in range(_ATTEMPTS):
            try:
                fiber.context.run(coroutine.throw, _Unload())
            except (StopIteration, _Unload, Cancelled):
                return True
            except Exception:  # noqa: BLE001 - the run is being put away: its errors have nobody to go to
                return True
        return False
    coroutine.close()
    return True
