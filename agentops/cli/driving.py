"""Driving a run from the command line until it ends, waits for a person, or is interrupted."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

from agentops.app.app import App
from agentops.cli.asking import Asker, arguments_of
from agentops.cli.interrupts import interruptible
from agentops.cli.shell import read_blocks
from agentops.cli.watching import Watcher, open_watcher
from agentops.kernel.records import Approval, Effect
from agentops.observe.costs import Totals, usage
from agentops.runtime.events import Ended, Recorded
from agentops.runtime.live import Run
from agentops.runtime.runtime import Runtime

__all__ = ["Begin", "Finish", "drive"]

Begin = Callable[[Runtime, bool], Awaitable[Run]]
"""Starts or resumes a run; the second argument says whether somebody is there to answer approvals."""


@dataclass
class Finish:
    """How driving a run ended. ``ended`` is None where it was interrupted."""

    run: str
    ended: Ended | None
    output: Any = None
    """The typed output of a run that is done."""
    approvals: list[tuple[Approval, Any]] = field(default_factory=list)
    """What waits for a person, with its arguments."""
    totals: Totals = field(default_factory=Totals)
    labels: list[str] = field(default_factory=list)
    """What the models that were used say of themselves."""


def drive(app: App, begin: Begin, *, as_json: bool, attended: bool, log_level: str, quiet: bool) -> Finish | None:
    """Drive a run; None where it was interrupted before there was one."""
    return anyio.run(_drive, app, begin, as_json, attended, _Options(log_level, quiet))


@dataclass(frozen=True)
class _Options:
    log_level: str
    quiet: bool


async def _drive(app: App, begin: Begin, as_json: bool, attended: bool, options: _Options) -> Finish | None:
    finish: Finish | None = None
    with anyio.CancelScope() as scope, interruptible(scope):
        async with app.runtime() as runtime:
            run = await begin(runtime, attended)
            finish = Finish(run.id, None)
            print(f"run {run.id}", file=sys.stderr if as_json else sys.stdout, flush=True)
            with open_watcher(run, level=options.log_level, quiet=options.quiet) as watcher:
                try:
                    finish.ended = await _watch(runtime, run, watcher, attended=attended)
                finally:
                    _account(app, runtime, finish)
            if finish.ended.status == "waiting":
                finish.approvals = [(each, arguments_of(each, runtime.journal.payload)) for each in run.approvals]
            if finish.ended.status == "done":
                finish.output = await run.result()
    return finish


async def _watch(runtime: Runtime, run: Run, watcher: Watcher, *, attended: bool) -> Ended:
    """Show events as they come, and put approvals before a person; how the run ended."""
    async with anyio.create_task_group() as group:
        asker = Asker(run, watcher, group, runtime.journal.payload) if attended else None
        if asker is not None:
            answered = runtime.journal.answers(_row(runtime, run))
            for key, approval in run.questions.items():
                if key not in answered:
                    asker.put(approval)
        async for event in run.events():
            if isinstance(event, Ended):
                group.cancel_scope.cancel()
                return event
            watcher.event(event)
            if asker is not None and isinstance(event, Recorded) and isinstance(event.record, Approval):
                asker.put(event.record)
    return await run.wait()


def _row(runtime: Runtime, run: Run) -> int:
    return runtime.journal.find(run.id).id


def _account(app: App, runtime: Runtime, finish: Finish) -> None:
    """What the run used, and what wrote its words, from its journal."""
    blocks = read_blocks(runtime.journal, runtime.journal.find(finish.run))
    finish.totals = usage(blocks)
    names = {
        each.name for _, records in blocks for each in records if isinstance(each, Effect) and each.kind == "model"
    }
    finish.labels = [app.model_label(name) for name in sorted(names)]
