"""`Runtime`: open a journal, start runs, resume and replay them.

::

    async with Runtime.open("journal.db") as runtime:
        run = await runtime.start(definition, Question(text="..."))
        async for event in run.events():
            ...
        brief = await run.result()
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec

from agentops import clock
from agentops.errors import Diverged, JournalCorrupt, JournalLocked, RunError, UnhandledMessage, UnknownRecipient
from agentops.journal.sqlite import Journal, RunRow
from agentops.kernel.kernel import Kernel
from agentops.kernel.records import Answer, Continue, External, Finished, Raw, Resumed, Start, read_block
from agentops.kernel.suggest import nearest
from agentops.messages import Message, codec, encode, from_json
from agentops.runtime.definition import Definition
from agentops.runtime.divergence import Divergence
from agentops.runtime.engine import Engine
from agentops.runtime.live import Live, Run
from agentops.runtime.perform import Performer
from agentops.runtime.rebuild import Rebuilt, history, make_kernel, rebuild

__all__ = ["Replayed", "Runtime", "replay"]


class Replayed(msgspec.Struct, frozen=True):
    """What a replay came to: how much was stepped and compared, and the first divergence, if there was one."""

    run: str
    blocks: int
    records: int
    finished: bool
    """Whether the recorded run has an end."""
    divergence: Divergence | None


def _as_it_is(data: bytes) -> bytes:
    return data


class Runtime:
    """Many runs over one journal. Made by `open`; all its runs share one writer and one loop."""

    def __init__(self, journal: Journal, redact: Callable[[bytes], bytes] = _as_it_is) -> None:
        self.journal = journal
        self._engine = Engine(journal)
        self._redact = redact

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        path: str | Path,
        *,
        durability: str = "process",
        redact: Callable[[bytes], bytes] = _as_it_is,
    ) -> AsyncIterator[Runtime]:
        """Open the journal at ``path`` and drive runs while inside. Runs that are not over on leaving can be resumed.

        ``redact`` takes JSON bytes and gives them back without secrets; everything that comes in from outside goes
        through it before it is recorded.
        """
        journal = Journal(path, durability=durability)
        runtime = cls(journal, redact)
        failure: Exception | None = None
        try:
            async with anyio.create_task_group() as group:
                await group.start(runtime._engine.serve)
                try:
                    yield runtime
                except Exception as error:  # noqa: BLE001 - raised again below, out of the group that would wrap it
                    failure = error
                finally:
                    group.cancel_scope.cancel()
            if failure is not None:
                raise failure
        finally:
            for live in list(runtime._engine.runs.values()):
                live.kernel.close()
                journal.release(live.row)
            journal.close()

    async def start(self, definition: Definition, message: Message, *, run: str = "", attended: bool = False) -> Run:
        """Start a run: its root agent is asked ``message``. Comes back once the run is on record.

        ``attended``: somebody will answer approvals through `Run.answer` or the journal; else the run ends as
        ``waiting`` when it comes to one, and is resumed once it is answered.
        """
        name = run or clock.new_run_id()
        kind = type(message)
        _refuse_unhandled(definition, kind)
        _open_models(definition)
        body = self._redact(codec(kind).encode(message))
        header = from_json(dict, self._redact(encode(dict(definition.header))))
        at = clock.now()
        live = self._live(name, 0, definition, attended=attended)
        self._engine.begin(live, Start(at, name, kind.__name__, Raw(body), header))
        return Run(live, self._engine.post, clock.now, self._redact)

    async def resume(self, row: RunRow, definition: Definition, *, attended: bool = False) -> Run:
        """Go on with a run that was interrupted, or that waited for a person.

        Its code is stepped through what is recorded first; where that no longer comes out the same, `Diverged` is
        raised and nothing is done. Raises `JournalLocked` where a living process holds the run. A run that is over is
        given back as it ended.
        """
        if row.ended is not None:
            return self._over(row, definition)
        if row.run in self._engine.runs:
            msg = f"run {row.run} is being driven here already"
            raise JournalLocked(msg, hint="Use the Run that start or resume gave.", path=self.journal.path)
        _open_models(definition)
        self.journal.take(row)
        now = self.journal.find(row.run)
        if now.ended is not None:  # another process has brought it to its end since the row was read
            self.journal.release(row.id)
            return self._over(now, definition)
        try:
            rebuilt = _rebuilt_exactly(self.journal, row, definition)
        except BaseException:  # whatever it was, it is raised again
            self.journal.set_status(row.id, "waiting" if row.status == "waiting" else "running")
            self.journal.release(row.id)
            raise
        live = self._live(row.run, row.id, definition, attended=attended)
        live.kernel = rebuilt.kernel
        live.seq = rebuilt.blocks
        live.hash = rebuilt.hash
        lost, doubtful = _unanswered(rebuilt.kernel)
        self._engine.add(live)
        if rebuilt.last is not None and rebuilt.last.more:
            self._engine.post(live, Continue(clock.now()))
        wanted = rebuilt.kernel.pending_approvals()
        self._engine.post(live, Resumed(clock.now(), lost, doubtful))
        for key, data in self.journal.answers(row.id).items():
            if key in wanted:
                live.answered.add(key)
                self._engine.post(live, from_json(Answer, data))
        return Run(live, self._engine.post, clock.now, self._redact)

    async def tell(self, run: Run, to: str, message: Message, *, key: str) -> None:
        """Send a message from outside to an agent of a run. ``key`` is the message's id in the record."""
        kind = type(message)
        body = self._redact(codec(kind).encode(message))
        live = self._engine.runs.get(run.id)
        if live is None:
            msg = f"run {run.id} is not being driven here"
            raise RunError(msg, hint="Resume it first.")
        process = live.kernel.world.processes.get(to)
        if process is None:
            known = live.kernel.world.processes
            raise UnknownRecipient(f"no agent of run {run.id} is called {to!r}", hint=nearest(to, known), recipient=to)
        if kind not in process.handlers:
            handled = sorted(each.__name__ for each in process.handlers)
            msg = f"{to} does not handle {kind.__name__}; it handles {', '.join(handled) or 'nothing'}"
            raise UnhandledMessage(msg, hint=nearest(kind.__name__, handled), recipient=to, message=kind.__name__)
        self._engine.post(live, External(clock.now(), key, to, kind.__name__, Raw(body)))

    def _over(self, row: RunRow, definition: Definition) -> Run:
        """A run that has ended, by its last record."""
        live = self._live(row.run, row.id, definition, attended=False)
        last = b"[]"
        for _, block, _ in history(self.journal, row):
            last = block
        finished = read_block(last)[1][-1]
        if not isinstance(finished, Finished):
            msg = f"{self.journal.path}: run {row.run} is over, and its last record does not say how"
            raise JournalCorrupt(msg, hint="Restore the file from a copy.", path=self.journal.path)
        live.finish(finished)
        return Run(live, self._engine.post, clock.now, self._redact)

    def _live(self, name: str, row: int, definition: Definition, *, attended: bool) -> Live:
        performer = Performer(name, definition, self._redact)
        live = Live(name, row, make_kernel(definition), definition, performer)
        live.attended = attended
        live.load_payload = self.journal.payload
        return live


