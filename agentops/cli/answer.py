"""``agentops approve`` and ``agentops deny``: a person's answer, left in the journal for whoever drives the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json, read_blocks

if TYPE_CHECKING:
    from agentops.journal.sqlite import Journal, RunRow
    from agentops.observe.approvals import Waiting

__all__ = ["approve", "deny"]


def _options(function: Any) -> Any:
    """What both commands take."""
    function = pass_shell(function)
    function = json_option(function)
    function = click.option("--note", default="", help="Why; on record, and told to the agent that is refused.")(
        function
    )
    function = click.option("--by", default="", help="Who answers; default: you, by your user name.")(function)
    function = click.argument("approval", required=False)(function)
    return click.argument("name", metavar="RUN")(function)


@click.command(short_help="Allow what a run waits to do.")
@_options
def approve(shell: Shell, name: str, approval: str | None, by: str, note: str, as_json: bool) -> int:
    """Allow what RUN waits to do, once. APPROVAL may be left out where only one thing waits."""
    return _answer(shell, name, approval, "approve", by, note, as_json=as_json)


@click.command(short_help="Refuse what a run waits to do.")
@_options
def deny(shell: Shell, name: str, approval: str | None, by: str, note: str, as_json: bool) -> int:
    """Refuse what RUN waits to do. APPROVAL may be left out where only one thing waits."""
    return _answer(shell, name, approval, "deny", by, note, as_json=as_json)


def _answer(shell: Shell, name: str, approval: str | None, verdict: str, by: str, why: str, *, as_json: bool) -> int:
    from agentops import clock
    from agentops.cli.asking import describe, person
    from agentops.kernel.records import Answer
    from agentops.messages import encode

    app = shell.app()
    journal = shell.journal()
    try:
        row = journal.find(name)
        waiting = _chosen(journal, row, approval)
        at = clock.now()
        answer = Answer(at, waiting.approval.effect, verdict, by or person(), why)
        data = app.redactor.json(encode(answer))
        if not journal.leave_answer(row.id, waiting.key, data, at):
            raise _taken(row, waiting)
        told = describe(waiting.approval, journal.payload)
        running = journal.find(row.run).status == "running"
    finally:
        journal.close()
    done = "approved" if verdict == "approve" else "denied"
    if as_json:
        said = {"run": row.run, "approval": waiting.approval.effect, "verdict": verdict, "by": answer.by}
        print_json({**said, "running": running})
        return 0
    print(f"{done}: {told}")
    note("the run goes on by itself" if running else f"go on with: agentops resume {row.run}")
    return 0


def _chosen(journal: Journal, row: RunRow, approval: str | None) -> Waiting:
    """The open approval that is meant."""
    from agentops.errors import InvalidInput
    from agentops.kernel.suggest import nearest
    from agentops.observe.approvals import waiting

    found = waiting(read_blocks(journal, row))
    ids = [each.approval.effect for each in found]
    if not found:
        msg = f"nothing waits for a person in run {row.run}; it is {row.status}"
        raise InvalidInput(msg, hint="See what waits: agentops runs list --status waiting", run=row.run)
    if approval is None and len(found) > 1:
        msg = f"{len(found)} things wait for a person in run {row.run}: {', '.join(ids)}"
        raise InvalidInput(msg, hint="Name one of them behind the run's id.", run=row.run, approvals=ids)
    if approval is None:
        return found[0]
    if approval not in ids:
        msg = f"nothing waits under {approval!r} in run {row.run}"
        raise InvalidInput(msg, hint=nearest(approval, ids), run=row.run, approvals=ids)
    return found[ids.index(approval)]


def _taken(row: RunRow, waiting: Waiting) -> Exception:
    from agentops.errors import InvalidInput

    msg = f"{waiting.approval.effect} has been answered already"
    return InvalidInput(msg, hint=f"The first answer counts. Go on with: agentops resume {row.run}", run=row.run)
