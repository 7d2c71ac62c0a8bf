"""The live view on a terminal: agents and what they are at, the last lines, the budget, what a model is writing.

Imported only where there is a terminal: rich takes longer to import than all the rest of ``agentops --help``.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console, Group
from rich.live import Live as Screen
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text as Words

from agentops.kernel import records as r
from agentops.observe import told
from agentops.observe.progress import describe
from agentops.runtime.events import Recorded, Text
from agentops.runtime.live import Run

__all__ = ["View", "live_view"]

_LINES: Final = 8
_AGENTS: Final = 12
_TAIL: Final = 300


@contextmanager
def live_view(run: Run) -> Iterator[View]:
    """Draw on stderr while inside; what was drawn last is cleared on leaving."""
    view = View(run, Console(file=sys.stderr))
    view.screen.start()
    try:
        yield view
    finally:
        view.screen.stop()


class View:
    """What is drawn, kept up to date by events."""

    def __init__(self, run: Run, console: Console) -> None:
        self._run = run
        self._agents: dict[str, tuple[str, str]] = {}
        """Agent -> (state, what it is at)."""
        self._asked: dict[str, tuple[str, str]] = {}
        """Question -> (who asked, who was asked)."""
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._writing: dict[str, tuple[str, str]] = {}
        """Effect -> (agent, text so far)."""
        self._limits = {unit: left for unit, left in run.budget.items() if left}
        self.screen = Screen(get_renderable=self.draw, console=console, refresh_per_second=8, transient=True)

    def event(self, event: Any) -> None:
        """Take note of what happened; it is drawn at the next turn of the screen."""
        if isinstance(event, Text):
            agent, before = self._writing.get(event.effect, (event.agent, ""))
            self._writing[event.effect] = (agent, (before + event.text)[-_TAIL:])
        elif isinstance(event, Recorded):
            self._note(event.record)
            line = describe(event.record)
            if line:
                self._lines.append(line)

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Give the terminal to somebody else."""
        self.screen.stop()
        try:
            yield
        finally:
            self.screen.start()

    # --- what is known ------------------------------------------------------------------------------------------

    def _note(self, record: Any) -> None:
        match record:
            case r.Spawned():
                self._agents.setdefault(record.agent, ("idle", ""))
            case r.Asked():
                asker = record.id.partition("/")[0]
                self._asked[record.id] = (asker, record.to)
                self._agents[asker] = ("waiting", f"for {record.to}")
                self._agents[record.to] = ("working", record.message)
            case r.Sent():
                self._agents[record.to] = ("working", record.message)
            case r.Replied():
                asker, answerer = self._asked.pop(record.id, ("", ""))
                if asker:
                    self._agents[asker] = ("working", "")
                    self._agents[answerer] = ("idle", "")
            case r.Effect():
                self._agents[record.id.partition("/")[0]] = ("working", f"{record.kind} {record.name}")
                self._writing.pop(record.id.partition("#")[0], None)
            case r.Approval():
                self._agents[record.effect.partition("/")[0]] = ("waiting", f"for a person: {record.name}")
            case r.Decided() | r.Crashed():
                self._writing = {key: said for key, said in self._writing.items() if said[0] != _who(record)}
            case r.Finished():
                self._agents = dict.fromkeys(self._agents, ("idle", ""))
            case _:
                pass

    # --- drawing ------------------------------------------------------------------------------------------------

    def draw(self) -> Group:
        """The whole view."""
        parts: list[Any] = [Words(f"run {self._run.id}", style="bold"), self._agent_table()]
        if self._limits:
            parts.append(self._budget_table())
        parts += [Words(told.clip(line, 160), style="dim", no_wrap=True, overflow="ellipsis") for line in self._lines]
        for agent, text in list(self._writing.values())[-2:]:
            parts.append(Words(f"{agent}: …{told.visible(text)[-_TAIL:]}", style="italic"))
        return Group(*parts)

    def _agent_table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        busy = [name for name, (state, _) in self._agents.items() if state != "idle"]
        shown = [*busy, *(name for name in self._agents if name not in busy)][:_AGENTS]
        styles = {"idle": "dim", "working": "green", "waiting": "yellow"}
        for name in sorted(shown, key=list(self._agents).index):
            state, what = self._agents[name]
            table.add_row(
                Words(told.visible(name)), Words(state, style=styles[state]), Words(told.clip(told.visible(what), 60))
            )
        return table

    def _budget_table(self) -> Table:
        table = Table.grid(padding=(0, 2))
        left = self._run.left
        for unit, limit in self._limits.items():
            rest = left.get(unit) or 0
            said = f"{told.money(rest)} of {told.money(limit)}" if unit == "money" else f"{rest:,} of {limit:,}"
            table.add_row(Words(unit), ProgressBar(limit, rest, width=24), Words(f"{said} left"))
        return table


def _who(record: Any) -> str:
    path: str = getattr(record, "id", "") or getattr(record, "turn", "")
    return path.partition("/")[0]
