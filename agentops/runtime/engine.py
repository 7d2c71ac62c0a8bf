"""The loop of the runtime: drain what came in, step, commit once, and only then let anything out.

All runs of a runtime share it. A turn of the loop takes deliveries until it has `GROUP` of them or `GROUP_SECONDS`
have passed, writes their blocks in one transaction, and releases what they asked for: effects to workers, events to
listeners, ends to waiters. If the transaction fails, nothing was released, and the runs in it are dropped: they can be
resumed from what is on disk.

The tasks that do this are leader and followers (Schmidt, O'Ryan, Kircher, Pyarali and Buschmann, "Leader/Followers",
2000). One leads: it runs the loop, and performs the next effect itself. Before it does, a follower is called, which
takes the lead if, and only if, that effect has to wait. So a tool that answers at once costs no switch between tasks,
and one that takes its time holds up nobody.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Final

import anyio
import anyio.abc
import anyio.lowlevel

from agentops import clock
from agentops.errors import AgentOpsError, JournalError
from agentops.journal.sqlite import Append, Journal
from agentops.kernel.kernel import Reaction
from agentops.kernel.records import Answer, Continue, Delivery, Dispatched, ErrorRecord, Outcome, Start, Tick
from agentops.kernel.world import Request
from agentops.messages import from_json
from agentops.runtime.events import Ended
from agentops.runtime.guard import Guard
from agentops.runtime.live import Live

__all__ = ["Engine"]

GROUP: Final = 64
GROUP_SECONDS: Final = 0.002
MEMBERS: Final = 512
"""Effects under way at once, over all runs; others wait."""
ROUNDS_AT_A_STRETCH: Final = 8
"""Turns after which the event loop gets to look after everything else."""
POLL_SECONDS: Final = 0.5
"""How often the journal's inbox is looked into while a run waits for a person."""


