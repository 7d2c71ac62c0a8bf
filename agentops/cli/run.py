"""``agentops run``: a playbook, from its inputs to its output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agentops.cli.shell import Shell, json_option, pass_shell

if TYPE_CHECKING:
    from agentops.runtime.live import Run
    from agentops.runtime.runtime import Runtime

__all__ = ["run"]


@click.command(short_help="Run a playbook.")
@click.argument("playbook")
@click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", help="An input of the playbook.")
@click.option(
    "--budget", multiple=True, metavar="NAME=VALUE", help="money (dollars), tokens, model_calls, tool_calls, seconds."
)
@click.option("--model", metavar="NAME", help="provider/model, such as openai/gpt-5-mini or offline/extractive.")
@click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint; also AGENTOPS_BASE_URL.")
@click.option("--api-key-env", metavar="VARIABLE", help="The environment variable that holds the key.")
@click.option("--no-input", is_flag=True, help="Never ask: end with exit code 5 where a person is needed.")
@click.option("-q", "--quiet", is_flag=True, help="No progress on stderr.")
@json_option
@pass_shell
def run(
    shell: Shell,
    playbook: str,
    inputs: tuple[str, ...],
    budget: tuple[str, ...],
    model: str | None,
    base_url: str | None,
    api_key_env: str | None,
    no_input: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run PLAYBOOK, a name or the path of a .yaml file.

    The run's id comes first: on stdout, or on stderr with --json. A run that is interrupted or killed goes on with:
    agentops resume RUN
    """
    from agentops.cli.driving import drive
    from agentops.cli.finishing import finish

    app = shell.app(model=model, base_url=base_url, api_key_env=api_key_env)
    definition, message = app.prepare(playbook, inputs, budget=budget)

    async def begin(runtime: Runtime, attended: bool) -> Run:
        return await runtime.start(definition, message, attended=attended)

    attended = sys.stdin.isatty() and sys.stderr.isatty() and not no_input
    result = drive(app, begin, as_json=as_json, attended=attended, log_level=shell.log_level, quiet=quiet)
    return finish(result, as_json=as_json)
