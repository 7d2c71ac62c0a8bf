"""``agentops``: the group of all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any, Final, NoReturn

import click

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS: Final = {
    "init": ("agentops.cli.init:init", "Write a workspace: agents, playbooks and settings to start from."),
    "run": ("agentops.cli.run:run", "Run a playbook."),
    "validate": ("agentops.cli.validate:validate", "Check playbooks and the agents they name, without running them."),
    "runs": ("agentops.cli.runs:runs", "List runs, and show how one came to its answer."),
    "replay": ("agentops.cli.replay:replay", "Run a recorded run's code again, calling nothing, and compare."),
    "verify": ("agentops.cli.verify:verify", "Check a run's hashes, and replay it in fresh processes that differ."),
    "why": ("agentops.cli.why:why", "Follow the claims of an answer back to the spans of its sources."),
    "diff": ("agentops.cli.diff:diff", "Compare the decision paths of two runs."),
    "export": ("agentops.cli.exchange:export", "Write a run to one file that replays on another machine."),
    "import": ("agentops.cli.exchange:import_", "Read a run from a file that export wrote."),
    "resume": ("agentops.cli.resume:resume", "Go on with a run that was interrupted, or that waited."),
    "approve": ("agentops.cli.answer:approve", "Allow what a run waits to do."),
    "deny": ("agentops.cli.answer:deny", "Refuse what a run waits to do."),
    "policy": ("agentops.cli.policy:policy", "Check, test and explain policies; try one on recorded runs."),
    "index": ("agentops.cli.index:index", "Read documents, search them, count them."),
    "show": ("agentops.cli.show:show", "Show the place in a document that a citation points to."),
    "agents": ("agentops.cli.agents:agents", "List agents."),
    "doctor": ("agentops.cli.doctor:doctor", "Find out what is wrong with this installation or workspace."),
}
"""Where each command lives, and what it does in one line."""


class LazyGroup(click.Group):
    """A group that imports a command when it is called; its list of them imports nothing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click's, with a suggestion."""
        if args and args[0] not in COMMANDS:
            from agentops.kernel.suggest import nearest

            msg = f"There is no command {args[0]!r}. {nearest(args[0], COMMANDS)}"
            raise click.UsageError(msg, ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


def _version(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from agentops.app.version import version

        click.echo(f"agentops {version()}")
        ctx.exit()


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--journal", metavar="FILE", help="The journal's file; also AGENTOPS_JOURNAL.")
@click.option("--workspace", metavar="DIR", help="The folder of agents/ and playbooks/; also AGENTOPS_WORKSPACE.")
@click.option(
    "--log-level", metavar="LEVEL", help="Log to stderr: debug, info, warning, error; also AGENTOPS_LOG_LEVEL."
)
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Say which version."
)
@click.pass_context
def cli(ctx: click.Context, journal: str | None, workspace: str | None, log_level: str | None) -> None:
    """Agents that are supervised, recorded and replayable.

    Agents decide, tools act, the supervisor allows, the journal remembers. Begin with:
    agentops run research-brief -i question="..." -i documents=FOLDER
    """
    from agentops.cli.shell import Shell

    level = log_level or os.environ.get("AGENTOPS_LOG_LEVEL", "")
    ctx.obj = Shell({"journal": journal, "workspace": workspace}, level)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line, and leave with its exit code."""
    signal.signal(signal.SIGTERM, _terminated)
    given = sys.argv[1:] if arguments is None else arguments
    _leave(_run(given))


def _terminated(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _run(arguments: list[str]) -> int:
    """The exit code of a command line; every error is told here."""
    as_json = "--json" in arguments
    try:
        if "_AGENTOPS_COMPLETE" in os.environ:  # a shell asks how a command line could go on
            cli.main(arguments, "agentops")
        with cli.make_context("agentops", list(arguments)) as context:  # not `main`: it turns a closed pipe into code 1
            result = cli.invoke(context)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        from agentops.cli.failing import tell_usage

        return tell_usage(error, as_json=as_json)
    except BrokenPipeError:
        return _broken_pipe()
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    except Exception as error:  # noqa: BLE001 - the last place that can turn an error into words and a code
        from agentops.cli.failing import first, tell

        return _broken_pipe() if isinstance(first(error), BrokenPipeError) else tell(error, as_json=as_json)
    return result if isinstance(result, int) else 0


def _broken_pipe() -> int:
    """Whoever read the output has gone: say no more, and let the interpreter's last flush find a place to go."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _leave(code: int) -> NoReturn:
    """Leave with a code. A worker thread that was given up (a tool that hangs) must not hold up the exit."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _broken_pipe()
    others = [each for each in threading.enumerate() if each is not threading.main_thread() and not each.daemon]
    if others:
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
