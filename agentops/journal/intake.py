"""Reading an exported run back: every hash checked before the first byte is kept, all of it or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import msgspec

from agentops.errors import JournalCorrupt, JournalError, JournalVersion, UnknownRun
from agentops.journal.exchange import FORMAT, VERSION, BlockLine, EndLine, Header, PayloadLine
from agentops.journal.integrity import referenced
from agentops.journal.schema import VERSION as SCHEMA
from agentops.journal.sqlite import Append, Journal, RunRow, chain
from agentops.kernel.records import Finished, Start, read_block

__all__ = ["Imported", "import_run"]

T = TypeVar("T")
_AGAIN: Final = "Export it again, and copy it whole."
_LINE: Final = 1 << 30
"""Bytes in a line, at most: what is longer was not written by `export_run`, and is not read into memory."""
_STATUSES: Final = ("running", "waiting", "done", "failed", "stopped", "denied", "cancelled")


class Imported(msgspec.Struct, frozen=True):
    """What was read. ``fresh`` False: the same run was there already, and nothing was written."""

    run: str
    status: str
    blocks: int
    payloads: int
    fresh: bool


def import_run(journal: Journal, path: Path) -> Imported:
    """Read a run that `export_run` wrote into a journal.

    Hashes say that the file is what somebody exported, not who that was. Replaying it calls nothing; to resume a run
    is to trust its playbook, policy and model endpoint, which come from the file.

    Raises `JournalVersion` for a file of a newer form, `JournalCorrupt` for one that is cut short or was changed, and
    `JournalError` for one that is no export, or whose run is here already with other content. Then nothing is kept.
    """
    try:
        with path.open("rb") as file:
            return _take_in(journal, _Reader(file, path))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}"
        raise JournalError(msg, hint="Name a file that agentops export wrote.", path=str(path)) from error


def _take_in(journal: Journal, reader: _Reader) -> Imported:
    header = reader.header
    known = _known(journal, header.run)
    if known is None:
        status = "running" if header.status == "interrupted" else header.status
        row = RunRow(0, header.run, header.playbook, status, header.started, header.ended, "")
        journal.adopt(row, reader.appends())
    else:
        for _ in reader.appends():
            pass
        _refuse_other(journal, known, reader)
    return Imported(header.run, header.status, header.blocks, header.payloads, fresh=known is None)


def _known(journal: Journal, run: str) -> RunRow | None:
    try:
        row = journal.find(run)
    except UnknownRun:
        return None
    return row if row.run == run else None


def _refuse_other(journal: Journal, known: RunRow, reader: _Reader) -> None:
    """The same run, block for block, may come twice; another under its name may not."""
    count, last = 0, b""
    for _, _, digest in journal.blocks(known.id):
        count, last = count + 1, digest
    if last != reader.hash:
        here, there = f"{count} blocks here", f"{reader.header.blocks} in {reader.path}"
        msg = f"run {known.run} is in {journal.path} already, with other content: {here}, {there}"
        raise JournalError(msg, hint="Import it into another journal: --journal FILE.", path=journal.path)


class _Reader:
    """Goes through the file once; whatever does not fit ends it."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._file = file
        self.path = path
        self.hash = b""
        """The chain's hash up to where it was read."""
        self._number = 0
        self._whole = self._before = hashlib.sha256()
        """Over all lines so far, and over those before the latest."""
        self._payloads: dict[str, bytes] = {}
        """Those of the block at hand."""
        self._seen: set[str] = set()
        self.header = self._read_header()

    def appends(self) -> Iterator[Append]:
        """Each block with the payloads that it brought; ends only if the file's end is in order."""
        header = self.header
        line = self._line()
        for seq in range(header.blocks):
            block, line = self._block(seq, line)
            status = self._check(seq, block)
            if status and (seq != header.blocks - 1 or status != header.status):
                raise self._wrong(f"says {header.status}, and its record says {status}")
            if seq == header.blocks - 1 and not status and header.ended is not None:
                raise self._wrong("says that the run is over, and its record has no end")
            yield Append(0, seq, block, self.hash, self._payloads)
        if len(self._seen) != header.payloads:
            raise self._wrong(f"has {len(self._seen)} payloads, and its first line promises {header.payloads}")
        self._check_end(line)

    # --- parts --------------------------------------------------------------------------------------------------

    def _read_header(self) -> Header:
        line = self._line()
        try:
            said = msgspec.json.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            said = None
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            msg = f"{self.path} is not a run that agentops exported"
            raise JournalError(msg, hint="Name a file that agentops export wrote.", path=str(self.path))
        for what, known in (("version", VERSION), ("journal", SCHEMA)):
            found = said.get(what)
            if isinstance(found, int) and found > known:
                msg = f"{self.path} was written in {what} {found} of its form; this version of agentops knows {known}"
                raise JournalVersion(msg, hint="Upgrade agentops to read it.", path=str(self.path), found=found)
        header = self._decoded(line, Header)
        named = header.run and header.run.isprintable() and header.playbook.isprintable()
        if header.blocks < 1 or not named or header.status not in {*_STATUSES, "interrupted"}:
            raise self._wrong("has a first line that describes no run")
        return header

    def _block(self, seq: int, line: bytes) -> tuple[bytes, bytes]:
        """The block announced by ``line``, and the line behind it and its payloads."""
        said = self._decoded(line, BlockLine)
        if said.block != seq:
            raise self._wrong(f"has block {said.block} where block {seq} should be")
        block = b"[" + b",".join(self._line() for _ in range(said.lines)) + b"]"
        self.hash = chain(self.hash, block)
        if self.hash.hex() != said.hash:
            raise self._wrong(f"was changed in block {seq}, or in the hash before it")
        self._payloads = {}
        line = self._line()
        while line.startswith(b'{"payload":'):
            self._payload(self._decoded(line, PayloadLine))
            line = self._line()
        return block, line

    def _payload(self, said: PayloadLine) -> None:
        data = bytes(said.data) if said.text is None else said.text.encode()
        if hashlib.sha256(data).hexdigest() != said.payload:
            raise self._wrong(f"was changed in payload {said.payload[:12]}")
        self._payloads[said.payload] = data

    def _check(self, seq: int, block: bytes) -> str:
        """Whether the block is one, and all that it refers to is there and nothing else; the run's status if it ends.

        Empty: the run goes on behind this block.
        """
        try:
            delivery, records = read_block(block)
            needed = referenced(block, self._payloads.__getitem__, self._seen)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise self._wrong(f"has a block {seq} that does not read as one: {error}") from error
        except KeyError as error:
            raise self._wrong(f"lacks payload {str(error.args[0])[:12]}") from error
        if set(needed) != self._payloads.keys():
            lacking = next(iter({*needed} ^ self._payloads.keys()))
            raise self._wrong(f"has not the payloads that block {seq} refers to: {lacking[:12]}")
        if isinstance(delivery, Start) != (seq == 0) or (isinstance(delivery, Start) and delivery.run != self.run):
            raise self._wrong(f"has a block {seq} that is not of run {self.run}")
        self._seen.update(needed)
        return next((each.status for each in records if isinstance(each, Finished)), "")

    @property
    def run(self) -> str:
        """The run's id, as the first line says."""
        return self.header.run

    def _check_end(self, line: bytes) -> None:
        end = self._decoded(line, EndLine)
        if end.end != self.hash.hex() or end.sha256 != self._before.hexdigest():
            raise self._wrong("was changed: its last line does not fit the rest")
        if self._file.read(1):
            raise self._wrong("goes on behind its last line")

    # --- lines --------------------------------------------------------------------------------------------------

    def _line(self) -> bytes:
        line = self._file.readline(_LINE)
        self._number += 1
        if not line.endswith(b"\n"):
            if self._number == 1:
                return line
            raise self._wrong("is cut short")
        self._before = self._whole.copy()
        self._whole.update(line)
        return line[:-1]

    def _decoded(self, line: bytes, kind: type[T]) -> T:
        try:
            value: T = msgspec.json.decode(line, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._wrong(f"has no {kind.__name__} where one should be: {error}") from error
        return value

    def _wrong(self, what: str) -> JournalCorrupt:
        facts: dict[str, Any] = {"path": str(self.path), "line": self._number}
        return JournalCorrupt(f"{self.path} {what} (line {self._number})", hint=_AGAIN, **facts)
