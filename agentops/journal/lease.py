"""Who may go on with a run: one process at a time.

A lease is the name of its holder, ``host/boot/pid/started``. Nobody renews it: whether the holder is still there is
asked of the machine when another process wants the run, so that a killed run can be resumed at once, and a sleeping
machine loses nothing. The journal is a local file (SQLite's WAL demands that), so its holders are on this machine. As
a last line, two processes that append the same block number collide on the primary key, and the second is refused.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["holder_alive", "my_name"]


def my_name() -> str:
    """This process, as a lease names it."""
    pid = os.getpid()
    return f"{platform.node()}/{_boot()}/{pid}/{_started(pid)}"


def holder_alive(owner: str) -> bool:
    """Whether the process that a lease names is still running. Another host's is taken to be."""
    if not owner:
        return False
    host, boot, pid, started = [*owner.split("/"), "", "", ""][:4]
    if host != platform.node():
        return True
    if boot != _boot() or not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(int(pid)) == started


def _boot() -> str:
    """An id of this boot, where the system tells one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since boot, where the system tells; a pid alone may be used again."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
