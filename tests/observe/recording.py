"""Recorded runs for tests of what reads them: real agents, a real runtime, a journal on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio

from agentops import Agent, Message
from agentops.errors import ModelFailed
from agentops.journal.sqlite import Journal
from agentops.kernel.chat import ModelReply, ModelRequest, Usage
from agentops.kernel.gate import Gate, OpenGate
from agentops.kernel.kernel import RunSpec
from agentops.kernel.records import Delivery, Record, read_block
from agentops.observe.path import decision_path
from agentops.observe.steps import Step
from agentops.runtime.definition import Definition
from agentops.runtime.runtime import Runtime

Block = tuple[Delivery, list[Record]]


class Echo:
    """A model that answers with the last message, or fails the first time if it is told to."""

    def __init__(self) -> None:
        self.failed = False

    async def complete(self, request: ModelRequest, emit: Callable[[str], None] | None = None) -> ModelReply:
        text = request.messages[-1].text
        if "fail first" in text and not self.failed:
            self.failed = True
            msg = "busy"
            raise ModelFailed(msg, transient=True, retry_after=0)
        return ModelReply(text, usage=Usage(10, 5), model="echo")


def record(
    path: Path, agents: Sequence[type[Agent]], message: Message, *, gate: Callable[[], Gate] = OpenGate
) -> tuple[list[Block], Step]:
    """Run the first agent on a message; the run's blocks and its path."""
    echo = Echo()
    spec = RunSpec(tuple(agent.spec() for agent in agents), agents[0].name, "test/echo")
    definition = Definition(spec, gate, lambda _: echo, playbook="test")

    async def drive() -> None:
        async with Runtime.open(path) as runtime:
            run = await runtime.start(definition, message, run="20261124-120000-aaaaaa")
            await run.wait()

    anyio.run(drive)
    journal = Journal(path)
    try:
        row = journal.find("last")
        blocks = [read_block(data) for _, data, _ in journal.blocks(row.id)]
        step = decision_path(blocks, journal.payload, run=row.run, playbook=row.playbook, status=row.status)
    finally:
        journal.close()
    return blocks, step


def steps_of(root: Step, kind: str) -> list[Step]:
    """Every step of a kind, in the order of the tree."""
    found = [root] if root.kind == kind else []
    for step in root.steps:
        found += steps_of(step, kind)
    return found


def outline(root: Step) -> Any:
    """A step as nested lists: ``kind`` or ``[kind, ...below]``."""
    return [root.kind, *(outline(step) for step in root.steps)] if root.steps else root.kind
