"""``agentops policy``: policies checked, tested, explained, and tried on what was recorded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json, read_blocks, table

if TYPE_CHECKING:
    from agentops.journal.sqlite import Journal, RunRow
    from agentops.supervisor.backtest import BackTest, Finding

__all__ = ["policy"]

_STATUSES: Final = "running waiting interrupted done failed stopped denied cancelled".split()
_ALL: Final = 1_000_000_000


@click.group(short_help="Check, test and explain policies; try one on recorded runs.")
def policy() -> None:
    """Check, test and explain policies; try one on recorded runs.

    A policy is a file (policies/NAME.yaml, or any path), or the part of a playbook under `policy`.
    """


@policy.command("check", short_help="Check that a policy is in order.")
@click.argument("name", metavar="FILE|PLAYBOOK")
@json_option
@pass_shell
def check(shell: Shell, name: str, as_json: bool) -> int:
    """Check a policy: its shape, the names in it, and whether each rule can ever decide anything.

    Exit code 2 where it is not in order; all that is wrong is listed, with line and column.
    """
    from agentops.app.policies import open_policy

    opened = open_policy(shell.app(), name, Path.cwd())
    rules = {kind: [r.ruling.rule for r in opened.policy.rules if r.ruling.verdict == kind] for kind in _KINDS}
    if as_json:
        said = {"policy": opened.file, "ok": True, "digest": opened.policy.digest, **rules}
        print_json({**said, "tests": len(opened.cases)})
        return 0
    counts = ", ".join(f"{len(found)} {kind}" for kind, found in rules.items() if found) or "no rules: it denies all"
    print(f"ok  {opened.file}  ({counts}; {len(opened.cases)} tests; sha256 {opened.policy.digest[:12]})")
    return 0


_KINDS: Final = ("deny", "ask", "allow")


@policy.command("test", short_help="Run the tests inside a policy.")
@click.argument("name", metavar="FILE|PLAYBOOK")
@json_option
@pass_shell
def test(shell: Shell, name: str, as_json: bool) -> int:
    """Run the tests that stand in a policy under `tests`. Exit code 1 where one fails."""
    import msgspec

    from agentops.app.policies import open_policy
    from agentops.errors import InvalidInput
    from agentops.supervisor.cases import run_cases

    opened = open_policy(shell.app(), name, Path.cwd())
    if not opened.cases:
        hint = "Write some under 'tests', as in {name: ..., call: {tool: ..., args: {...}}, expect: deny}."
        raise InvalidInput(f"{opened.file} has no tests", hint=hint, policy=opened.file)
    results = run_cases(opened.policy, opened.cases, opened.tools)
    places = [opened.locate(("tests", number)) for number in range(len(results))]
    failed = sum(not each.passed for each in results)
    if as_json:
        said = [{**msgspec.to_builtins(each), "at": place} for each, place in zip(results, places, strict=True)]
        print_json({"policy": opened.file, "digest": opened.policy.digest, "failed": failed, "tests": said})
        return 1 if failed else 0
    lines = []
    for each in results:
        wanted = f"{each.expect} by {each.expect_rule}" if each.expect_rule else each.expect
        lines.append(["ok" if each.passed else "FAILED", each.name, wanted, f"{each.verdict} by {each.rule}"])
    table(["", "test", "expected", "got"], lines)
    for each, place in zip(results, places, strict=True):
        if not each.passed:
            note(f"{place}: expected {each.expect}, got {each.verdict} by {each.rule}: {each.because}".rstrip(": "))
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


@policy.command("explain", short_help="Say why a recorded call was decided so.")
@click.argument("run", metavar="RUN")
@click.argument("effect", metavar="EFFECT")
@json_option
@pass_shell
def explain(shell: Shell, run: str, effect: str, as_json: bool) -> int:
    """Say which rule decided on EFFECT of RUN, and what every rule that names its tool makes of it.

    EFFECT is the id of a call, as in `agentops runs show RUN --json`: agent/turn/number.
    """
    from agentops.cli.policy_explain import explained, tell

    said = explained(shell, run, effect)
    if as_json:
        print_json(said)
    else:
        tell(said)
    return 0


@policy.command("backtest", short_help="Judge recorded calls again under a policy.")
@click.argument("name", metavar="POLICY")
@click.option("--runs", default="all", show_default=True, metavar="last|ID,...|all", help="Which recorded runs.")
@click.option("--status", type=click.Choice(_STATUSES), help="Of those, only runs that stand so.")
@json_option
@pass_shell
def backtest(shell: Shell, name: str, runs: str, status: str | None, as_json: bool) -> int:
    """Judge every recorded call of RUNS again under POLICY, a file or a playbook's. Nothing is called.

    Printed is which runs would have been stopped, where, by which rule, and what a person had approved of it.
    What would have come after a run's first stop nobody knows: there, each call is judged as it was made.
    """
    from agentops.app.policies import open_policy
    from agentops.app.recorded import recorded_calls
    from agentops.supervisor.backtest import back_test

    opened = open_policy(shell.app(), name, Path.cwd())
    journal = shell.journal()
    try:
        done = [
            (row, back_test(row.run, calls, opened.policy, opened.tools))
            for row in _chosen(journal, runs, status or "")
            for calls in [recorded_calls(read_blocks(journal, row), journal.payload)]
        ]
    finally:
        journal.close()
    if as_json:
        listed = [_plain(row, found) for row, found in done]
        print_json({"policy": opened.file, "digest": opened.policy.digest, "runs": listed})
    else:
        _tell(opened.file, done)
    return 0


def _chosen(journal: Journal, runs: str, status: str) -> list[RunRow]:
    """The runs that are meant, each once; of all of them the newest first."""
    if runs == "all":
        found = journal.runs(limit=_ALL)
    else:
        found = list({row.id: row for row in (journal.find(name.strip()) for name in runs.split(","))}.values())
    return [row for row in found if not status or row.status == status]


def _plain(row: RunRow, found: BackTest) -> dict[str, Any]:
    import msgspec

    stop = found.stopped
    said = msgspec.to_builtins(found)
    return {**said, "playbook": row.playbook, "status": row.status, "stopped": None if stop is None else stop.effect}


def _tell(file: str, done: list[tuple[RunRow, BackTest]]) -> None:
    lines = []
    for row, found in done:
        stop, kinds = found.stopped, [each.change for each in found.findings]
        approved = sum(bool(each.approved) for each in found.findings if each.change == "stopped")
        if stop is not None:
            came = f"stopped at {stop.effect} by {stop.rule}"
        elif "asked" in kinds:
            came = "waiting for a person"
        else:
            came = "the same" if not kinds else "freer"
        numbers = [str(found.calls), *(str(kinds.count(kind)) for kind in ("stopped", "asked", "opened"))]
        lines.append([row.run, row.status, *numbers, str(approved), came])
    if not lines:
        print("no runs to judge")
        return
    table(["run", "was", "calls", "stopped", "asked", "opened", "approved", "would be"], lines)
    findings = [each for _, found in done for each in found.findings]
    if findings:
        print()
        table(["call", "tool", "was", "would be", "because"], [_finding(each) for each in findings])
    stopped = sum(found.stopped is not None for _, found in done)
    print()
    print(f"under {file}, {stopped} of {len(done)} runs would have been stopped")


def _finding(each: Finding) -> list[str]:
    was = f"{each.then} by {each.then_rule}" + (f", approved by {each.approved}" if each.approved else "")
    now = {"allow": "allowed", "ask": "asked about", "deny": "denied"}[each.verdict]
    return [each.effect, each.tool, was, f"{now} by {each.rule}", each.because]
