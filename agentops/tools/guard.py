"""The program between agentops and a tool's process: it starts it, waits, and kills all that is left of it.

It runs as ``python -I -S guard.py LIFE PROGRAM ARGUMENT...``, uses nothing but Python's own modules, and does one
thing: start the program in a session of its own, and when it ends, or when the other end of the pipe LIFE is closed
(agentops does that at a deadline; the machine's kernel does it when agentops dies), kill it with all its descendants.

Those that left their process group, or whose parent has ended, are found too: on Linux the guard is the one that
orphans among its descendants are given to (``PR_SET_CHILD_SUBREAPER``). Killing is by SIGKILL, which nobody ignores.

Its exit code is the program's, 128 + N where signal N ended it, 137 where the guard itself did.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_SUBREAPER: Final = 36  # prctl(PR_SET_CHILD_SUBREAPER)
_KILLED: Final = 128 + signal.SIGKILL


def main(life: int, command: list[str]) -> int:
    """Run the command to its end, or to that of the pipe ``life``."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    adopt_orphans()
    child = os.fork()
    if child == 0:
        _become(command)
    _let_go_of_streams()
    code = _wait(child, life, ended)
    _kill_all(child)
    return code


def adopt_orphans() -> None:
    """Have orphans among the descendants given to this process; only Linux can."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def _become(command: list[str]) -> None:
    """In the child: the command, in a session of its own, with no signal ignored."""
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execv(command[0], command)  # noqa: S606 - no shell is what is wanted
    except OSError as error:
        os.write(2, f"{command[0]} cannot be started: {error.strerror}\n".encode())
    finally:
        os._exit(127)


def _let_go_of_streams() -> None:
    """The pipes are the child's; as long as the guard held them too, their end would never be seen."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def _wait(child: int, life: int, ended: int) -> int:
    """Until the child has ended, or the pipe ``life`` has; the exit code."""
    while True:
        ready, _, _ = select.select([life, ended], [], [])
        if ended in ready:
            os.read(ended, 512)
            while (found := _reap()) is not None:
                pid, status = found
                if pid == child:
                    return _exit_code(status)
        if life in ready:
            return _KILLED


def _reap() -> tuple[int, int] | None:
    """One child that has ended, adopted ones included; None where there is none."""
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, status) if pid else None


def _exit_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _kill_all(child: int) -> None:
    """Kill the group, then every descendant, until none is left."""
    while True:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
        for pid in descendants(os.getpid()):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        select.select([], [], [], 0.002)


def descendants(root: int) -> list[int]:
    """The processes below one, from ``/proc``; elsewhere none are known."""
    parents: dict[int, int] = {}
    try:
        pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    except OSError:
        return []
    for pid in pids:
        try:
            parents[pid] = int(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    below, found = {root}, []
    while new := [pid for pid, parent in parents.items() if parent in below and pid not in below]:
        below.update(new)
        found += new
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
