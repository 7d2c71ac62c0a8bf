"""``agentops resume``: go on with a run."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agentops.cli.shell import Shell, json_option, pass_shell

if TYPE_CHECKING:
    from agentops.runtime.live import Run
    from agentops.runtime.runtime import Runtime

__all__ = ["resume"]


@click.command(short_help="Go on with a run that was interrupted, or that waited.")
@click.argument("name", metavar="RUN")
@click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint; also AGENTOPS_BASE_URL.")
@click.option("--api-key-env", metavar="VARIABLE", help="The environment variable that holds the key.")
@click.option("--no-input", is_flag=True, help="Never ask: end with exit code 5 where a person is needed.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@json_option
@pass_shell
def resume(
    shell: Shell, name: str, base_url: str | None, api_key_env: str | None, no_input: bool, quiet: bool, as_json: bool
) -> int:
    """Go on with RUN where it stopped: an id, the beginning or end of one, or `last`.

    Its code is first stepped through what is recorded, without any call; no completed call is made again.
    """
    from agentops.cli.driving import drive
    from agentops.cli.finishing import finish
    from agentops.runtime.rebuild import read_header

    app = shell.app(base_url=base_url, api_key_env=api_key_env)
    with_journal = shell.journal()
    try:
        row = with_journal.find(name)
        definition = app.redefine(read_header(with_journal, row))
    finally:
        with_journal.close()

    async def begin(runtime: Runtime, attended: bool) -> Run:
        return await runtime.resume(runtime.journal.find(row.run), definition, attended=attended)

    attended = sys.stdin.isatty() and sys.stderr.isatty() and not no_input
    result = drive(app, begin, as_json=as_json, attended=attended, log_level=shell.log_level, quiet=quiet)
    return finish(result, as_json=as_json)
