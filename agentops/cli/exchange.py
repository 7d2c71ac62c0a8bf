"""``agentops export`` and ``agentops import``: a run as one file, to another machine and back."""

from __future__ import annotations

from pathlib import Path

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json

__all__ = ["export", "import_"]

_OVER = ("done", "failed", "stopped", "denied", "cancelled")


@click.command(short_help="Write a run to one file that replays on another machine.")
@click.argument("name", metavar="RUN")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file where there is one.")
@json_option
@pass_shell
def export(shell: Shell, name: str, file: Path, force: bool, as_json: bool) -> int:
    """Write RUN to FILE: JSON Lines that can be read, compared and kept in a repository.

    RUN is an id, the beginning or end of one, or `last`. It is checked first, and the file appears whole or not at
    all. What was redacted before it was recorded is not in it.
    """
    import msgspec

    from agentops.journal.exchange import export_run

    journal = shell.journal()
    try:
        header = export_run(journal, journal.find(name), file, replace=force)
    finally:
        journal.close()
    if as_json:
        print_json({**msgspec.to_builtins(header), "file": str(file), "bytes": file.stat().st_size})
    else:
        size = f"{file.stat().st_size:,} bytes"
        print(f"{file}: run {header.run}, {header.blocks} blocks, {header.payloads} payloads, {size}")
    if header.status not in _OVER:
        note(f"the run is not over ({header.status}): resume it here or there, never in both places")
    return 0


@click.command("import", short_help="Read a run from a file that export wrote.")
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_shell
def import_(shell: Shell, file: Path, as_json: bool) -> int:
    """Read a run from FILE into the journal, once every hash in it has been checked.

    A file that is cut short, was changed, or comes from a newer version is refused, and nothing is kept of it. A run
    that is here already is left as it is. Replaying an imported run calls nothing. Resuming one uses the playbook,
    the policy and the model endpoint that the file names: do that with files of people you trust.
    """
    import msgspec

    from agentops.journal.intake import import_run

    journal = shell.app().journal()
    try:
        done = import_run(journal, file)
    finally:
        journal.close()
    if as_json:
        print_json(msgspec.to_builtins(done))
    elif done.fresh:
        print(f"imported {done.run}: {done.status}, {done.blocks} blocks, {done.payloads} payloads")
        note(f"see it with: agentops runs show {done.run}")
        if done.status not in _OVER:
            note("it is not over: resume it only if you trust whoever wrote the file, whose policy it runs under")
    else:
        print(f"run {done.run} is here already, the same in every block; nothing was changed")
    return 0
