"""Keeping network and files away from a tool's process, through bubblewrap, and saying plainly where that fails.

With bubblewrap (``bwrap``) the process sees, read-only, Python, the installed packages and the tool's own package; its
working folder, which it may write; nothing else, no network, no other process. Without it the limits, the clean
environment, the working folder and the end of all its processes remain, but it can read what its user can and reach
the network: `isolation_report` says which it is here, and why.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["INSIDE", "IsolationReport", "bwrap_command", "isolation_report", "readable_by_all", "user_for"]

INSIDE: Final[list[str]] = []
"""In a tool's own process: one sentence on what is kept away from it. Empty anywhere else."""

SEARCHED: Final = "/usr/local/bin:/usr/bin:/bin"
"""Where bwrap is looked for; not where the environment says, which a tool must not decide."""

_SYSTEM: Final = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/ssl/certs")
_AS_ROOT: Final = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_DAC_READ_SEARCH")
"""What the process needs to give root up; what it may read remains what is mounted."""
_NETWORK: Final = ("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")
_FIRST_USER: Final = 61184  # the range that systemd keeps for users that exist for one service only
_USERS: Final = 4000


class IsolationReport(msgspec.Struct, frozen=True):
    """What ``isolation="process"`` comes to on this machine."""

    confined: bool
    """Whether network and files are kept away."""
    bwrap: str
    """The bubblewrap that is used; empty: none was found."""
    why: str
    """What is missing, where it is not confined."""
    user: str
    """As whom a tool's process runs."""
    variant: tuple[str, ...] = ()
    """Arguments of bwrap that this machine needs."""

    def text(self) -> str:
        """One sentence for results, errors and the doctor."""
        if self.confined:
            return f"network and files are kept away by {self.bwrap}; {self.user}"
        return f"network and files are NOT kept away: {self.why}; {self.user}"


def isolation_report(searched: str = SEARCHED) -> IsolationReport:
    """Whether a tool's process can be kept from network and files here: found out by doing it once, then kept."""
    return _report(searched)


@functools.lru_cache(maxsize=8)
def _report(searched: str) -> IsolationReport:
    user = _user_told()
    if not sys.platform.startswith("linux"):
        return IsolationReport(
            confined=False, bwrap="", why=f"bubblewrap needs Linux, this is {sys.platform}", user=user
        )
    found = shutil.which("bwrap", path=searched)
    if found is None:
        why = f"bubblewrap is not installed (no bwrap in {searched.replace(':', ', ')})"
        return IsolationReport(confined=False, bwrap="", why=why, user=user)
    root = os.geteuid() == 0
    variants: dict[tuple[str, ...], str] = {_AS_ROOT: "it gives root up for a user of its own"} if root else {}
    variants["--unshare-user",] = "it runs as root of a namespace of its own, uncounted" if root else user
    why = ""
    for variant, told in variants.items():
        report = IsolationReport(confined=True, bwrap=found, why="", user=told, variant=variant)
        command = bwrap_command(report, Path("/"), (), network=False)
        try:
            done = subprocess.run(  # noqa: S603 - a list of our own making, without a shell
                [*command, sys.executable, "-I", "-S", "-c", "pass"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=20,
                env={},
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            why = str(error)
            continue
        if done.returncode == 0:
            return report
        why = done.stderr.decode("utf-8", "replace").strip()[:200]
    return IsolationReport(confined=False, bwrap=found, why=f"{found} does not work here: {why}", user=user)


def bwrap_command(report: IsolationReport, folder: Path, reads: Sequence[str], *, network: bool) -> list[str]:
    """The arguments that go before a command; ``folder`` may be written, ``reads`` read; ``/`` stands for no folder."""
    command = [report.bwrap, "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--die-with-parent", "--new-session", "--clearenv", *report.variant]
    command += ["--share-net"] if network else ["--unshare-net"]
    shown = dict.fromkeys([*_SYSTEM, *(_NETWORK if network else ()), *_python(), *reads])
    for path in shown:
        command += ["--ro-bind-try", path, path]
    command += ["--proc", "/proc", "--dev", "/dev"]
    if folder != Path("/"):
        command += ["--bind", str(folder), str(folder), "--chdir", str(folder)]
        for name, value in environment(folder).items():
            command += ["--setenv", name, value]
    return [*command, "--remount-ro", "/"]


def environment(folder: Path) -> dict[str, str]:
    """All that a tool's process has of an environment."""
    here = str(folder)
    return {"PATH": "/usr/bin:/bin", "HOME": here, "TMPDIR": here, "LANG": "C.UTF-8"}


def _python() -> list[str]:
    """Where this interpreter, its library, its packages and agentops are."""
    ours = Path(__file__).resolve().parent.parent
    paths = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths += [sys.base_prefix, sys.prefix, str(Path(sys.executable).parent)]
    paths += [str(Path(sys.executable).resolve().parent), str(ours)]
    paths += [str(Path(msgspec.__file__).resolve().parent.parent)]  # wherever packages were found
    return [path for path in dict.fromkeys(paths) if path and path != "/"]


def user_for(folder: Path) -> int:
    """The number of a user that nobody else is, for a process started by root; 0 where this is not root."""
    if os.geteuid() != 0:
        return 0
    return _FIRST_USER + folder.stat().st_ino % _USERS


def readable_by_all(paths: Sequence[str]) -> bool:
    """Whether any user may enter these folders and all above them."""
    for path in paths:
        for each in (Path(path).resolve(), *Path(path).resolve().parents):
            try:
                if not each.stat().st_mode & 0o001 and each.is_dir():
                    return False
            except OSError:
                return False
    return True


def python_readable() -> bool:
    """Whether any user may use this interpreter and its packages."""
    return readable_by_all(_python())


def _user_told() -> str:
    if os.geteuid() != 0:
        return "it runs as your own user"
    program = f"import os; os.setgroups([]); os.setgid({_FIRST_USER}); os.setuid({_FIRST_USER})"
    command = [sys.executable, "-I", "-S", "-c", program]
    if subprocess.run(command, capture_output=True, env={}, check=False).returncode:  # noqa: S603 - a list, no shell
        return "it runs as ROOT, for there is no other user to become here, and its processes are not counted"
    if python_readable():
        return "it gives root up for a user of its own"
    return "it gives root up for a user of its own, but may read all files, for Python lies where only root may"