def _open_models(definition: Definition) -> None:
    """Open what the run will call, so that a wrong name or a missing key is found before anything has happened."""
    for name in sorted({definition.spec.model, *(spec.model for spec in definition.spec.agents)} - {""}):
        definition.model(name)


def _refuse_unhandled(definition: Definition, kind: type[Message]) -> None:
    """Refuse a first message that the root agent does not handle, before there is a run."""
    root = next((spec for spec in definition.spec.agents if spec.name == definition.spec.root), None)
    handled = sorted(each.__name__ for each in root.cls.handlers()) if root is not None else []
    if kind.__name__ not in handled:
        msg = f"{definition.spec.root} does not handle {kind.__name__}; it handles {', '.join(handled) or 'nothing'}"
        hint = nearest(kind.__name__, handled)
        raise UnhandledMessage(msg, hint=hint, recipient=definition.spec.root, message=kind.__name__, handled=handled)


def _rebuilt_exactly(journal: Journal, row: RunRow, definition: Definition) -> Rebuilt:
    rebuilt = rebuild(journal, row, definition)
    if rebuilt.divergence is not None:
        hint = "Put the code back as it was when the run was recorded."
        raise Diverged(rebuilt.divergence.text(), hint=hint, report=rebuilt.divergence)
    return rebuilt


def _unanswered(kernel: Kernel) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The effects that a crash left without an outcome: those to be made again, and those in doubt."""
    lost: list[str] = []
    doubtful: list[str] = []
    for effect in kernel.world.open.values():
        if effect.state == "admitted":
            repeatable = effect.operation.kind.effect in ("pure", "idempotent") or not effect.dispatched
            (lost if repeatable else doubtful).append(effect.id)
    return tuple(lost), tuple(doubtful)


def replay(journal: Journal, row: RunRow, definition: Definition) -> Replayed:
    """Step a run's code through its record, without any call outside, and compare every byte."""
    rebuilt = rebuild(journal, row, definition)
    finished = rebuilt.kernel.world.finished is not None
    rebuilt.kernel.close()
    return Replayed(row.run, rebuilt.blocks, rebuilt.records, finished, rebuilt.divergence)
