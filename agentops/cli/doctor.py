"""``agentops doctor``: what could be wrong with this installation or workspace, looked at one by one."""

from __future__ import annotations

import click

from agentops.cli.shell import Shell, json_option, pass_shell, print_json

__all__ = ["doctor"]


@click.command(short_help="Find out what is wrong with this installation or workspace.")
@click.option("--probe", is_flag=True, help="Also call the model's endpoint once.")
@json_option
@pass_shell
def doctor(shell: Shell, probe: bool, as_json: bool) -> int:
    """Look at Python, packages, workspace, journal, index and model. Exit code 1 where something is broken.

    Nothing is called over the network unless --probe is given.
    """
    from agentops.cli.checks import run_checks
    from agentops.observe.told import visible

    checks = run_checks(shell, probe=probe)
    sound = all(check.state != "broken" for check in checks)
    if as_json:
        print_json({"ok": sound, "checks": checks})
        return 0 if sound else 1
    for check in checks:
        print(f"{check.state:<7} {check.name:<12} {visible(check.what)}")
        if check.hint:
            print(f"{'':<20} {visible(check.hint)}")
    return 0 if sound else 1
