"""How errors are told: what happened and what to do next, on stderr; with ``--json`` also as an object on stdout."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Any

import click
import msgspec

from agentops.errors import AgentOpsError
from agentops.observe.told import visible

__all__ = ["first", "plain", "tell", "tell_error", "tell_usage"]


def first(error: BaseException) -> BaseException:
    """What a task group wrapped; of several errors the first, the others followed from it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def plain(error: BaseException) -> dict[str, Any]:
    """An error as a JSON object: ``type``, ``what``, ``hint``, ``exit_code``, and its facts."""
    error = first(error)
    if isinstance(error, AgentOpsError):
        facts = msgspec.to_builtins(error.facts, enc_hook=str)
        return {
            "type": type(error).__name__,
            "what": error.what,
            "hint": error.hint,
            "exit_code": error.exit_code,
            "facts": facts,
        }
    what, hint = _said(error)
    return {"type": type(error).__name__, "what": what, "hint": hint, "exit_code": 1, "facts": {}}


def tell(error: Exception, *, as_json: bool) -> int:
    """Tell an error that ended a command; its exit code."""
    said = plain(error)
    if os.environ.get("AGENTOPS_DEBUG"):
        traceback.print_exception(error)
    tell_error(said)
    if as_json:
        print(msgspec.json.encode({"error": said}).decode())
    return int(said["exit_code"])


def tell_error(said: dict[str, Any]) -> None:
    """An error for a person, on stderr."""
    lines = [f"error: {visible(said['what'], lines=True)}"]
    if said["hint"]:
        lines.append(f"  {visible(said['hint'], lines=True)}")
    print("\n".join(lines), file=sys.stderr)


def tell_usage(error: click.ClickException, *, as_json: bool) -> int:
    """Tell that the command line itself is not understood."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"See: {context.command_path} --help" if context is not None else ""
    said = {"type": "UsageError", "what": error.format_message(), "hint": hint, "exit_code": 2, "facts": {}}
    tell_error(said)
    if as_json:
        print(msgspec.json.encode({"error": said}).decode())
    return 2


def _said(error: BaseException) -> tuple[str, str]:
    """An error that is none of ours, in words."""
    if isinstance(error, OSError) and error.strerror:
        where = f": {error.filename}" if error.filename else ""
        return f"{error.strerror}{where}", "Check the path, its permissions and the space on its disk."
    hint = "This is a fault of agentops. AGENTOPS_DEBUG=1 shows where it happened; please report it."
    return f"{type(error).__name__}: {error}", hint
