"""SQLite's errors as ours, with what to do about each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from agentops.errors import JournalCorrupt, JournalError, JournalLocked, JournalWriteFailed

__all__ = ["sqlite_errors", "translated"]


@contextmanager
def sqlite_errors(path: str) -> Iterator[None]:
    """Turn what SQLite raises inside into a `JournalError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(path, error) from error


def translated(path: str, error: sqlite3.Error) -> JournalError:
    """What SQLite raised, as an error that says what to do."""
    text = str(error)
    said = text.lower()
    if "locked" in said or "busy" in said:
        return JournalLocked(
            f"{path} is locked by another process", hint="Wait for it to finish, or name another --journal.", path=path
        )
    if "readonly" in said or "read-only" in said:
        return JournalWriteFailed(
            f"{path} cannot be written: {text}", hint="Check the permissions of the file and its folder.", path=path
        )
    if "full" in said:
        return JournalWriteFailed(
            f"{path} cannot be written: the disk is full",
            hint="Make room, then resume the run; nothing is lost.",
            path=path,
        )
    if "not a database" in said or "malformed" in said or "corrupt" in said:
        return JournalCorrupt(
            f"{path} cannot be read as a journal: {text}",
            hint="Restore it from a copy, or try: sqlite3 FILE .recover",
            path=path,
        )
    if "unable to open" in said:
        return JournalError(
            f"{path} cannot be opened: {text}", hint="Check that its folder exists and may be written.", path=path
        )
    return JournalWriteFailed(f"{path}: {text}", hint="The run can be resumed once this is mended.", path=path)
