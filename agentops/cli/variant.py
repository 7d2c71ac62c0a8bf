"""One replay in a process of its own, as ``verify`` starts it: ``python -m agentops.cli.variant REQUEST``.

The request is a JSON object on the command line; the report is the last line that this process writes to stdout. What
agents print while they are loaded goes to stderr.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import msgspec

from agentops.cli.shell import Shell
from agentops.errors import AgentOpsError

__all__ = ["Report", "Request", "main"]


class Request(msgspec.Struct, frozen=True):
    """Which run, with which global options of the command line, under which event loop (``""``: under none)."""

    run: str
    flags: dict[str, str | None]
    loop: str = ""


class Report(msgspec.Struct, frozen=True):
    """What came of it. ``status``: ``same | diverged | failed | skipped``."""

    status: str
    blocks: int = 0
    records: int = 0
    text: str = ""
    """Of a divergence its report, of a failure what is wrong."""
    divergence: Any = None
    exit_code: int = 0
    hint: str = ""


def main(argument: str) -> Report:
    """Replay under the event loop that was asked for."""
    request = msgspec.json.decode(argument, type=Request)
    try:
        if not request.loop:
            return _replay(request)
        import anyio

        async def inside() -> Report:
            return _replay(request)

        return anyio.run(inside, backend=request.loop)
    except AgentOpsError as error:
        return Report("failed", text=error.what, exit_code=error.exit_code, hint=error.hint)
    except Exception as error:  # noqa: BLE001 - whatever it is must reach the process that asked
        return Report("failed", text=f"{type(error).__name__}: {error}", exit_code=1)


def _replay(request: Request) -> Report:
    from agentops.runtime.rebuild import read_header
    from agentops.runtime.runtime import replay

    shell = Shell(request.flags, "")
    journal = shell.journal()
    try:
        row = journal.find(request.run)
        done = replay(journal, row, shell.app().redefine(read_header(journal, row)))
    finally:
        journal.close()
    if done.divergence is None:
        return Report("same", done.blocks, done.records)
    report = msgspec.to_builtins(done.divergence)
    return Report("diverged", done.blocks, done.records, done.divergence.text(), report, 6)


if __name__ == "__main__":
    _report_to = os.dup(1)
    os.dup2(2, 1)
    _report = main(sys.argv[1])
    sys.stdout.flush()
    os.write(_report_to, msgspec.json.encode(_report) + b"\n")
