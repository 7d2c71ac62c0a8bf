"""Bringing a run back: its code, stepped again through its recorded deliveries, compared block by block.

Nothing is performed here: whatever the handlers ask for was answered long ago, and the answers are in the journal. A
block that does not come out byte for byte as it was recorded is a divergence, and stops the rebuilding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import msgspec

from agentops.errors import JournalCorrupt
from agentops.journal.sqlite import Journal, RunRow, chain
from agentops.kernel.kernel import Kernel, Reaction
from agentops.kernel.records import Asked, Delivery, External, Outcome, Raw, Start, read_block, read_delivery
from agentops.messages import decode
from agentops.runtime.definition import Definition
from agentops.runtime.divergence import Divergence, compare
from agentops.runtime.guard import Guard

__all__ = ["Rebuilt", "history", "make_kernel", "read_header", "rebuild"]


class Rebuilt(msgspec.Struct):
    """A run as its journal leaves it."""

    kernel: Kernel
    blocks: int
    """How many blocks were stepped."""
    records: int
    """How many records came out as they were recorded."""
    hash: bytes
    last: Reaction | None
    divergence: Divergence | None


def make_kernel(definition: Definition) -> Kernel:
    """A fresh kernel for a run, with its supervisor. It is stepped inside a `Guard`."""
    kernel = Kernel(definition.spec, definition.gate())
    kernel.guarded = True
    return kernel


def inflate(journal: Journal, delivery: Delivery) -> Delivery:
    """A recorded delivery with its large payload put back in."""
    if isinstance(delivery, Outcome):
        value = _payload(journal, bytes(delivery.value))
        return delivery if value is None else msgspec.structs.replace(delivery, value=Raw(value))
    if isinstance(delivery, Start | External):
        body = _payload(journal, bytes(delivery.body))
        return delivery if body is None else msgspec.structs.replace(delivery, body=Raw(body))
    return delivery


def _payload(journal: Journal, data: bytes) -> bytes | None:
    if not data.startswith(b'{"$payload":"'):
        return None
    digest = decode(data)["$payload"]
    payload = journal.payload(digest)
    if hashlib.sha256(payload).hexdigest() != digest:
        msg = f"{journal.path}: payload {digest[:12]} is not what was written"
        raise JournalCorrupt(msg, hint="It was edited, or the file is damaged: restore a copy.", path=journal.path)
    return payload


def history(journal: Journal, row: RunRow) -> Iterator[tuple[int, bytes, bytes]]:
    """A run's blocks with their hashes checked; `JournalCorrupt` where one is not what was written."""
    before = b""
    for seq, block, digest in journal.blocks(row.id):
        if chain(before, block) != digest:
            msg = f"{journal.path}: block {seq} of run {row.run} is not what was written"
            raise JournalCorrupt(msg, hint="It was edited, or the file is damaged: restore a copy.", path=journal.path)
        before = digest
        yield seq, block, digest


def read_header(journal: Journal, row: RunRow) -> Start:
    """The delivery that a run began with; its header says what the run was made of."""
    for _, block, _ in journal.blocks(row.id):
        first = _decoded(journal, block)
        if isinstance(first, Start):
            return first
        break
    msg = f"{journal.path}: run {row.run} has no beginning"
    raise JournalCorrupt(msg, hint="The process was killed before the run began: start it anew.", path=journal.path)


def rebuild(journal: Journal, row: RunRow, definition: Definition) -> Rebuilt:
    """Step a run's code through its recorded deliveries, and compare every block."""
    rebuilt = Rebuilt(make_kernel(definition), 0, 0, b"", None, None)
    with Guard(rebuilt.kernel):
        for seq, block, digest in history(journal, row):
            if not _step(journal, row, rebuilt, seq, block):
                break
            rebuilt.hash = digest
    return rebuilt


def _step(journal: Journal, row: RunRow, rebuilt: Rebuilt, seq: int, block: bytes) -> bool:
    """Step one recorded block and compare; whether it came out the same."""
    kernel = rebuilt.kernel
    if kernel.world.finished is not None:
        rebuilt.divergence = compare(kernel, seq, read_block(block), None, _Look(journal, row, {}))
        return False
    reaction = kernel.deliver(inflate(journal, _decoded(journal, block)))
    if reaction.block != block:
        rebuilt.divergence = compare(
            kernel, seq, read_block(block), read_block(reaction.block), _Look(journal, row, reaction.blobs)
        )
        return False
    rebuilt.blocks += 1
    rebuilt.records += len(reaction.records) + 1
    rebuilt.last = reaction
    return True


class _Look:
    """What a comparison may have to look up: in the journal, and among what the replay has just made."""

    def __init__(self, journal: Journal, row: RunRow, made: dict[str, bytes]) -> None:
        self._journal = journal
        self._row = row
        self._made = made

    def payload(self, digest: str) -> bytes:
        """A payload by its SHA-256."""
        made = self._made.get(digest)
        return self._journal.payload(digest) if made is None else made

    def asked(self, ident: str) -> Asked | None:
        """The question that was asked under an id; the first message of the run has none."""
        for _, block, _ in self._journal.blocks(self._row.id):
            for record in read_block(block)[1]:
                if isinstance(record, Asked) and record.id == ident:
                    return record
        return None


def _decoded(journal: Journal, block: bytes) -> Delivery:
    try:
        return read_delivery(block)
    except msgspec.MsgspecError as error:
        msg = f"{journal.path}: a block does not read as one: {error}"
        raise JournalCorrupt(msg, hint="Restore the file from a copy.", path=journal.path) from error
