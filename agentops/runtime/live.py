"""One run in this process: what the engine keeps of it, and what its caller holds in hand."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import anyio

from agentops.errors import AgentOpsError, ApprovalNeeded, RunError, revive
from agentops.journal.sqlite import Append, chain
from agentops.kernel.kernel import Kernel, Reaction
from agentops.kernel.records import Answer, Approval, Cancel, Delivery, ErrorRecord, Finished
from agentops.messages import decode, encode
from agentops.runtime.definition import Definition
from agentops.runtime.events import Ended, Event, Recorded, Text
from agentops.runtime.perform import Performer

__all__ = ["Live", "Run"]


class _Listener:
    """One reader of a run's events: what it has not read yet, and a bell."""

    def __init__(self) -> None:
        self.waiting: deque[Event] = deque()
        self.bell = anyio.Event()

    def put(self, event: Event) -> None:
        self.waiting.append(event)
        self.bell.set()


class Live:
    """What the engine keeps of a run that it is driving."""

    def __init__(self, name: str, row: int, kernel: Kernel, definition: Definition, performer: Performer) -> None:
        self.name = name
        self.row = row
        self.kernel = kernel
        self.definition = definition
        self.performer = performer
        self.budget = kernel.world.gate.left("")
        """What the run's budget was before anything was reserved."""
        self.seq = 0
        self.hash = b""
        self.inbox: deque[Delivery] = deque()
        self.queued = False
        """Whether the engine has this run in its line."""
        self.scopes: dict[str, anyio.CancelScope] = {}
        self.given_up: set[str] = set()
        """Effects that nobody waits for and that no worker has begun."""
        self.answered: set[str] = set()
        """Keys of the answers in the journal's inbox that were handed in."""
        self.deadline: int | None = None
        self.listeners: list[_Listener] = []
        self.ended: Ended | None = None
        self.over = anyio.Event()
        self.attended = False
        """Whether somebody is there to answer approvals; else the run is put away until one is answered."""
        self.load_payload: Callable[[str], bytes] = lambda _: b"null"

    def append(self, reaction: Reaction) -> Append:
        """The next block, as the journal takes it."""
        finished = reaction.finished
        block = Append(
            self.row,
            self.seq,
            reaction.block,
            chain(self.hash, reaction.block),
            reaction.blobs,
            finished.status if finished is not None else "",
            self.kernel.world.now if finished is not None else None,
        )
        self.seq += 1
        self.hash = block.hash
        return block

    def show(self, reaction: Reaction, seq: int) -> None:
        """Tell the listeners what was recorded."""
        if self.listeners:
            at = reaction.at
            for record in reaction.records:
                event = Recorded(self.name, seq, at, record)
                for listener in self.listeners:
                    listener.put(event)

    def emit(self, effect: str, agent: str, text: str) -> None:
        """Tell the listeners what a model is writing."""
        event = Text(self.name, effect, agent, text)
        for listener in self.listeners:
            listener.put(event)

    def finish(self, finished: Finished) -> None:
        """The run is over."""
        output = bytes(finished.output)
        if output.startswith(b'{"$payload":"'):
            output = self._payload(output)
        self.end(Ended(self.name, finished.status, output, _revived(finished.error)))

    def _payload(self, output: bytes) -> bytes:
        digest = decode(output)["$payload"]
        return self.kernel.world.blobs.get(digest) or self.load_payload(digest)

    def end(self, ended: Ended) -> None:
        """Say the last word; nothing is delivered after it."""
        if self.ended is None:
            self.ended = ended
            for listener in self.listeners:
                listener.put(ended)
            self.over.set()


def _revived(error: ErrorRecord | None) -> AgentOpsError | None:
    return None if error is None else revive(error.type, error.what, error.hint, error.facts)


class Run:
    """A run, as its caller holds it. Given by `Runtime.start` and `Runtime.resume`."""

    def __init__(
        self,
        live: Live,
        post: Callable[[Live, Delivery], None],
        now: Callable[[], int],
        redact: Callable[[bytes], bytes],
    ) -> None:
        self._live = live
        self._post = post
        self._now = now
        self._redact = redact

    @property
    def id(self) -> str:
        """The run's id, by which it is replayed, resumed and shown."""
        return self._live.name

    @property
    def status(self) -> str:
        """``running``, or how it ended."""
        return "running" if self._live.ended is None else self._live.ended.status

    @property
    def approvals(self) -> list[Approval]:
        """What waits for a person now."""
        return list(self.questions.values())

    @property
    def questions(self) -> dict[str, Approval]:
        """What waits for a person now, by a key that is new each time the same effect is asked about.

        Under that key other processes leave their answers in the journal.
        """
        return self._live.kernel.pending_approvals()

    @property
    def budget(self) -> dict[str, int | None]:
        """What the run's budget was at its start, by unit; as `left`."""
        return self._live.budget

    @property
    def left(self) -> dict[str, int | None]:
        """What the run's budget leaves, by unit; money in micro-dollars; None: unlimited."""
        return self._live.kernel.world.gate.left("")

    async def events(self) -> AsyncIterator[Event]:
        """What happens from now on, as it happens, ending with an `Ended`. Several readers may listen."""
        listener = _Listener()
        if self._live.ended is not None:
            yield self._live.ended
            return
        self._live.listeners.append(listener)
        try:
            while True:
                while listener.waiting:
                    event = listener.waiting.popleft()
                    yield event
                    if isinstance(event, Ended):
                        return
                listener.bell = anyio.Event()
                if not listener.waiting:
                    await listener.bell.wait()
        finally:
            self._live.listeners.remove(listener)

    async def wait(self) -> Ended:
        """Wait for the end; raises nothing for a run that failed."""
        await self._live.over.wait()
        assert self._live.ended is not None  # noqa: S101 - set before the event
        return self._live.ended

    async def result(self) -> Any:
        """Wait for the typed output; raises the run's error, or `ApprovalNeeded` when it waits for a person."""
        ended = await self.wait()
        if ended.status == "waiting":
            ids = [approval.effect for approval in self.approvals]
            msg = f"run {self.id} waits for a person: {', '.join(ids)}"
            hint = f"agentops approve {self.id}, or deny; then agentops resume {self.id}"
            raise ApprovalNeeded(msg, hint=hint, run=self.id, approvals=ids)
        if ended.error is not None:
            raise ended.error
        if ended.status != "done":
            msg = f"run {self.id} ended as {ended.status}"
            raise RunError(msg, hint=f"agentops runs show {self.id}")
        returns = self._live.definition.returns
        return decode(ended.output) if returns is None else returns.decode(ended.output)

    async def cancel(self, reason: str = "cancelled by the caller") -> None:
        """Cancel the run; comes back when it is over, clean-ups included."""
        if self._live.ended is None:
            self._post(self._live, Cancel(self._now(), decode(self._redact(encode(reason)))))
            await self.wait()

    def answer(self, approval: str, *, approve: bool, by: str = "", note: str = "") -> None:
        """Answer an approval by its id; the answer is on record under ``by``."""
        if self._live.ended is not None or approval not in {each.effect for each in self.approvals}:
            msg = f"nothing waits for an answer under {approval!r} in run {self.id}"
            raise RunError(msg, hint="It may have been answered, or withdrawn, before.", effect=approval)
        said = decode(self._redact(encode([by, note])))
        self._post(self._live, Answer(self._now(), approval, "approve" if approve else "deny", *said))
