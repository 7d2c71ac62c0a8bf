"""Whether a run reads back as it was written: its hash chain, its numbering, and every payload that it refers to.

A hash chain finds what was edited, damaged or lost; it does not say who wrote it. Whoever can write the file can also
make the hashes anew, so what must be proven to others belongs in a file that they keep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from agentops.errors import JournalCorrupt
from agentops.journal.sqlite import Journal, RunRow, chain
from agentops.kernel.records import Approval, Denied, Effect, Finished, Raw, read_block

__all__ = ["Checked", "check_run", "checked_blocks", "checked_payload", "referenced"]

_COPY: Final = "It was edited, or the file is damaged: restore a copy."
_MODEL_PARTS: Final = ("prompt", "tools", "schema")


class Checked(msgspec.Struct, frozen=True):
    """What was looked at: how many blocks and payloads, and the hash that the chain ends in.

    ``status`` and ``ended`` are what the last block says of the run's end; empty and None: it has none yet.
    """

    blocks: int
    payloads: int
    hash: bytes
    status: str = ""
    ended: int | None = None


class _Reference(msgspec.Struct):
    payload: str = msgspec.field(name="$payload")


class _Link(msgspec.Struct):
    """A message of a prompt; ``after`` is the digest of the one before it."""

    after: str = ""


_decode_reference: Final = msgspec.json.Decoder(_Reference).decode
_decode_link: Final = msgspec.json.Decoder(_Link).decode
_decode_object: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def check_run(journal: Journal, row: RunRow) -> Checked:
    """Read a run through; `JournalCorrupt` names the first block or payload that is not what was written."""
    seen: set[str] = set()
    blocks, last, block = 0, b"", b""
    for _, block, digest in checked_blocks(journal, row):
        for name in referenced(block, lambda name: checked_payload(journal, row, name), seen):
            seen.add(name)
        blocks, last = blocks + 1, digest
    delivery, records = read_block(block)
    end = next((each for each in records if isinstance(each, Finished)), None)
    return Checked(blocks, len(seen), last, end.status if end else "", delivery.at if end else None)


def checked_blocks(journal: Journal, row: RunRow) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, data and hash of a run's blocks; `JournalCorrupt` at the first that breaks the chain."""
    before = b""
    for seq, block, digest in journal.blocks(row.id):
        if chain(before, block) != digest:
            msg = f"{journal.path}: block {seq} of run {row.run} is not what was written"
            raise JournalCorrupt(msg, hint=_COPY, path=journal.path, run=row.run, block=seq)
        before = digest
        yield seq, block, digest
    if not before:
        msg = f"{journal.path}: run {row.run} has no beginning"
        raise JournalCorrupt(msg, hint="The process was killed before the run began: start it anew.", path=journal.path)


def checked_payload(journal: Journal, row: RunRow, digest: str) -> bytes:
    """A payload of a run; `JournalCorrupt` where it is missing, or its SHA-256 is another."""
    data = journal.payload(digest)
    if hashlib.sha256(data).hexdigest() != digest:
        msg = f"{journal.path}: payload {digest[:12]} of run {row.run} is not what was written"
        raise JournalCorrupt(msg, hint=_COPY, path=journal.path, run=row.run, payload=digest)
    return data


def referenced(block: bytes, load: Callable[[str], bytes], seen: set[str]) -> list[str]:
    """The payloads that a block refers to and that are not in ``seen``, in the order in which they must be there.

    ``load`` gives a payload by its digest: a prompt is a chain of payloads, and is followed to its beginning. A text
    in a message that looks like a reference is none: only a record's own fields are read.
    """
    found: dict[str, None] = {}
    delivery, records = read_block(block)
    for line in (delivery, *records):
        for value in (getattr(line, name) for name in line.__struct_fields__):
            if isinstance(value, Raw) and bytes(value).startswith(b'{"$payload":"'):
                found[_decode_reference(value).payload] = None
        if isinstance(line, Effect | Denied | Approval) and line.kind == "model":
            found |= dict.fromkeys(_of_model(bytes(line.arguments), load, seen))
    return [name for name in found if name not in seen]


def _of_model(arguments: bytes, load: Callable[[str], bytes], seen: set[str]) -> list[str]:
    """The payloads of a model call: its prompt from the first message on, its tools, the schema of its answer."""
    said = _decode_object(arguments)
    names = {part: msgspec.json.decode(said[part], type=str) for part in _MODEL_PARTS if part in said}
    prompt: list[str] = []
    link = names.pop("prompt", "")
    while link and link not in seen and link not in prompt:
        prompt.append(link)
        link = _decode_link(load(link)).after
    return [*reversed(prompt), *names.values()]
