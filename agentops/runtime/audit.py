"""Catching handlers that reach outside without awaiting anything: sockets, files, processes.

Python tells an audit hook of each (PEP 578), before it happens. While a handler is being stepped on this thread, and
the call comes from code that is neither Python's own, nor a library's, nor ours, the hook refuses it, names file and
line, and the run fails. Imports are let be. What Python does not tell of (clocks, randomness, the environment) is not
caught here: a replay finds it.

A hook cannot be taken off again, so there is one for the process, and it looks at one variable when nobody is stepped.
"""

from __future__ import annotations

import sys
import sysconfig
import threading
from types import FrameType
from typing import Any, Final, Protocol

from agentops.kernel.foreign import undeclared
from agentops.kernel.kernel import Kernel

__all__ = ["Stepping", "watch"]

_REFUSED: Final = {
    "open": "a file",
    "os.listdir": "a folder",
    "os.scandir": "a folder",
    "os.mkdir": "a folder",
    "os.remove": "a file",
    "os.rename": "a file",
    "os.rmdir": "a folder",
    "os.truncate": "a file",
    "shutil.copyfile": "a file",
    "shutil.rmtree": "a folder",
    "sqlite3.connect": "a database",
    "socket.bind": "a socket",
    "socket.connect": "a socket",
    "socket.getaddrinfo": "the network",
    "socket.gethostbyname": "the network",
    "socket.sendto": "a socket",
    "os.exec": "a process",
    "os.fork": "a process",
    "os.forkpty": "a process",
    "os.posix_spawn": "a process",
    "os.spawn": "a process",
    "os.system": "a process",
    "subprocess.Popen": "a process",
    "pty.spawn": "a process",
    "_thread.start_new_thread": "a thread",
}
"""Audit events of what only a tool may do, and what each is about. (Threads are told of from Python 3.12 on.)"""

_LIBRARIES: Final = tuple(
    path.replace("\\", "/").rstrip("/") + "/"
    for path in {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    if path
)
_OWN: Final = __file__.replace("\\", "/").rpartition("/runtime/")[0] + "/"


class Stepping(Protocol):
    """What is stepping handlers, and on which thread."""

    kernel: Kernel | None
    thread: int


_now: list[Stepping] = []
"""Who is stepping; seldom more than one, on several threads."""
_installed = threading.Event()


def watch() -> list[Stepping]:
    """The list of those who step, to be entered and left; the hook is there from the first call on."""
    if not _installed.is_set():
        _installed.set()
        sys.addaudithook(_hook)
    return _now


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _now or event not in _REFUSED:
        return
    me = threading.get_ident()
    for stepping in _now:
        kernel = stepping.kernel
        if stepping.thread == me and kernel is not None and kernel.world.current is not None:
            _judge(kernel, event, args)


def _judge(kernel: Kernel, event: str, args: tuple[Any, ...]) -> None:
    frame = _handlers_frame(sys._getframe(2))  # noqa: SLF001 - a traceback would cost more
    fiber = kernel.world.current
    if frame is None or fiber is None:
        return
    shown = f" ({args[0]!r:.80})" if args and isinstance(args[0], str | bytes) else ""
    error = undeclared(fiber, f"{_REFUSED[event]}{shown} by {event}", frame.f_code.co_filename, frame.f_lineno)
    kernel.undeclared(error)
    raise error


def _handlers_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame of the user's own code below which nothing is imported; None where there is none."""
    found: FrameType | None = None
    while frame is not None:
        file = frame.f_code.co_filename.replace("\\", "/")
        if file.startswith("<frozen importlib"):
            return None
        if file.endswith("/agentops/kernel/kernel.py"):
            return found
        if found is None and not file.startswith((_OWN, "<frozen", *_LIBRARIES)):
            found = frame
        frame = frame.f_back
    return None
