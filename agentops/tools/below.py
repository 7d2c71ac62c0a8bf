"""Opening what is below a folder, and nothing else, however the path is written and whoever moves things meanwhile.

A path is walked by its parts, each opened relative to the folder that is already open (``openat``), never following
a symbolic link (``O_NOFOLLOW``). What was opened is what is used: a part that is swapped for a link between a check
and its use makes no difference, because there is no check apart from the opening. Only plain files and folders are
opened; FIFOs would wait for ever, and devices do things when opened.

Raises OSError as the system does, and `Refused` where a path is not one that a tool may be given. A mount point or a
hard link below the root is part of it: only somebody with rights outside can make those.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

__all__ = ["OWN_PREFIX", "Refused", "folder_below", "kind_of", "open_file", "split"]

OWN_PREFIX: Final = ".agentops-"
"""How the names of half-written files begin; no tool reads, writes or lists them."""

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_LONGEST: Final = 4096
_DEEPEST: Final = 64


class Refused(ValueError):
    """A path, or what is there, is not for a tool. Its text says why."""


def split(path: str) -> list[str]:
    """A path's parts. Relative only; without ``..``, control characters and what UTF-8 cannot write."""
    if len(path) > _LONGEST:
        raise Refused(f"is {len(path)} characters long; {_LONGEST} is the most")
    if "\0" in path or not path.isprintable():
        raise Refused("holds characters that cannot be seen")
    if path.startswith("/"):
        raise Refused("is absolute; paths count from the folder that the tool was given")
    parts = [part for part in path.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise Refused("holds '..'")
    if len(parts) > _DEEPEST:
        raise Refused(f"goes {len(parts)} folders deep; {_DEEPEST} is the most")
    if any(part.startswith(OWN_PREFIX) for part in parts):
        raise Refused(f"names something that begins with {OWN_PREFIX}, which is agentops's own")
    return parts


@contextmanager
def folder_below(root: Path, parts: list[str], *, make: bool = False) -> Iterator[int]:
    """A folder below ``root``, as an open descriptor. ``make``: folders that do not exist, the root too, are made.

    The root's own last part must be no link either: a workspace that was copied from somewhere may bring one.
    """
    if make:
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
    opened = os.open(root, _FOLDER)
    try:
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=opened)
            below = os.open(part, _FOLDER, dir_fd=opened)
            os.close(opened)
            opened = below
        yield opened
    finally:
        os.close(opened)


def open_file(folder: int, name: str) -> int:
    """A plain file in an open folder, for reading. What it is, is looked at before and after it is opened."""
    _check_plain(os.stat(name, dir_fd=folder, follow_symlinks=False))
    opened = os.open(name, _FILE, dir_fd=folder)
    try:
        _check_plain(os.fstat(opened))
    except Refused:
        os.close(opened)
        raise
    return opened


def _check_plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"is {kind_of(status)}, not a plain file")


def kind_of(status: os.stat_result) -> str:
    """What something in a folder is, for a person."""
    mode = status.st_mode
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a file" if stat.S_ISREG(mode) else "a device, socket or FIFO"
