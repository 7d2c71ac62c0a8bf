"""``agentops runs``: what has been run, and how a run came to its answer."""

from __future__ import annotations

import shutil
from typing import Any, Final

import click

from agentops.cli.shell import Shell, json_option, pass_shell, print_json, read_blocks, table

__all__ = ["runs"]


_STATUSES: Final = "running waiting interrupted done failed stopped denied cancelled".split()


@click.group(short_help="List runs, and show how one came to its answer.")
def runs() -> None:
    """List runs, and show how one came to its answer."""


@runs.command("list")
@click.option("--status", type=click.Choice(_STATUSES), help="Only runs that stand so.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="At most so many, newest first.")
@json_option
@pass_shell
def list_runs(shell: Shell, status: str | None, limit: int, as_json: bool) -> int:
    """List runs, newest first."""
    from agentops.clock import format_time
    from agentops.observe.told import duration

    rows = _rows(shell, status or "", limit)
    if as_json:
        print_json([_plain(row) for row in rows])
        return 0
    if not rows:
        print("no runs" + (f" with status {status}" if status else ""))
        return 0
    lines = [
        [
            row.run,
            row.status,
            row.playbook,
            format_time(row.started),
            duration(row.ended - row.started) if row.ended is not None else "",
        ]
        for row in rows
    ]
    table(["run", "status", "playbook", "started", "took"], lines)
    return 0


def _rows(shell: Shell, status: str, limit: int) -> list[Any]:
    if not shell.settings().journal.exists():
        return []
    journal = shell.journal()
    try:
        # whether a run that says it is running was interrupted is known only once its holder is looked for
        asked = {"interrupted": "running"}.get(status, status)
        return [row for row in journal.runs(limit=limit, status=asked) if not status or row.status == status]
    finally:
        journal.close()


def _plain(row: Any) -> dict[str, Any]:
    from agentops.clock import format_time

    return {
        "run": row.run,
        "status": row.status,
        "playbook": row.playbook,
        "started": format_time(row.started),
        "ended": None if row.ended is None else format_time(row.ended),
    }


@runs.command("show")
@click.argument("name", metavar="RUN")
@click.option("--full", is_flag=True, help="Do not shorten values.")
@json_option
@pass_shell
def show_run(shell: Shell, name: str, full: bool, as_json: bool) -> int:
    """Show the path of RUN from question to answer: who asked whom, what was called, who chose what and why.

    RUN is an id, the beginning or end of one, or `last`.
    """
    from agentops.observe.costs import by_agent
    from agentops.observe.path import decision_path
    from agentops.observe.tree import draw

    journal = shell.journal()
    try:
        row = journal.find(name)
        blocks = read_blocks(journal, row)
        path = decision_path(blocks, journal.payload, run=row.run, playbook=row.playbook, status=row.status)
    finally:
        journal.close()
    used = by_agent(blocks)
    if as_json:
        agents = {agent: totals.plain() for agent, totals in used.agents.items()}
        print_json({**_plain(row), "usage": used.totals.plain(), "agents": agents, "path": path})
        return 0
    print(draw(path, width=_width(), full=full))
    print()
    table(
        ["agent", "used"],
        [*([agent, totals.text()] for agent, totals in used.agents.items()), ["all", used.totals.text()]],
    )
    return 0


def _width() -> int:
    """What COLUMNS says, else the terminal's; 120 where there is none."""
    return shutil.get_terminal_size((120, 24)).columns
