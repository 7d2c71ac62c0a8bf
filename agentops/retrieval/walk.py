"""Walking a folder: which files are documents, and reading one without being caught.

The order is that of the names, whatever the file system says. Links are not followed, so that there is no loop to
run into and nothing outside the folder to give away. Nothing is passed over in silence: what is not read is reported.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from agentops.errors import DocumentError
from agentops.retrieval.passages import Skipped
from agentops.retrieval.readers import READABLE

__all__ = ["MAX_BYTES", "Found", "read_bytes", "walk"]

MAX_BYTES: Final = 20_000_000
"""Larger files are skipped, unless the caller says otherwise."""

_TOOL_FOLDERS: Final = frozenset({"node_modules", "__pycache__", "site-packages"})
_CONVERT: Final = frozenset({".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".xls", ".xlsx", ".epub"})


class Found(NamedTuple):
    """A file that looks like a document. ``document`` is its name in citations."""

    path: Path
    document: str


def walk(folder: Path) -> Iterator[Found | Skipped]:
    """Every file under ``folder``: what may be a document, and what is skipped. Parents before children, by name."""
    waiting: list[tuple[Path, str]] = [(folder, "")]
    while waiting:
        at, prefix = waiting.pop()
        try:
            with os.scandir(at) as entries:
                ordered = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Skipped(printable(prefix.rstrip("/") or "."), f"the folder cannot be read: {_why(error)}")
            continue
        folders: list[tuple[Path, str]] = []
        for entry in ordered:
            name = prefix + entry.name
            reason = _refused(entry)
            if reason:
                yield Skipped(printable(name), reason)
            elif entry.is_dir(follow_symlinks=False):
                folders.append((Path(entry.path), name + "/"))
            else:
                yield Found(Path(entry.path), name)
        waiting.extend(reversed(folders))


def _refused(entry: os.DirEntry[str]) -> str:
    """Why this entry is not even looked into; empty: it is a folder or may be a document."""
    if not _is_text(entry.name):
        return "its name is not valid UTF-8"
    if entry.name.startswith("."):
        return "hidden"
    if entry.is_symlink():
        return "a symbolic link; links are not followed"
    if entry.is_dir(follow_symlinks=False):
        return "a folder of tools, not of documents" if entry.name in _TOOL_FOLDERS else ""
    if not entry.is_file(follow_symlinks=False):
        return "not a regular file (a pipe, socket or device)"
    return unreadable_kind(entry.name)


def unreadable_kind(name: str) -> str:
    """Why files of this kind are not read; empty: they are."""
    suffix = Path(name).suffix.lower()
    if suffix in READABLE:
        return ""
    if suffix in _CONVERT:
        return f"{suffix} files are not read; save it as PDF, HTML or text"
    return f"{suffix} files are not documents that can be read"


def read_bytes(path: Path, max_bytes: int = MAX_BYTES) -> bytes:
    """The whole of a regular file; `DocumentError` says why not.

    Opened without waiting and without following a link, then checked: what the walk saw may have been replaced since.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _cannot(path, "it is not a regular file")
            data = file.read(max_bytes + 1) if status.st_size <= max_bytes else b"\0" * (max_bytes + 1)
    except OSError as error:
        raise _cannot(path, _why(error)) from error
    if len(data) > max_bytes:
        size = max(status.st_size, len(data))
        raise _cannot(path, f"it is too large: {size:,} bytes, and the limit is {max_bytes:,}")
    return data


def _cannot(path: Path, reason: str) -> DocumentError:
    return DocumentError(f"{printable(str(path))} cannot be read: {reason}", reason=reason)


def _why(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "it is no longer there"
    if error.errno == errno.ELOOP:
        return "it is a symbolic link"
    return error.strerror or type(error).__name__


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def printable(name: str) -> str:
    """The name with what is not UTF-8 escaped."""
    return name.encode("utf-8", "backslashreplace").decode()
