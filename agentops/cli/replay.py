"""``agentops replay``: the code again, the world's answers from the record."""

from __future__ import annotations

from typing import Any

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json

__all__ = ["replay"]


@click.command(short_help="Run a recorded run's code again, calling nothing, and compare.")
@click.argument("name", metavar="RUN")
@json_option
@pass_shell
def replay(shell: Shell, name: str, as_json: bool) -> int:
    """Step the code of RUN through its record and compare every byte. No model and no tool is called.

    RUN is an id, the beginning or end of one, or `last`. Exit code 6, with a report, at the first difference.
    """
    from agentops.runtime.rebuild import read_header
    from agentops.runtime.runtime import replay as replay_run

    app = shell.app()
    journal = shell.journal()
    try:
        row = journal.find(name)
        start = read_header(journal, row)
        done = replay_run(journal, row, app.redefine(start))
    finally:
        journal.close()
    divergence = done.divergence
    same = divergence is None
    changed = [] if same else app.changed(start)
    if as_json:
        print_json(_object(done, changed))
    elif divergence is None:
        rest = "" if done.finished else "; the run is not over, so far it is the same"
        print(f"replayed {done.run}: {done.records} records in {done.blocks} blocks came out as recorded{rest}")
        print("no model and no tool was called")
    else:
        from agentops.observe.told import visible

        print(visible(divergence.text(), lines=True))
        note(f"changed since: {', '.join(changed)}" if changed else "nothing that the record names has changed since")
    return 0 if same else 6


def _object(done: Any, changed: list[str]) -> dict[str, Any]:
    import msgspec

    found = {
        "run": done.run,
        "status": "same" if done.divergence is None else "diverged",
        "blocks": done.blocks,
        "records": done.records,
        "finished": done.finished,
        "divergence": None,
    }
    if done.divergence is not None:
        found["divergence"] = msgspec.to_builtins(done.divergence)
        found["changed"] = changed
        what = f"block {done.divergence.seq}, record {done.divergence.line}: {done.divergence.kind}"
        found["error"] = {
            "type": "Diverged",
            "what": f"replay diverged at {what}",
            "hint": "",
            "exit_code": 6,
            "facts": {},
        }
    return found
