"""``run_python``: a program of a model's making, run to its end or to its limits."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import IO, Final, Literal

from agentops.errors import RunError
from agentops.kernel.isolation import Limits
from agentops.kernel.tool import tool
from agentops.messages import Message
from agentops.tools import confinement

__all__ = ["PythonResult", "run_python"]

SECONDS: Final = 30.0
KEPT: Final = 64 * 1024
"""Bytes of each stream that are kept."""


class PythonResult(Message, frozen=True):
    """How a program ended and what it printed.

    ``exit_code`` is negative where a signal ended it. ``stopped`` says that agentops did, and why: ``output`` (more
    than 64 KiB on one stream; the beginning is here) or ``time``. ``isolation`` says what was kept away from it.
    """

    exit_code: int
    stdout: str
    stderr: str
    stopped: Literal["", "output", "time"] = ""
    isolation: str = ""


@tool(
    effect="irreversible",
    isolation="process",
    timeout=SECONDS + 15,
    limits=Limits(cpu_seconds=int(SECONDS), processes=24, output_bytes=1024 * 1024),
)
def run_python(code: str) -> PythonResult:
    """Run a Python program and see what it prints. It starts in an empty folder, which is removed afterwards.

    code: the program's text; Python's standard library is there. No input, no arguments. What it prints beyond 64 KiB
    stops it, as do 30 seconds. Nothing is kept from one call to the next.
    """
    if not confinement.INSIDE:
        msg = "run_python runs only in a process of its own, and this is not one"
        raise RunError(msg, hint="Await run_python in an agent's handler.")
    # In a session of its own, so that what it leaves behind can be told from this process; all share the limits.
    process = subprocess.Popen(
        [sys.executable, "-I", "-B", "-X", "utf8", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        close_fds=True,
    )
    assert process.stdin is not None  # noqa: S101 - Popen was asked for the three of them
    assert process.stdout is not None  # noqa: S101
    assert process.stderr is not None  # noqa: S101
    stdout, stderr = _Kept(process, process.stdout), _Kept(process, process.stderr)
    writer = threading.Thread(target=_feed, args=(process.stdin, code.encode()), daemon=True)
    for thread in (writer, stdout, stderr):
        thread.start()
    stopped: Literal["", "output", "time"] = ""
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        stopped = "time"
        process.kill()
        process.wait()
    for reader in (stdout, stderr):
        reader.join(1.0)  # what it left running may hold the pipes; the guard ends that
    if stdout.overflow or stderr.overflow:
        stopped = "output"
    return PythonResult(process.returncode, stdout.text(), stderr.text(), stopped, confinement.INSIDE[0])


class _Kept(threading.Thread):
    """Keeps the beginning of a stream, and kills its process at the end of that."""

    def __init__(self, process: subprocess.Popen[bytes], stream: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self.overflow = False
        self._process = process
        self._stream = stream
        self._data = b""

    def run(self) -> None:
        while data := os.read(self._stream.fileno(), 16384):
            self._data += data
            if len(self._data) > KEPT:
                self.overflow = True
                self._process.kill()
                return

    def text(self) -> str:
        return self._data[:KEPT].decode("utf-8", "replace")


def _feed(stream: IO[bytes], code: bytes) -> None:
    try:
        with stream:
            stream.write(code)
    except BrokenPipeError:
        return
