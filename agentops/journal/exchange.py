"""A run as one file, for another machine, a repository or a reviewer: JSON Lines that a person can read and compare.

::

    {"format":"agentops-run","version":1,"run":"...","playbook":"...","status":"done",...,"blocks":2,"payloads":1}
    {"block":0,"lines":3,"hash":"..."}          then so many lines: the delivery, and each record it caused
    ["start",1795527318885727,"...","Question",{...},{...}]
    ["spawned","clerk","Clerk",""]
    ["effect","clerk/1/0.1","tool","look",{"name":"tea"},"look-things-up",{"tool_calls":1},""]
    {"payload":"<sha-256>","data":...}          each large value behind the block that first refers to it
    ...
    {"end":"<the chain's last hash>","sha256":"<of all lines above>"}

The lines of a block, joined by commas and put in brackets, are the bytes that its hash covers. What was redacted
before it was recorded is in no line. Answers that a person left and that the run has not taken yet stay behind.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from agentops.errors import InvalidInput, JournalCorrupt, JournalWriteFailed
from agentops.journal.integrity import Checked, check_run, checked_blocks, checked_payload, referenced
from agentops.journal.schema import VERSION as SCHEMA
from agentops.journal.sqlite import Journal, RunRow

__all__ = ["FORMAT", "VERSION", "BlockLine", "EndLine", "Header", "PayloadLine", "export_run"]

FORMAT: Final = "agentops-run"
VERSION: Final = 1
"""Version of the file's form that this code writes, and the newest that it reads."""

Raw = msgspec.Raw


class Header(msgspec.Struct, frozen=True):
    """The first line. Times are microseconds since 1970 UTC; ``journal`` is the schema that the blocks belong to."""

    format: str
    version: int
    journal: int
    run: str
    playbook: str
    status: str
    started: int
    ended: int | None
    blocks: int
    payloads: int


class BlockLine(msgspec.Struct, frozen=True):
    """Announces a block of so many lines; ``hash`` is that of the chain up to here, in hex."""

    block: int
    lines: int
    hash: str


class PayloadLine(msgspec.Struct, frozen=True):
    """A large value, as it is (``data``) or, where it would not stay on one line, as a string (``text``)."""

    payload: str
    data: Raw = Raw()
    text: str | None = None


class EndLine(msgspec.Struct, frozen=True):
    """The last line: the hash that the chain ends in, and the SHA-256 of every byte above, both in hex."""

    end: str
    sha256: str


def export_run(journal: Journal, row: RunRow, path: Path, *, replace: bool = False) -> Header:
    """Write a run to ``path``, whole or not at all, after it was checked; the header says what is in it.

    Raises `JournalCorrupt` where the run is not what was written, `InvalidInput` where ``path`` exists and is not to
    be replaced, `JournalWriteFailed` where it cannot be written.
    """
    if not replace and os.path.lexists(path):
        msg = f"{path} exists"
        raise InvalidInput(msg, hint="Name another file, or say --force to replace it.")
    checked = check_run(journal, row)
    header = Header(
        FORMAT,
        VERSION,
        SCHEMA,
        row.run,
        row.playbook,
        checked.status or (row.status if row.ended is None else "running"),
        row.started,
        checked.ended,
        checked.blocks,
        checked.payloads,
    )
    try:
        _write_whole(path, _lines(journal, row, header, checked))
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise JournalWriteFailed(msg, hint="Check the folder, its permissions and the space on its disk.") from error
    return header


def _lines(journal: Journal, row: RunRow, header: Header, checked: Checked) -> Iterator[bytes]:
    """The file's lines, without the last."""
    yield msgspec.json.encode(header)
    seen: set[str] = set()
    for seq, block, digest in checked_blocks(journal, row):
        if seq == checked.blocks:
            return  # a run that is going on: what came since it was counted is not in this file
        lines = [bytes(line) for line in msgspec.json.decode(block, type=list[Raw])]
        if b"[" + b",".join(lines) + b"]" != block or b"\n" in block:
            msg = f"block {seq} of run {row.run} cannot be written as lines and read back"
            raise JournalCorrupt(msg, hint="It was not written by agentops.", path=journal.path)
        yield msgspec.json.encode(BlockLine(seq, len(lines), digest.hex()))
        yield from lines
        for name in referenced(block, lambda name: checked_payload(journal, row, name), seen):
            seen.add(name)
            data = checked_payload(journal, row, name)
            yield b'{"payload":"%s",%s}' % (name.encode(), _member(data))


def _member(data: bytes) -> bytes:
    """A payload as a member of its line."""
    return b'"text":' + msgspec.json.encode(data.decode()) if b"\n" in data else b'"data":' + data


def _write_whole(path: Path, lines: Iterator[bytes]) -> None:
    """Write lines and the closing one beside ``path``, make them safe, and only then take its place."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            _write(file, lines)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:  # whatever it was, it is raised again
        part.unlink(missing_ok=True)
        raise


def _write(file: BinaryIO, lines: Iterator[bytes]) -> None:
    whole = hashlib.sha256()
    last = ""
    for line in lines:
        whole.update(line + b"\n")
        file.write(line + b"\n")
        if line.startswith(b'{"block":'):
            last = msgspec.json.decode(line, type=BlockLine).hash
    file.write(msgspec.json.encode(EndLine(last, whole.hexdigest())) + b"\n")
