"""agentops inside a program, in a few lines::

    async with open_runtime(journal="runs.db") as ops:
        run = await ops.start("research-brief", question="...", documents="docs")
        async for event in run.events():
            ...
        brief = await run.result()

A single agent can be started as well as a playbook::

        run = await ops.start(Retriever, Question(text="..."), allow=[{"tool": "search_documents"}])
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, overload

import msgspec

from agentops.app.app import App, agent_digest, gate_of, versions
from agentops.app.settings import load_settings
from agentops.errors import AgentDefinitionError, InvalidInput
from agentops.kernel.agent import Agent
from agentops.kernel.kernel import RunSpec
from agentops.messages import Message
from agentops.runtime.definition import Definition
from agentops.runtime.live import Run
from agentops.runtime.rebuild import read_header
from agentops.runtime.runtime import Replayed, Runtime, replay
from agentops.supervisor.config import Config
from agentops.supervisor.limits import parse_limits

__all__ = ["Operations", "agent_definition", "open_runtime"]


class Operations:
    """Runs over one journal, with the settings of a workspace. Made by `open_runtime`."""

    def __init__(self, app: App, runtime: Runtime) -> None:
        self.app = app
        self.runtime = runtime

    @overload
    async def start(
        self,
        what: str,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        budget: Mapping[str, Any] | None = None,
        attended: bool = False,
        **more: Any,
    ) -> Run: ...
    @overload
    async def start(
        self,
        what: type[Agent],
        message: Message,
        /,
        *,
        agents: Sequence[type[Agent]] = (),
        policy: Mapping[str, Any] | None = None,
        budget: Mapping[str, Any] | None = None,
        attended: bool = False,
    ) -> Run: ...
    async def start(self, what: Any, message: Any = None, /, *, attended: bool = False, **options: Any) -> Run:
        """Start a playbook (by name or path, with its inputs), or an agent (with a message for it).

        The inputs of a playbook are a mapping, or named arguments. ``budget`` sets limits in place of those that the
        playbook says (``{"money": "0.50", "tokens": 20000}``), ``attended`` whether `Run.answer` will be called for
        approvals. Of an agent, ``agents`` are those that it may ask, and ``policy`` says which tools may be called
        (nothing: none).
        """
        if isinstance(what, str):
            budget = [f"{unit}={limit}" for unit, limit in (options.pop("budget", None) or {}).items()]
            definition, inputs = self.app.prepare(what, {**(message or {}), **options}, budget=budget)
            return await self.runtime.start(definition, inputs, attended=attended)
        if not isinstance(message, Message):
            msg = f"agent {what.name} is started with a message, not with {message!r}"
            raise InvalidInput(msg, hint="Write: start(MyAgent, MyMessage(...)).")
        definition = self._agent(what, message, **options)
        return await self.runtime.start(definition, message, attended=attended)

    async def resume(self, run: str, *, attended: bool = False) -> Run:
        """Go on with a run that was interrupted, or that waited for a person."""
        row = self.runtime.journal.find(run)
        definition = self.app.redefine(read_header(self.runtime.journal, row))
        return await self.runtime.resume(row, definition, attended=attended)

    def replay(self, run: str) -> Replayed:
        """Step a run's code through its record and compare every byte; nothing is called outside."""
        row = self.runtime.journal.find(run)
        return replay(self.runtime.journal, row, self.app.redefine(read_header(self.runtime.journal, row)))

    def _agent(
        self,
        root: type[Agent],
        message: Message,
        *,
        agents: Sequence[type[Agent]] = (),
        policy: Mapping[str, Any] | None = None,
        budget: Mapping[str, Any] | None = None,
    ) -> Definition:
        classes = [root, *agents]
        models = {self.app.settings.model, *(agent.uses_model for agent in classes)} - {""}
        config = Config(limits=parse_limits(budget or {}), policy=dict(policy or {}), prices=self.app.prices(models))
        header = {
            "agent": [f"{agent.__module__}:{agent.__qualname__}" for agent in classes],
            "message": type(message).__name__,
            "config": msgspec.to_builtins(config),
            "model": self.app.settings.model,
            "base_url": self.app.settings.base_url,
            "agents": {agent.name: agent_digest(agent.spec()) for agent in classes},
            "versions": versions(),
        }
        return agent_definition(self.app, header)


def agent_definition(app: App, header: Mapping[str, Any]) -> Definition:
    """The definition of a run that was started from an agent's class."""
    classes = [_find_class(name) for name in header["agent"]]
    root = classes[0]
    config = msgspec.convert(header["config"], Config)
    returns = next((h.returns for kind, h in root.handlers().items() if kind.__name__ == header["message"]), None)
    spec = RunSpec(tuple(agent.spec() for agent in classes), root.name, header["model"], config.limits.seconds)
    return app.definition(
        spec, lambda: gate_of(config), playbook=f"agent:{root.name}", header=dict(header), returns=returns
    )


def _find_class(name: str) -> type[Agent]:
    """An agent's class by ``module:name``; defined in a function it cannot be found again."""
    module, _, path = name.partition(":")
    try:
        found: Any = import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        msg = f"agent {name} cannot be found again: {error}"
        hint = "Define it at the top level of a module that can be imported, so that its runs can be replayed."
        raise AgentDefinitionError(msg, hint=hint) from error
    agent: type[Agent] = found
    return agent


@asynccontextmanager
async def open_runtime(
    *, journal: str | Path | None = None, workspace: str | Path | None = None, model: str | None = None
) -> AsyncIterator[Operations]:
    """Open a journal and drive runs while inside. Settings not given: environment, workspace file, defaults."""
    flags = {"journal": journal, "workspace": workspace, "model": model}
    environ = os.environ  # noqa: TID251 - a program that embeds agentops has no other outer shell
    app = App(load_settings(flags, environ, Path.cwd()))
    async with app.runtime() as runtime:
        yield Operations(app, runtime)