class Engine:
    """Drives runs. `serve` runs until cancelled; everything else may be called while it does."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.runs: dict[str, Live] = {}
        self._line: deque[Live] = deque()
        self._begun: deque[tuple[Live, Reaction, int]] = deque()
        """Runs whose first block is written and not yet released."""
        self._bell = anyio.Event()
        self._asleep = False
        self._deadlines: list[tuple[int, int, Live]] = []
        self._count = 0
        self._work: deque[tuple[Live, Request]] = deque()
        self._idle: list[anyio.Event] = []
        self._led = False
        """Whether some member leads."""
        self._members = 1
        self._called = False
        """Whether a member has been called, and has not looked yet."""
        self._group: anyio.abc.TaskGroup | None = None
        self._guard = Guard()

    # --- in -----------------------------------------------------------------------------------------------------

    def begin(self, live: Live, start: Start) -> None:
        """Begin a run: when this returns, its first block is in the journal. What that asks for is let out later."""
        with self._guard:
            self._guard.kernel = live.kernel
            reaction = live.kernel.deliver(start)
        block = live.append(reaction)
        live.row = self.journal.create(live.name, live.definition.playbook, start.at, block)
        self.add(live)
        self._begun.append((live, reaction, block.seq))
        if reaction.more:
            self.post(live, Continue(clock.now()))
        self._ring()

    def add(self, live: Live) -> None:
        """Take a run in hand."""
        self.runs[live.name] = live

    def post(self, live: Live, delivery: Delivery) -> None:
        """Hand a delivery in; it is recorded, and acted on, in the order of these calls."""
        live.inbox.append(delivery)
        if not live.queued:
            live.queued = True
            self._line.append(live)
        self._ring()

    def _ring(self) -> None:
        if self._asleep:
            self._asleep = False
            self._bell.set()

    # --- the loop -----------------------------------------------------------------------------------------------

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Drive runs until cancelled."""
        async with anyio.create_task_group() as group:
            self._group = group
            task_status.started()
            await self._member()

    async def _member(self) -> None:
        """Lead whenever nobody does; else wait to be called."""
        while True:
            self._called = False
            if not self._led:
                self._led = True
                await self._lead()
            bell = anyio.Event()
            self._idle.append(bell)
            await bell.wait()

    async def _lead(self) -> None:
        """Step and release; perform effects in between, until somebody else has taken the lead meanwhile."""
        rounds = performed = 0
        while True:
            if self._work and performed < GROUP:
                live, request = self._work.popleft()
                performed += 1
                self._led = False
                self._call_follower()
                await self._do(live, request)
                if self._led:
                    return
                self._led = True
                continue
            performed = 0
            self._tick()
            while self._begun:
                self._release(*self._begun.popleft())
            if self._line:
                self._turn()
                rounds += 1
                if rounds % ROUNDS_AT_A_STRETCH == 0:
                    await anyio.lowlevel.checkpoint()
            elif not self._work:
                await self._sleep()

    def _call_follower(self) -> None:
        """Have another member ready to take the lead; it gets to run only if this one has to wait."""
        if self._called:
            return
        if self._idle:
            self._called = True
            self._idle.pop().set()
        elif self._members < MEMBERS and self._group is not None:
            self._called = True
            self._members += 1
            self._group.start_soon(self._member)

    def _turn(self) -> None:
        """One group: step, commit, release."""
        with self._guard:
            reactions, blocks = self._step_group()
        if not blocks:
            return
        try:
            self.journal.append(blocks)
        except JournalError as error:
            for live, _ in reactions:
                self._drop(live, error)
            return
        for (live, reaction), block in zip(reactions, blocks, strict=True):
            self._release(live, reaction, block.seq)

    def _step_group(self) -> tuple[list[tuple[Live, Reaction]], list[Append]]:
        """Hand deliveries to their kernels until there are enough for one commit."""
        reactions: list[tuple[Live, Reaction]] = []
        blocks: list[Append] = []
        until = clock.monotonic() + GROUP_SECONDS
        while self._line and len(blocks) < GROUP:
            live = self._line.popleft()
            delivery = live.inbox.popleft()
            if live.inbox:
                self._line.append(live)
            else:
                live.queued = False
            if live.ended is not None or not live.kernel.expects(delivery):
                continue
            self._guard.kernel = live.kernel
            try:
                reaction = live.kernel.deliver(delivery)
            except AgentOpsError as error:
                self._drop(live, error)
                continue
            reactions.append((live, reaction))
            blocks.append(live.append(reaction))
            if reaction.more:
                live.inbox.append(Continue(clock.now()))  # behind what came meanwhile: it gets in
                if not live.queued:
                    live.queued = True
                    self._line.append(live)
            if clock.monotonic() > until:
                break
        return reactions, blocks

    def _release(self, live: Live, reaction: Reaction, seq: int) -> None:
        """The block is safe: let out what it says."""
        live.show(reaction, seq)
        for effect in reaction.cancels:
            scope = live.scopes.get(effect)
            if scope is not None:
                scope.cancel()
            else:
                live.given_up.add(effect)
        for request in reaction.requests:
            if request.dispatched:
                self._work.append((live, request))
            else:
                self.post(live, Dispatched(clock.now(), request.id))
        if reaction.deadline is not None and reaction.deadline != live.deadline:
            self._count += 1
            heapq.heappush(self._deadlines, (reaction.deadline, self._count, live))
        live.deadline = reaction.deadline
        if reaction.finished is not None:
            live.finish(reaction.finished)
            self._put_away(live)
        elif not live.attended and not live.inbox and seq == live.seq - 1 and self._only_people_awaited(live):
            try:
                self.journal.set_status(live.row, "waiting")
            except JournalError as error:
                self._drop(live, error)
                return
            live.end(Ended(live.name, "waiting"))
            self._put_away(live)

    @staticmethod
    def _only_people_awaited(live: Live) -> bool:
        effects = live.kernel.world.open.values()
        return bool(effects) and all(effect.approval is not None for effect in effects)

    def _drop(self, live: Live, error: AgentOpsError) -> None:
        """Let go of a run that cannot be driven on here; what is on disk can be resumed."""
        live.end(Ended(live.name, "interrupted", error=error))
        self._put_away(live)

    def _put_away(self, live: Live) -> None:
        for scope in list(live.scopes.values()):
            scope.cancel()
        self.runs.pop(live.name, None)
        live.kernel.close()
        try:
            self.journal.release(live.row)
        except JournalError as error:
            if live.ended is None or live.ended.error is None:
                live.end(Ended(live.name, "interrupted", error=error))

    # --- time ---------------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Hand in the ticks that are due."""
        now = clock.now()
        while self._deadlines and self._deadlines[0][0] <= now:
            due, _, live = heapq.heappop(self._deadlines)
            if live.deadline == due and live.ended is None:
                live.deadline = None
                self.post(live, Tick(now))

    async def _sleep(self) -> None:
        """Wait for a delivery, a deadline, or a person's answer in the journal's inbox."""
        self._bell = anyio.Event()
        self._asleep = True
        waits = [POLL_SECONDS] if self._look_into_inbox() else []
        if self._deadlines:
            waits.append(max(0.0, (self._deadlines[0][0] - clock.now()) / 1_000_000))
        if self._line or self._begun:
            self._asleep = False
            return
        with anyio.move_on_after(min(waits) if waits else None):
            await self._bell.wait()
        self._asleep = False

    def _look_into_inbox(self) -> bool:
        """Hand in answers that other processes left; says whether any run here waits for one."""
        asking = [live for live in self.runs.values() if live.kernel.pending_approvals()]
        for live in asking:
            wanted = live.kernel.pending_approvals()
            for key, data in self.journal.answers(live.row).items():
                if key in wanted and key not in live.answered:
                    live.answered.add(key)
                    self.post(live, from_json(Answer, data))
        return bool(asking)

    # --- effects ------------------------------------------------------------------------------------------------

    async def _do(self, live: Live, request: Request) -> None:
        """Perform one request and hand in its outcome."""
        if live.ended is not None:
            return
        if request.id in live.given_up:
            live.given_up.discard(request.id)
            self.post(live, _cancelled(request))
            return
        timeout = request.operation.kind.timeout
        scope = anyio.CancelScope()
        if timeout is not None:
            scope.deadline = anyio.current_time() + timeout
        live.scopes[request.id] = scope
        outcome = None
        with scope:
            outcome = await live.performer.perform(request, live.emit)
        del live.scopes[request.id]
        if outcome is None:
            late = timeout is not None and anyio.current_time() >= scope.deadline
            outcome = live.performer.timed_out(clock.now(), request) if late else _cancelled(request)
        self.post(live, outcome)


def _cancelled(request: Request) -> Outcome:
    error = ErrorRecord("EffectFailed", f"{request.operation.told()} was cancelled")
    return Outcome(clock.now(), request.id, "cancelled", error=error)
