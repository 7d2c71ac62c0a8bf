"""``agentops diff``: two runs side by side."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agentops.cli.shell import Shell, json_option, pass_shell, print_json, read_blocks, table

if TYPE_CHECKING:  # names in annotations only: importing them takes longer than --help may
    from agentops.journal.sqlite import Journal, RunRow
    from agentops.observe.costs import Totals, Usage
    from agentops.observe.diff import Change, Compared, Field
    from agentops.observe.steps import Step

__all__ = ["diff"]

_SHOWN: Final = 6
"""Values shown of a step, unless all are asked for."""
_MARKS: Final = {"a": "-", "b": "+", "both": "~"}


class _Side:
    """One of the two runs."""

    def __init__(self, journal: Journal, row: RunRow) -> None:
        from agentops.kernel.records import Start
        from agentops.observe.costs import by_agent
        from agentops.observe.path import decision_path

        blocks = read_blocks(journal, row)
        self.row = row
        self.path: Step = decision_path(blocks, journal.payload, run=row.run, playbook=row.playbook, status=row.status)
        self.used: Usage = by_agent(blocks)
        first = blocks[0][0] if blocks else None
        self.header: dict[str, Any] = first.header if isinstance(first, Start) else {}

    @property
    def took(self) -> int | None:
        """Microseconds from beginning to end, waiting included; None: it has no end."""
        return None if self.row.ended is None else self.row.ended - self.row.started

    def plain(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "run": self.row.run,
            "playbook": self.row.playbook,
            "status": self.row.status,
            "seconds": None if self.took is None else self.took / 1_000_000,
            "usage": self.used.totals.plain(),
            "agents": {agent: totals.plain() for agent, totals in self.used.agents.items()},
        }


@click.command(short_help="Compare the decision paths of two runs.")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--full", is_flag=True, help="Show every value that differs, and do not shorten it.")
@json_option
@pass_shell
def diff(shell: Shell, first: str, second: str, full: bool, as_json: bool) -> int:
    """Compare runs A and B: what they were made of, each step, their outputs, cost and time.

    Steps are put in line by agent and cause, not by clock. A and B are ids, the beginnings or ends of ids, or `last`.
    Exit code 0, whether they differ or not: with --json, `same` says so.
    """
    from agentops.observe.diff import compare_paths, fields

    journal = shell.journal()
    try:
        a, b = (_Side(journal, journal.find(name)) for name in (first, second))
    finally:
        journal.close()
    compared = compare_paths(a.path, b.path)
    made = fields(a.header, b.header)
    if as_json:
        print_json(_object(a, b, compared, made))
    else:
        print("\n".join(_page(a, b, compared, made, full=full)))
        print()
        _costs(a, b)
    return 0


def _counts(compared: Compared) -> dict[str, int]:
    of = [change.of for change in compared.changes]
    return {"same": compared.same, "differ": of.count("both"), "only_a": of.count("a"), "only_b": of.count("b")}


def _object(a: _Side, b: _Side, compared: Compared, made: Sequence[Field]) -> dict[str, Any]:
    return {
        "a": a.plain(),
        "b": b.plain(),
        "same": not compared.changes and not compared.output,
        "made_of": [msgspec.to_builtins(field) for field in made],
        "steps": _counts(compared),
        "changes": [change.plain() for change in compared.changes],
        "output": [msgspec.to_builtins(field) for field in compared.output],
    }


# --- in words ----------------------------------------------------------------------------------------------------


def _page(a: _Side, b: _Side, compared: Compared, made: Sequence[Field], *, full: bool) -> Iterator[str]:
    from agentops.observe.told import visible

    for mark, side in (("-", a), ("+", b)):
        yield visible(f"{mark} {side.row.run}  {side.row.playbook} · {side.row.status}")
    if made:
        yield "\nmade of something else:"
        yield from _fields(made, "  ", full=full)
    counts = _counts(compared)
    other = f"{counts['differ']} differ, {counts['only_a']} only in -, {counts['only_b']} only in +"
    yield f"\nsteps: {counts['same']} the same, {other}"
    above: tuple[str, ...] | None = None
    for change in compared.changes:
        if change.under != above:
            above = change.under
            yield "\n" + visible(" > ".join(above) or "the run")
        yield from _change(change, full=full)
    yield "\noutput: " + ("differs" if compared.output else "the same")
    yield from _fields(compared.output, "  ", full=full)


def _change(change: Change, *, full: bool) -> Iterator[str]:
    from agentops.observe.words import line

    step = change.step
    text = line(step, room=100_000 if full else 60)
    where = f"  [{step.id}]" if step.id else ""
    rows = textwrap.wrap(text + where, max(_width() - 4, 40), break_on_hyphens=False)
    yield f"{_MARKS[change.of]} {rows[0]}"
    yield from (f"    {row}" for row in rows[1:])
    yield from _fields(change.fields, "    ", full=full)


def _fields(found: Sequence[Field], indent: str, *, full: bool) -> Iterator[str]:
    from agentops.observe.told import plural, value, visible

    shown = found if full else found[:_SHOWN]
    room = 100_000 if full else max(_width() - len(indent) - 4, 40)
    for field in shown:
        yield f"{indent}{visible(field.path)}"
        for mark, said in (("-", field.a), ("+", field.b)):
            yield f"{indent}  {mark} {value(said, room)}"
    if len(found) > len(shown):
        yield f"{indent}and {plural(len(found) - len(shown), 'more value')} (--full)"


def _costs(a: _Side, b: _Side) -> None:
    from agentops.observe.costs import Totals
    from agentops.observe.told import duration

    rows = [["took", *("" if side.took is None else duration(side.took) for side in (a, b))]]
    rows += _totals("", a.used.totals, b.used.totals)
    for agent in sorted({*a.used.agents, *b.used.agents}):
        left, right = (side.used.agents.get(agent, Totals()) for side in (a, b))
        if left != right:
            rows += _totals(f"{agent}: ", left, right)
    table(["", "-", "+"], rows)


def _totals(prefix: str, a: Totals, b: Totals) -> list[list[str]]:
    from agentops.observe.told import money

    return [
        [f"{prefix}model calls", f"{a.model_calls:,}", f"{b.model_calls:,}"],
        [f"{prefix}tool calls", f"{a.tool_calls:,}", f"{b.tool_calls:,}"],
        [f"{prefix}tokens", f"{a.tokens:,}", f"{b.tokens:,}"],
        [f"{prefix}money", money(a.money), money(b.money)],
    ]


def _width() -> int:
    return shutil.get_terminal_size((120, 24)).columns
