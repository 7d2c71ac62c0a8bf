"""Pages that run: every command on a page is carried out, and every file on it written, as a reader would.

A page is Markdown. Of its fenced blocks, these mean something here:

- ``console``: lines that begin with ``$ `` are commands, the others are what they print; a line ``...`` leaves out any
  number of lines. What differs from run to run (ids, times, sizes, paths) is compared by its form.
- any block with ``title="path"``: a file, written before the next command runs.
- ``sh``: commands for a reader's own machine (installing, keys, servers); they are not run.

``python -m tests.docs.console PAGE...`` writes what the commands print today into the pages.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

__all__ = ["Block", "Command", "blocks", "carry_out", "differences", "normal"]

ROOT: Final = Path(__file__).resolve().parent.parent.parent
_BASH: Final = shutil.which("bash") or "bash"
_FENCE: Final = re.compile(r"^```(\w*)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CHANGING: Final = (
    (re.compile(r"\d{8}-\d{6}-[a-z0-9]{6}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)"), "TIME"),
    (re.compile(r"\b[\d.,]+ (ms|s|min|MB|GB|kB|bytes)\b"), "SOME"),
    (re.compile(r"\b(\w+)-[0-9a-f]{8}\b"), r"\1-HASH"),
    (re.compile(r"(/[\w.+~-]+)+/(?=(docs|notes|handbook|shop|brewery)\b)"), "/"),
    (re.compile(r"by \w+(?=\s|$)"), "by SOMEBODY"),
    (re.compile(r"\.(md|txt):\d+-\d+"), r".\1:SPAN"),
    (re.compile(r"[\d,]+( \+ [\d,]+)? tokens"), "TOKENS"),
    (re.compile(r"-{3,}"), "---"),
    (re.compile(r"[\s│├└─]+"), " "),
)


@dataclass
class Command:
    """A command as it stands on a page, and what the page says that it prints."""

    text: str
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; ``start`` and ``end`` are where its content stands in the page."""

    language: str
    title: str
    text: str
    start: int
    end: int

    def commands(self) -> Iterator[Command]:
        """The commands of a console block. A command goes on in the next line after a backslash."""
        command: Command | None = None
        for line in self.text.splitlines():
            if line.startswith("$ "):
                if command is not None:
                    yield command
                command = Command(line[2:])
            elif command is not None and command.text.endswith("\\") and not command.said:
                command.text += f"\n{line}"
            elif command is not None:
                command.said.append(line)
        if command is not None:
            yield command


def blocks(page: str) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    for match in _FENCE.finditer(page):
        yield Block(match[1], match[2] or "", match[3], match.start(3), match.end(3))


class Desk:
    """A folder in which a page is worked through: where it stands, and how its last command ended."""

    def __init__(self, folder: Path, executables: Path) -> None:
        self.folder = folder
        self.executables = executables
        self.code = 0

    def run(self, command: str) -> str:
        """Carry out one command, as in one terminal session; what it printed, both streams in order."""
        where = self.executables / "where"
        script = f'(exit {self.code}); {command}\ncode=$?; pwd > "{where}"; exit $code'
        path = os.pathsep.join([str(self.executables), str(Path(sys.executable).parent), os.environ["PATH"]])
        done = subprocess.run(
            [_BASH, "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "NO_COLOR": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        self.code = done.returncode
        self.folder = Path(where.read_text(encoding="utf-8").strip())
        return done.stdout

    def write(self, title: str, text: str) -> None:
        """Write a file of the page."""
        path = self.folder / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def executables(folder: Path) -> Path:
    """A folder for PATH in which ``agentops`` and ``python`` are this tree's and this interpreter."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, call in {"agentops": "-m agentops", "python": ""}.items():
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {call} "$@"\n', encoding="utf-8")
        path.chmod(0o755)
    return folder


def carry_out(page: str, folder: Path, tools: Path) -> Iterator[tuple[Block, list[tuple[Command, str]]]]:
    """Work a page through in ``folder``; for each console block its commands with what they printed."""
    desk = Desk(folder, executables(tools))
    for block in blocks(page):
        if block.title:
            desk.write(block.title, block.text)
        elif block.language == "console":
            yield block, [(command, desk.run(command.text)) for command in block.commands()]


def normal(line: str) -> str:
    """A line without what differs from run to run, and without how it is wrapped or drawn."""
    for pattern, form in _CHANGING:
        line = pattern.sub(form, line)
    return line.strip()


def differences(command: Command, printed: str) -> list[str]:
    """The lines that a page shows and that were not printed, in that order; with nothing left out, also the reverse."""
    said = [normal(line) for line in command.said]
    came = [normal(line) for line in printed.splitlines()]
    said, came = [line for line in said if line], [line for line in came if line]
    missing, at = [], 0
    for line in said:
        if line == "...":
            continue
        try:
            at = came.index(line, at) + 1
        except ValueError:
            missing.append(line)
    if not missing and "..." not in said and len(came) != len(said):
        missing.append(f"(printed {len(came)} lines, the page shows {len(said)})")
    return missing


def _refreshed(done: list[tuple[Command, str]], desk: Path) -> str:
    lines: list[str] = []
    for command, output in done:
        printed = output.replace(str(desk), "/you")
        lines.append(f"$ {command.text}")
        if differences(command, printed):
            lines.extend(printed.rstrip("\n").splitlines())
        else:
            lines.extend(command.said)
    return "\n".join(lines) + "\n"


def main(pages: list[str]) -> None:
    """Write what commands print today into pages; ``...`` in a block whose output changed is lost: shorten it again."""
    for name in pages:
        path = Path(name)
        page = path.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            desk = Path(folder) / "desk"
            shutil.copytree(ROOT / "docs", desk / "docs")
            found = list(carry_out(page, desk, Path(folder) / "bin"))
            for block, done in reversed(found):
                page = page[: block.start] + _refreshed(done, desk.resolve()) + page[block.end :]
        path.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
