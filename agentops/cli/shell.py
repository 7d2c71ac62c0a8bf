"""What every command shares: settings, the wired app, and where output goes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from agentops.observe.told import visible

if TYPE_CHECKING:  # names in annotations only: importing them takes longer than --help may
    from agentops.app.app import App
    from agentops.app.settings import Settings
    from agentops.journal.sqlite import Journal, RunRow
    from agentops.kernel.records import Delivery, Record

__all__ = ["Shell", "json_option", "note", "pass_shell", "print_json", "read_blocks", "table"]

F = TypeVar("F", bound=Callable[..., Any])


class Shell:
    """One invocation of the command line: its global options, and what is made from them when it is needed."""

    def __init__(self, flags: dict[str, str | None], log_level: str) -> None:
        self.flags = flags
        self.log_level = log_level

    def settings(self, **flags: str | None) -> Settings:
        """The settings that hold: flag, else environment, else workspace file, else default."""
        from agentops.app.settings import load_settings

        return load_settings({**self.flags, **flags}, os.environ, Path.cwd())

    def app(self, **flags: str | None) -> App:
        """Everything wired together."""
        from agentops.app.app import App

        return App(self.settings(**flags))

    def index(self) -> Path:
        """The file that documents are indexed in: the one that the stock tools use."""
        from agentops.retrieval import INDEX_FILE

        return self.settings().data / INDEX_FILE

    def journal(self) -> Journal:
        """The journal, for reading and for leaving answers; it must exist."""
        from agentops.errors import JournalError
        from agentops.journal.sqlite import Journal

        path = self.settings().journal
        if not path.exists():
            msg = f"there is no journal at {path}"
            raise JournalError(msg, hint="Start a run first, or name the file with --journal.", path=str(path))
        return Journal(path)


def read_blocks(journal: Journal, row: RunRow) -> list[tuple[Delivery, list[Record]]]:
    """A run's blocks, decoded; `JournalCorrupt` where one does not read as one."""
    from agentops.errors import JournalCorrupt
    from agentops.kernel.records import read_block

    found = []
    for seq, data, _ in journal.blocks(row.id):
        try:
            found.append(read_block(data))
        except msgspec.MsgspecError as error:
            msg = f"{journal.path}: block {seq} of run {row.run} does not read as one: {error}"
            raise JournalCorrupt(msg, hint="Restore the file from a copy.", path=journal.path) from error
    return found


pass_shell = click.make_pass_decorator(Shell)


def json_option(function: F) -> F:
    """``--json``: one JSON value on stdout instead of text."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout.")(function)


def print_json(value: Any) -> None:
    """A JSON value on one line of stdout."""
    print(msgspec.json.encode(value, enc_hook=str).decode())


def table(head: list[str], rows: list[list[str]]) -> None:
    """Rows under a head, in columns as wide as they need, on stdout."""
    shown = [[visible(cell) for cell in row] for row in rows]
    widths = [max(len(row[number]) for row in [head, *shown]) for number in range(len(head))]
    for row in [head, *shown]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def note(text: str) -> None:
    """A line of progress, or a hint, on stderr."""
    print(text, file=sys.stderr, flush=True)
