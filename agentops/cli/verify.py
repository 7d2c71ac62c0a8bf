"""``agentops verify``: does a run come out the same in other processes, whatever differs between them?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json

if TYPE_CHECKING:  # names in annotations only: importing them takes longer than --help may
    from agentops.cli.variant import Report
    from agentops.journal.integrity import Checked

__all__ = ["Variant", "variants", "verify"]

_LOOPS: Final = ("", "asyncio", "trio")
_ZONES: Final = ("UTC0", "XXX-13", "XXX+11")
"""POSIX time zones, so that they need no database: a handler that reads local time gives itself away."""


class Variant(msgspec.Struct, frozen=True):
    """What differs in one replay: the order of sets and hashes, the event loop around it, the local time zone."""

    hash_seed: int
    loop: str
    zone: str

    def text(self) -> str:
        """For a person."""
        return f"hash seed {self.hash_seed}, {self.loop or 'no event loop'}, TZ={self.zone}"


def variants(rounds: int) -> list[Variant]:
    """So many replays under no event loop, asyncio and trio each, every one with a hash seed of its own."""
    return [
        Variant(number, _LOOPS[number % len(_LOOPS)], _ZONES[(number + number // 3) % len(_ZONES)])
        for number in range(rounds * len(_LOOPS))
    ]


@click.command(short_help="Check a run's hashes, and replay it in fresh processes that differ.")
@click.argument("name", metavar="RUN")
@click.option("--rounds", type=click.IntRange(1, 100), default=2, show_default=True, help="Replays per event loop.")
@json_option
@pass_shell
def verify(shell: Shell, name: str, rounds: int, as_json: bool) -> int:
    """Check that RUN is what was written, and that its code reproduces every byte of it in other processes.

    RUN is an id, the beginning or end of one, or `last`. Each replay is a fresh process with another hash seed and
    another time zone, under no event loop, asyncio or trio. Exit code 2 where the journal was changed, 6 where a
    replay differs.
    """
    from agentops.journal.integrity import check_run
    from agentops.runtime.rebuild import read_header

    journal = shell.journal()
    try:
        row = journal.find(name)
        checked = check_run(journal, row)
        start = read_header(journal, row)
    finally:
        journal.close()
    app = shell.app()
    app.redefine(start)  # what is missing is told here, before any process is started
    if not as_json:
        print(f"run {row.run}: {checked.blocks} blocks and {checked.payloads} payloads are what was written")
    results = []
    for variant, report in _replays(shell, row.run, rounds):
        results.append((variant, report))
        if not as_json:
            print(_line(variant, report), flush=True)
    changed = app.changed(start) if any(report.status == "diverged" for _, report in results) else []
    if as_json:
        print_json(_object(row.run, checked, results, changed))
    else:
        _conclude(results, changed)
    return max((report.exit_code for _, report in results), default=0)


def _replays(shell: Shell, run: str, rounds: int) -> Iterator[tuple[Variant, Report]]:
    for variant in variants(rounds):
        yield variant, _replay(shell, run, variant)


def _replay(shell: Shell, run: str, variant: Variant) -> Report:
    """One replay, in a process of its own."""
    from agentops.cli.variant import Report, Request

    if variant.loop == "trio" and find_spec("trio") is None:
        return Report("skipped", text="trio is not installed")
    request = msgspec.json.encode(Request(run, shell.flags, variant.loop)).decode()
    done = subprocess.run(  # noqa: S603 - this very program, with a request made here
        [sys.executable, "-m", "agentops.cli.variant", request],
        env={**os.environ, "PYTHONHASHSEED": str(variant.hash_seed), "TZ": variant.zone},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    try:
        return msgspec.json.decode(done.stdout.splitlines()[-1], type=Report)
    except (IndexError, msgspec.MsgspecError):
        told = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        text = f"the process ended with code {done.returncode}: {''.join(told) or 'it said nothing'}"
        return Report("failed", text=text, exit_code=1)


def _line(variant: Variant, report: Report) -> str:
    from agentops.observe.told import plural, visible

    what = plural(report.records, "record") if report.status == "same" else ""
    if report.status == "diverged":
        what = report.text.partition("\n")[0].removeprefix("replay diverged ")
    elif report.status in {"failed", "skipped"}:
        what = report.text
    return f"  {report.status:<9} {variant.text():<42} {visible(what)}".rstrip()


def _conclude(results: list[tuple[Variant, Report]], changed: list[str]) -> None:
    """What it comes to, and the first divergence in full."""
    from agentops.observe.told import visible

    told = [report for _, report in results if report.status != "skipped"]
    same = sum(report.status == "same" for report in told)
    print(f"{same} of {len(told)} replays reproduced every byte; no model and no tool was called")
    first = next((report for report in told if report.status == "diverged"), None)
    if first is not None:
        print(visible(first.text, lines=True))
        note(_diagnosis(told, changed))
    for report in told:
        if report.status == "failed" and report.hint:
            note(visible(report.hint, lines=True))
            break


def _diagnosis(told: list[Report], changed: list[str]) -> str:
    if any(report.status == "same" for report in told):
        return (
            "the same code comes out differently from process to process: look for the order of a set, "
            "hash() or id(), local time, or state of a module near the line above"
        )
    return f"changed since: {', '.join(changed)}" if changed else "nothing that the record names has changed since"


def _object(run: str, checked: Checked, results: list[tuple[Variant, Report]], changed: list[str]) -> dict[str, Any]:
    codes = [report.exit_code for _, report in results]
    found: dict[str, Any] = {
        "run": run,
        "status": "failed" if any(code not in {0, 6} for code in codes) else "diverged" if any(codes) else "same",
        "blocks": checked.blocks,
        "payloads": checked.payloads,
        "hash": checked.hash.hex(),
        "variants": [{**msgspec.to_builtins(variant), **msgspec.to_builtins(report)} for variant, report in results],
        "exit_code": max(codes, default=0),
    }
    if changed:
        found["changed"] = changed
    return found
