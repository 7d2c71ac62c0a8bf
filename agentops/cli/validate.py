"""``agentops validate``: playbooks checked as a run would check them, without running anything."""

from __future__ import annotations

from typing import Any

import click

from agentops.cli.shell import Shell, json_option, pass_shell, print_json

__all__ = ["validate"]


@click.command(short_help="Check playbooks and the agents they name, without running them.")
@click.argument("playbooks", nargs=-1)
@json_option
@pass_shell
def validate(shell: Shell, playbooks: tuple[str, ...], as_json: bool) -> int:
    """Check PLAYBOOKS (names, or paths of .yaml files), or all that there are: their shape, names, order and types.

    Exit code 2 where one is not in order; every one is looked at.
    """
    from agentops.cli.failing import plain, tell_error
    from agentops.errors import AgentOpsError

    app = shell.app()
    results: list[dict[str, Any]] = []
    for name in playbooks or app.library.names():
        said: dict[str, Any] = {"playbook": name, "ok": True}
        try:
            compiled = app.load(name)
        except AgentOpsError as error:
            said |= {"ok": False, "error": plain(error)}
        else:
            said |= {
                "description": compiled.plan.description,
                "inputs": {key: spec.type for key, spec in compiled.plan.inputs.items()},
                "agents": [spec.name for spec in compiled.agents[1:]],
                "tools": sorted(compiled.tools),
            }
        results.append(said)
        if not as_json:
            if said["ok"]:
                print(f"ok  {name}  (inputs: {', '.join(said['inputs']) or 'none'})")
            else:
                print(f"not in order  {name}")
                tell_error(said["error"])
    if as_json:
        print_json(results)
    elif not results:
        print("there are no playbooks")
    return 0 if all(said["ok"] for said in results) else 2
