"""``agentops agents``: who there is."""

from __future__ import annotations

import inspect
from typing import Any

import click

from agentops.cli.shell import Shell, json_option, pass_shell, print_json

__all__ = ["agents"]


@click.group(short_help="List agents.")
def agents() -> None:
    """List agents."""


@agents.command("list")
@json_option
@pass_shell
def list_agents(shell: Shell, as_json: bool) -> int:
    """List the agents of the workspace and of the stock: what they handle, answer, and may be allowed to use."""
    from agentops.observe.told import visible

    found = [_plain(agent) for agent in shell.app().agents()]
    if as_json:
        print_json(found)
        return 0
    for agent in found:
        print(visible(agent["name"]))
        print(f"    {visible(agent['about'])}")
        for message, answer in agent["handles"].items():
            print(f"    {visible(message)} -> {visible(answer)}")
        if agent["tools"]:
            print(f"    tools: {visible(', '.join(agent['tools']))}")
        print(f"    {visible(agent['file'])}")
    return 0


def _plain(agent: Any) -> dict[str, Any]:
    module = inspect.getmodule(agent)
    return {
        "name": agent.name,
        "class": agent.__name__,
        "about": (agent.instructions.strip() or "-").splitlines()[0],
        "handles": {kind.__name__: handler.returns.name for kind, handler in agent.handlers().items()},
        "tools": [tool.name for tool in agent.tools],
        "model": agent.uses_model,
        "file": getattr(module, "__file__", "") or "",
    }
