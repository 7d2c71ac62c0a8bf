"""Runs for tests: definitions with everything allowed, and the moves that each test makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentops.journal.sqlite import Journal
from agentops.kernel.agent import Agent
from agentops.kernel.gate import Admission, Gate, OpenGate, Proposal
from agentops.kernel.kernel import RunSpec
from agentops.messages import Message
from agentops.runtime.definition import Definition
from agentops.runtime.runtime import Replayed, replay


class Go(Message):
    n: int = 3


class Note(Message):
    text: str = ""


class AskFirst(OpenGate):
    """Wants a person's word for every effect."""

    def admit(self, proposal: Proposal) -> Admission:
        if proposal.approved:
            return Admission(verdict="allow", rule="ask-first", because=proposal.approved)
        return Admission(verdict="ask", rule="ask-first")


def no_model(name: str) -> Any:
    msg = f"no test here calls a model, and this one wants {name!r}"
    raise AssertionError(msg)


def define(
    *agents: type[Agent],
    gate: Callable[[], Gate] = OpenGate,
    model: Callable[[str], Any] = no_model,
    workspace: Path = Path(),
    **spec: Any,
) -> Definition:
    """A run of these agents; the first is asked."""
    run = RunSpec(tuple(agent.spec() for agent in agents), agents[0].name, **spec)
    return Definition(run, gate, model, "test", workspace=workspace, data=workspace)


def replayed(path: Path, definition: Definition, run: str = "last") -> Replayed:
    """Replay a run of a journal."""
    journal = Journal(path)
    try:
        return replay(journal, journal.find(run), definition)
    finally:
        journal.close()


def kinds(path: Path, run: str = "last") -> list[str]:
    """The kinds of all lines of a run's record, deliveries among them, in order."""
    journal = Journal(path)
    try:
        name = journal.find(run).run
        return [kind for (kind,) in journal.query("SELECT kind FROM records WHERE run = ? ORDER BY seq, line", (name,))]
    finally:
        journal.close()
