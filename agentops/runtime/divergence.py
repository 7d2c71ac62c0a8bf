"""Where a replay did something else than the record says, told so that a person can act on it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Protocol, TypeAlias

import msgspec

from agentops.kernel.foreign import is_library
from agentops.kernel.kernel import Kernel
from agentops.kernel.process import Fiber, Handler, Process
from agentops.kernel.records import Asked, Delivery, Record, Replied

__all__ = ["Difference", "Divergence", "Lookup", "compare"]

Block: TypeAlias = tuple[Delivery, list[Record]]


class Difference(msgspec.Struct, frozen=True):
    """One field that differs; ``path`` is written like ``body.claims[2].text``."""

    path: str
    recorded: Any
    now: Any


class Divergence(msgspec.Struct, frozen=True):
    """The first record that a replay did not make as it was recorded.

    ``kind``: ``arguments`` (the same step with other values), ``control flow`` (another step), ``missing`` (the
    record has more), ``extra`` (the code now does more), ``leftover`` (the record goes on after the code has ended).
    """

    kind: str
    seq: int
    line: int
    recorded: dict[str, Any] | None
    now: dict[str, Any] | None
    differences: tuple[Difference, ...]
    agent: str
    handler: str
    file: str
    source_line: int
    causes: tuple[str, ...]

    def text(self) -> str:
        """The report, for a terminal."""
        where = f"block {self.seq}, record {self.line}"
        lines = [f"replay diverged at {where}: {self.kind}"]
        lines.append(f"  recorded  {_brief(self.recorded)}")
        lines.append(f"  now       {_brief(self.now)}")
        for difference in self.differences[:12]:
            lines.append(f"  {difference.path}")
            lines.append(f"    - {_short(difference.recorded)}")
            lines.append(f"    + {_short(difference.now)}")
        if self.agent:
            lines.append(f"  agent     {self.agent}, handler {self.handler or '?'}")
        if self.file:
            lines.append(f"  source    {self.file}:{self.source_line}")
        lines.extend(
            f"  {'because' if not number else '       '}   {cause}" for number, cause in enumerate(self.causes)
        )
        return "\n".join(lines)


class Lookup(Protocol):
    """Where a comparison finds what the two blocks only refer to."""

    def payload(self, digest: str) -> bytes:
        """A payload by its SHA-256."""
        ...

    def asked(self, ident: str) -> Asked | None:
        """The question that was asked under an id."""
        ...


def compare(kernel: Kernel, seq: int, recorded: Block, now: Block | None, look: Lookup) -> Divergence:
    """Find and describe the first record of a block that differs."""
    produced: list[Any] = [] if now is None else [now[0], *now[1]]
    for line, (old, new) in enumerate(zip_longest([recorded[0], *recorded[1]], produced)):
        if _plain(old) != _plain(new):
            return _describe(kernel, seq, line, old, new, look)
    return _describe(kernel, seq, 0, recorded[0], None, look)


def _describe(kernel: Kernel, seq: int, line: int, old: Any, new: Any, look: Lookup) -> Divergence:
    before, after = _plain(old), _plain(new)
    if kernel.world.finished is not None and new is None and line == 0:
        kind = "leftover"
    elif before is None or after is None:
        kind = "extra" if before is None else "missing"
    else:
        kind = "arguments" if _step(before) == _step(after) else "control flow"
    differences: tuple[Difference, ...] = ()
    if kind == "arguments":
        differences = tuple(_differences("", _unfolded(before, look.payload), _unfolded(after, look.payload)))
    question = look.asked(new.id) if isinstance(new, Replied) else None
    if question is not None:
        process = kernel.world.processes.get(question.to)
        handler = _handler_of(process, question.message)
    else:
        process = _whose(kernel, after) or _whose(kernel, before)
        handler = process.root.handler if process is not None and process.root is not None else None
    file, source_line = _source(process, handler)
    return Divergence(
        kind,
        seq,
        line,
        before,
        after,
        differences,
        process.name if process is not None else "",
        handler.name if handler is not None else "",
        file,
        source_line,
        tuple(_causes(process)),
    )


def _plain(line: Any) -> dict[str, Any] | None:
    if line is None:
        return None
    fields = {name: _value(getattr(line, name)) for name in line.__struct_fields__}
    return {"record": line.__struct_config__.tag, **fields}


def _value(value: Any) -> Any:
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(bytes(value))
    return msgspec.to_builtins(value)


def _step(line: dict[str, Any]) -> tuple[Any, ...]:
    """What kind of step a record is, leaving out with which values."""
    keys = ("record", "id", "kind", "name", "to", "topic", "message", "effect", "turn", "at")
    return tuple(line.get(key) for key in keys if not (key == "at" and isinstance(line.get(key), int)))


def _unfolded(line: Any, payload: Callable[[str], bytes]) -> Any:
    """A record with what is kept aside put back in: payloads, and the messages of a prompt."""
    if isinstance(line, dict):
        if set(line) == {"$payload"}:
            return msgspec.json.decode(payload(line["$payload"]))
        unfolded = {key: _unfolded(value, payload) for key, value in line.items()}
        if isinstance(line.get("prompt"), str) and "max_output_tokens" in line:
            unfolded["prompt"] = _messages(line["prompt"], payload)
        for key in ("tools", "schema"):
            if isinstance(line.get(key), str) and "prompt" in line:
                unfolded[key] = msgspec.json.decode(payload(line[key]))
        return unfolded
    return [_unfolded(item, payload) for item in line] if isinstance(line, list) else line


def _messages(head: str, payload: Callable[[str], bytes]) -> list[Any]:
    """The messages of a prompt, from the head of its chain."""
    found: list[Any] = []
    while head:
        node = msgspec.json.decode(payload(head))
        found.insert(0, node["message"])
        head = node["after"]
    return found


def _differences(path: str, old: Any, new: Any) -> list[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for key in [*old, *(key for key in new if key not in old)]:
            found.extend(_differences(f"{path}.{key}" if path else str(key), old.get(key), new.get(key)))
        return found
    if isinstance(old, list) and isinstance(new, list):
        found = []
        for number, (one, other) in enumerate(zip_longest(old, new)):
            found.extend(_differences(f"{path}[{number}]", one, other))
        return found
    return [] if old == new else [Difference(path, old, new)]


def _whose(kernel: Kernel, line: dict[str, Any] | None) -> Process | None:
    """The agent that a record belongs to, by the path in it."""
    for key in ("id", "effect", "turn", "at"):
        path = (line or {}).get(key)
        if isinstance(path, str) and path.count("/") >= 2:
            return kernel.world.processes.get(path.rsplit("/", 2)[0])
    return None


def _handler_of(process: Process | None, message: str) -> Handler | None:
    handlers = process.handlers.items() if process is not None else ()
    return next((handler for kind, handler in handlers if kind.__name__ == message), None)


def _source(process: Process | None, handler: Handler | None) -> tuple[str, int]:
    """File and line where an agent's handler stands, or begins where it has ended."""
    file, line = "", 0
    awaiting: Any = process.root.coroutine if process is not None and process.root is not None else None
    while awaiting is not None:
        frame = getattr(awaiting, "cr_frame", None)
        if frame is not None and not is_library(frame.f_code.co_filename):
            file, line = frame.f_code.co_filename, frame.f_lineno
        awaiting = getattr(awaiting, "cr_await", None)
    if not file and handler is not None:
        code = handler.function.__code__
        return code.co_filename, code.co_firstlineno
    return file, line


def _causes(process: Process | None) -> list[str]:
    """From the message that an agent is at work on, back to the run's input."""
    chain: list[str] = []
    root: Fiber | None = process.root if process is not None else None
    while root is not None and root.envelope is not None and len(chain) < 20:
        envelope = root.envelope
        asker = envelope.asker
        sender = "the run's input" if envelope.id == "run" else envelope.id
        chain.append(f"{root.process.name} handles {envelope.codec.name}, from {sender}")
        root = asker.root if asker is not None else None
    return chain


def _brief(line: dict[str, Any] | None) -> str:
    if line is None:
        return "nothing"
    rest = ", ".join(
        f"{key}={_short(value)}" for key, value in line.items() if key != "record" and value not in ("", None)
    )
    return f"{line['record']}({rest})"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "..."
