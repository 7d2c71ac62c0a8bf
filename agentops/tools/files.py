"""``read_file``, ``write_file``, ``list_files``: text files below one folder, the workspace's ``files/``.

Paths are opened by `agentops.tools.below`, so that no spelling and no link leads elsewhere. The plain functions
`read_below`, `write_below` and `list_below` take the folder as an argument: for tools of your own with another root.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Literal

from agentops.errors import ToolFailed
from agentops.kernel.tool import tool, tool_context
from agentops.messages import Message
from agentops.tools.below import OWN_PREFIX, Refused, folder_below, kind_of, open_file, split

__all__ = [
    "Entry",
    "Listing",
    "Written",
    "list_below",
    "list_files",
    "read_below",
    "read_file",
    "write_below",
    "write_file",
]

FOLDER: Final = "files"
"""The folder of the workspace in which the stock tools work."""

LARGEST: Final = 1_000_000
"""Bytes of the largest file that is read or written."""

MOST: Final = 1_000
"""Entries of the longest listing."""


class Entry(Message, frozen=True):
    """Something in a folder. ``size`` is in bytes, of a file."""

    name: str
    kind: Literal["file", "folder", "other"]
    size: int = 0


class Listing(Message, frozen=True):
    """What is in a folder, by name. ``more``: there is more than is shown."""

    path: str
    entries: tuple[Entry, ...] = ()
    more: bool = False


class Written(Message, frozen=True):
    """A file that was written: its path, its size in bytes, and the SHA-256 of its content."""

    path: str
    size: int
    sha256: str


@tool(effect="pure", timeout=30.0)
def read_file(path: str) -> str:
    """Read a text file of the workspace's folder of files.

    path: relative to that folder, as in "notes/plan.md". UTF-8 text of at most 1,000,000 bytes.
    """
    return read_below(_root(), path)


@tool(effect="idempotent", timeout=30.0)
def write_file(path: str, text: str) -> Written:
    """Write a text file into the workspace's folder of files; one that exists is replaced as a whole.

    path: relative to that folder, as in "notes/plan.md"; folders are made as needed. text: at most 1,000,000 bytes.
    """
    return write_below(_root(), path, text, key=tool_context().key)


@tool(effect="pure", timeout=30.0)
def list_files(path: str = ".") -> Listing:
    """List a folder in the workspace's folder of files, without what is in its own folders.

    path: relative to that folder; "." is the folder itself.
    """
    return list_below(_root(), path)


def _root() -> Path:
    return tool_context().workspace / FOLDER


def read_below(root: Path, path: str) -> str:
    """The text of a file below ``root``; `ToolFailed` where there is none, or it is large, or not UTF-8."""
    with _telling("read_file", path):
        parts = _file_parts(path)
        with folder_below(root, parts[:-1]) as folder, os.fdopen(open_file(folder, parts[-1]), "rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise Refused(f"is larger than {LARGEST:,} bytes")
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(f"is not UTF-8 text (byte {error.start})") from error


def write_below(root: Path, path: str, text: str, *, key: str) -> Written:
    """Write a file below ``root``: it has its old content or its new one, never a part, whenever somebody looks.

    ``key`` names the call, the same when it is repeated; from it comes the name of the file while it is being written.
    """
    data = text.encode("utf-8")
    digest = hashlib.sha256(data).hexdigest()
    with _telling("write_file", path):
        parts = _file_parts(path)
        if len(data) > LARGEST:
            raise Refused(f"would be {len(data):,} bytes; {LARGEST:,} is the most")
        with folder_below(root, parts[:-1], make=True) as folder:
            mode = _mode_of(folder, parts[-1])
            half = OWN_PREFIX + hashlib.sha256(f"{key}\0{path}".encode()).hexdigest()[:24]
            try:
                _write_new(folder, half, data, mode)
                os.rename(half, parts[-1], src_dir_fd=folder, dst_dir_fd=folder)
            finally:
                with suppress(FileNotFoundError):
                    os.unlink(half, dir_fd=folder)
            os.fsync(folder)
    return Written("/".join(parts), len(data), digest)


def list_below(root: Path, path: str) -> Listing:
    """What is in a folder below ``root``. A root that does not exist yet is empty."""
    with _telling("list_files", path):
        parts = split(path)
        shown = "/".join(parts) or "."
        if not parts and not os.path.lexists(root):
            return Listing(shown)
        with folder_below(root, parts) as folder:
            names = sorted(name for name in os.listdir(folder) if not name.startswith(OWN_PREFIX))  # noqa: PTH208 - of a descriptor
            entries = tuple(entry for name in names[:MOST] for entry in _entry(folder, name))
        return Listing(shown, entries, len(names) > MOST)


def _file_parts(path: str) -> list[str]:
    parts = split(path)
    if not parts:
        raise Refused("names no file")
    return parts


def _mode_of(folder: int, name: str) -> int:
    """The permissions of the file that is replaced, or those of a new one. What is no plain file is not replaced."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return 0o644
    if not stat.S_ISREG(status.st_mode):
        raise Refused(f"is {kind_of(status)}, not a plain file")
    return stat.S_IMODE(status.st_mode) & 0o777


def _write_new(folder: int, name: str, data: bytes, mode: int) -> None:
    """A new file, on disk; one of that name was left by the same call before a crash."""
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, mode, dir_fd=folder), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _entry(folder: int, name: str) -> Iterator[Entry]:
    """One line of a listing; nothing where it has just gone, or where its name is no text."""
    try:
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        name.encode("utf-8")
    except (FileNotFoundError, UnicodeEncodeError):
        return
    if stat.S_ISREG(status.st_mode):
        yield Entry(name, "file", status.st_size)
    else:
        yield Entry(name, "folder" if stat.S_ISDIR(status.st_mode) else "other")


@contextmanager
def _telling(name: str, path: str) -> Iterator[None]:
    """What goes wrong becomes a `ToolFailed` that names the path as it was given, and nothing of the machine's."""
    try:
        yield
    except Refused as error:
        hint = "Give a plain relative path, such as notes/plan.md, of a text file."
        raise _failed(name, f"{path[:200]!r} {error}", hint, "Refused") from error
    except OSError as error:
        what, hint = _said(error)
        raise _failed(name, f"{path[:200]!r} {what}", hint, type(error).__name__) from error


def _said(error: OSError) -> tuple[str, str]:
    match error.errno:
        case errno.ENOENT:
            return "does not exist", "list_files shows what does."
        case errno.ELOOP | errno.ENOTDIR:
            return "goes through a link or a file, not through folders", "Links are not followed; name the real path."
        case errno.EISDIR:
            return "is a folder", "Name a file in it."
        case errno.ENAMETOOLONG:
            return "has a name that is too long", "Choose a shorter one."
        case _:
            return f"cannot be used: {error.strerror}", "Check the permissions of the workspace's folder of files."


def _failed(name: str, what: str, hint: str, error: str) -> ToolFailed:
    return ToolFailed(f"{name}: {what}", hint=hint, name=name, error=error, transient=False)
