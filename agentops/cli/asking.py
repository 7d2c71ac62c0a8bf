"""Asking the person at the terminal: exactly what would run, and then yes or no."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from agentops.cli.watching import Watcher
from agentops.errors import RunError
from agentops.kernel.records import Approval
from agentops.observe.told import visible
from agentops.runtime.live import Run

__all__ = ["Asker", "arguments_of", "describe", "person"]


def person() -> str:
    """Who is at the terminal, as the record names them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def arguments_of(approval: Approval, load: Callable[[str], bytes]) -> Any:
    """The arguments that are to be approved; ``load`` gives those that are so large that they are kept elsewhere."""
    arguments = msgspec.json.decode(bytes(approval.arguments))
    if isinstance(arguments, dict) and arguments.keys() == {"$payload"}:
        return msgspec.json.decode(load(arguments["$payload"]))
    return arguments


def describe(approval: Approval, load: Callable[[str], bytes]) -> str:
    """What would run, whole and unshortened; what a terminal would hide or act on is written as an escape."""
    agent = approval.effect.partition("/")[0]
    lines = [
        f"{visible(agent)} wants to use {approval.kind} {visible(approval.name)}",
        f"  rule       {visible(approval.rule)}" + (f": {visible(approval.because)}" if approval.because else ""),
        f"  approval   {visible(approval.effect)}",
    ]
    arguments = arguments_of(approval, load)
    if isinstance(arguments, dict):
        width = max((len(visible(str(key))) for key in arguments), default=0)
        lines += [f"  {visible(str(key)).ljust(width)} = {_shown(value)}" for key, value in arguments.items()]
    else:
        lines.append(f"  arguments  {_shown(arguments)}")
    return "\n".join(lines)


def _shown(value: object) -> str:
    return visible(msgspec.json.encode(value).decode())


class Asker:
    """Puts approvals before a person, one after another, while the run goes on."""

    def __init__(self, run: Run, watcher: Watcher, group: anyio.abc.TaskGroup, load: Callable[[str], bytes]) -> None:
        self._run = run
        self._watcher = watcher
        self._group = group
        self._load = load
        self._lock = anyio.Lock()

    def put(self, approval: Approval) -> None:
        """Ask when it is this one's turn."""
        self._group.start_soon(self._ask, approval)

    async def _ask(self, approval: Approval) -> None:
        async with self._lock:
            if approval.effect not in {each.effect for each in self._run.approvals}:
                return
            with self._watcher.paused():
                approve = await anyio.to_thread.run_sync(
                    _prompt, describe(approval, self._load), abandon_on_cancel=True
                )
            try:
                self._run.answer(approval.effect, approve=approve, by=person())
            except RunError:
                print("  it has been answered elsewhere, or withdrawn, meanwhile", file=sys.stderr)


def _prompt(text: str) -> bool:
    """Yes or no; no answer at all is a no."""
    print(f"\n{text}", file=sys.stderr)
    while True:
        print("  allow it? [y/n] ", end="", file=sys.stderr, flush=True)
        said = sys.stdin.readline()
        if not said:
            return False
        answer = said.strip().casefold()
        if answer in {"y", "yes"}:
            return True
        if answer in {"n", "no"}:
            return False
