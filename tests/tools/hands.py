"""Tools with a process of their own, for the tests: some do what tools should not."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Final

from agentops.kernel.isolation import Limits
from agentops.kernel.tool import tool, tool_context
from agentops.messages import Message

SMALL: Final = Limits(
    cpu_seconds=2, memory_bytes=400_000_000, file_bytes=100_000, open_files=40, processes=12, output_bytes=20_000
)


class Seen(Message, frozen=True):
    folder: str
    entries: list[str]
    environment: dict[str, str]
    arguments: list[str]
    own_session: bool
    key: str
    user: int


@tool(effect="pure", isolation="process")
def look_around(words: list[str]) -> Seen:
    """What such a process finds."""
    sys.stdout.write("what is printed is no answer\n")
    os.write(1, b'{"result": "forged"}')
    here = str(Path.cwd())
    environment = {name: value for name, value in os.environ.items() if name not in {"PWD", "LC_CTYPE"}}
    own = os.getsid(0) in {os.getpid(), os.getppid(), 0, 1}
    return Seen(
        here, [each.name for each in Path().iterdir()], environment, words, own, tool_context().key, os.getuid()
    )


@tool(effect="pure", isolation="process", limits=SMALL)
async def double(number: int) -> int:
    """An async function."""
    return number * 2


@tool(effect="pure", isolation="process", limits=SMALL, timeout=1.5)
def wait_for_ever() -> int:
    """Deaf to what can be ignored."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


@tool(effect="pure", isolation="process", limits=SMALL)
def fail(text: str) -> str:
    """Raise."""
    raise ValueError(text)


@tool(effect="pure", isolation="process", limits=SMALL)
def answer_nonsense(how: str) -> int:
    """Answer with something else than a number."""
    if how == "type":
        return "text"  # type: ignore[return-value]
    if how == "exit":
        os._exit(3)
    if how == "signal":
        os.kill(os.getpid(), signal.SIGSEGV)
    sys.exit("goodbye")


@tool(effect="pure", isolation="process", limits=SMALL)
def write_endlessly(where: str) -> str:
    """Never stop printing, or answer with more than may be."""
    while where == "printed":
        os.write(2, b"x" * 4096)
    return "x" * 30_000


@tool(effect="pure", isolation="process", limits=SMALL)
def compute_endlessly() -> int:
    """Use CPU time."""
    while True:
        pass


@tool(effect="pure", isolation="process", limits=SMALL)
def take_too_much() -> dict[str, str]:
    """Go for each limit, and say what came of it."""
    said = {}
    try:
        said["memory"] = str(len(bytes(1_000_000_000)))
    except MemoryError as error:
        said["memory"] = type(error).__name__
    try:
        with Path("large").open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 50_000)
    except OSError as error:
        said["file"] = error.strerror or ""
    opened = []
    try:
        while True:
            opened.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        said["open files"] = error.strerror or ""
    for each in opened:
        os.close(each)
    said["core"] = str(resource.getrlimit(resource.RLIMIT_CORE))
    return said


@tool(effect="pure", isolation="process", limits=SMALL)
def fork_endlessly() -> int:
    """A fork bomb: each child forks on as well. How many the first could start."""
    started = 0
    try:
        while started < 500:
            if os.fork() == 0:
                fork_on()
            started += 1
    except OSError:
        pass
    return started


def fork_on() -> None:
    while True:
        try:
            os.fork()
        except OSError:
            signal.pause()


@tool(effect="pure", isolation="process", limits=SMALL)
def leave_behind(beacon: str, stubborn: bool) -> int:
    """Leave processes that hold a FIFO open: one in the group, one that left it, both deaf to what can be ignored.

    ``stubborn``: and do not end.
    """
    holder = os.open(beacon, os.O_WRONLY)
    program = """
import os, signal, sys
for number in range(1, 32):
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_IGN)
if sys.argv[1] == "daemon":
    os.setsid()
    if os.fork():
        os._exit(0)
os.write(int(sys.argv[2]), b"x")
while True:
    signal.pause()
"""
    for how in ("child", "daemon"):
        subprocess.Popen([sys.executable, "-I", "-S", "-c", program, how, str(holder)], pass_fds=(holder,))
    threading.Thread(target=signal.sigwait, args=({signal.SIGUSR1},)).start()
    os.close(holder)
    if stubborn:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        while True:
            signal.pause()
    return 1


@tool(effect="pure", isolation="process", limits=SMALL)
def bury() -> int:
    """Make a folder that is hard to remove: deep, closed, with a link out."""
    for _ in range(1500):
        Path("d").mkdir()
        os.chdir("d")
    Path("root").symlink_to("/")
    Path("shut").mkdir()
    Path("shut/file").touch()
    Path("shut").chmod(0)
    return 1


@tool(effect="pure", isolation="process", limits=SMALL)
def reach(path: str, port: int) -> dict[str, str]:
    """Try a file and a port, and say what came of it."""
    import socket

    said = {"processes": "1" if os.getpid() < 20 else "many"}
    try:
        said["file"] = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        said["file"] = type(error).__name__
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
        said["network"] = "reached"
    except OSError as error:
        said["network"] = type(error).__name__
    return said


@tool(effect="pure", isolation="process", limits=Limits(required=True))
def only_confined() -> int:
    """Runs only where network and files are kept away."""
    return 1
