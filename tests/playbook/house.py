"""A small house for playbooks under test: three agents, two tools, and a way to read, check and run a playbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from agentops.errors import AgentOpsError, PlaybookError, revive
from agentops.kernel.agent import Agent, handles
from agentops.kernel.gate import Gate, OpenGate
from agentops.kernel.kernel import Kernel, RunSpec
from agentops.kernel.records import Asked, Decided, ErrorRecord, Finished, Outcome, Start
from agentops.kernel.tool import tool
from agentops.messages import Ask, Message, decode, encode
from agentops.playbook.catalog import Catalog
from agentops.playbook.check import check_plan
from agentops.playbook.compile import Compiled, compile_book
from agentops.playbook.loader import Library
from agentops.playbook.plan import Plan, plan_of
from agentops.playbook.yaml_source import parse_yaml


class Note(Message):
    id: str
    text: str
    weight: float = 1.0


class Notes(Message):
    topic: str
    notes: tuple[Note, ...] = ()


class Opinion(Message):
    accepted: bool
    remarks: tuple[str, ...] = ()


class Draft(Message):
    text: str
    version: int = 1


class Topic(Ask[Notes]):
    topic: str
    limit: int = 3
    depth: Literal["quick", "deep"] = "quick"


class Write(Ask[Draft]):
    notes: Notes
    opinion: Opinion | None = None


class Polish(Ask[Draft]):
    draft: Draft


class Judge(Ask[Opinion]):
    draft: Draft
    strictness: int = 1


class Reader(Agent):
    """Takes notes."""

    @handles
    async def on_topic(self, topic: Topic) -> Notes:
        notes = tuple(Note(f"n{number}", f"{topic.topic} {number}") for number in range(topic.limit))
        return Notes(topic.topic, notes)


class Author(Agent):
    """Writes, or polishes."""

    @handles
    async def on_write(self, order: Write) -> Draft:
        version = 1 if order.opinion is None else 2 + len(order.opinion.remarks)
        return Draft(f"{order.notes.topic} in {len(order.notes.notes)} notes", version)

    @handles
    async def on_polish(self, order: Polish) -> Draft:
        return Draft(order.draft.text.upper(), order.draft.version + 1)


class Judging(Agent):
    """Accepts a draft whose version is at least as high as its strictness."""

    @handles
    async def on_draft(self, order: Judge) -> Opinion:
        if order.draft.version >= order.strictness:
            return Opinion(accepted=True)
        return Opinion(accepted=False, remarks=("more",) * order.draft.version)


class Loose(Agent):
    """Returns whatever it is told to, so that nothing is known of it before a run."""

    @handles
    async def on_topic(self, topic: Topic) -> Any:
        return decode(topic.topic.encode())


@tool(effect="pure")
def count_words(text: str, minimum: int = 0) -> dict[str, int]:
    """Count the words of a text."""
    return {"words": max(minimum, len(text.split()))}


@tool(effect="idempotent")
def publish(title: str, notes: list[Note]) -> str:
    """Publish notes."""
    return f"{title}: {', '.join(note.id for note in notes)}"


CATALOG: Final = Catalog(
    agents={agent.name: agent for agent in (Reader, Author, Judging, Loose)},
    tools={each.name: each for each in (count_words, publish)},
)


def read(text: str | bytes) -> Plan:
    """The plan of a playbook given as text."""
    return plan_of(parse_yaml(text if isinstance(text, bytes) else text.encode(), file="test.yaml"))


def checked(text: str, catalog: Catalog = CATALOG) -> Plan:
    """The plan, checked against the house."""
    plan = read(text)
    check_plan(plan, catalog, {}, {})
    return plan


def faults(text: str | bytes, catalog: Catalog = CATALOG) -> list[str]:
    """Everything that is said against a playbook, as ``line:column what | hint``, in the order of the file."""
    try:
        plan = read(text)
        check_plan(plan, catalog, {}, {})
    except PlaybookError as error:
        listed = error.facts.get("problems")
        if listed is None:
            what = error.what.partition(f"{error.line}:{error.column}: ")[2] or error.what
            listed = [{"line": error.line, "column": error.column, "what": what, "hint": error.hint}]
        return [f"{each['line']}:{each['column']} {each['what']} | {each['hint']}" for each in listed]
    return []


def compiled(folder: Path, files: Mapping[str, str], name: str = "", catalog: Catalog = CATALOG) -> Compiled:
    """Playbooks written into a workspace, and the first (or the named) one compiled."""
    (folder / "playbooks").mkdir(exist_ok=True)
    for file, text in files.items():
        (folder / "playbooks" / f"{file}.yaml").write_text(text, encoding="utf-8")
    book = Library([folder]).open(name or next(iter(files)), folder)
    return compile_book(book, catalog)


@dataclass
class Played:
    """What came of a run."""

    output: Any = None
    decided: list[Decided] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    together: list[list[str]] = field(default_factory=list)
    """The effects that each delivery let out, by name."""
    blocks: list[bytes] = field(default_factory=list)


def play(playbook: Compiled, inputs: Mapping[str, Any], gate: Gate | None = None) -> Played:
    """Run a playbook in the kernel itself, tools answered at once; what ended the run is raised."""
    kernel = Kernel(RunSpec(playbook.agents, playbook.name), gate or OpenGate())
    played = Played()
    message = playbook.message(inputs, base=Path(), workspace=Path())
    deliveries: list[Any] = [Start(1, "test", "PlaybookInputs", msgspec.Raw(encode(message)))]
    finished: Finished | None = None
    while finished is None:
        assert deliveries, "the run waits for nothing"
        reaction = kernel.deliver(deliveries.pop(0))
        played.blocks.append(reaction.block)
        played.decided += [record for record in reaction.records if isinstance(record, Decided)]
        played.asked += [record.to for record in reaction.records if isinstance(record, Asked)]
        played.together.append([request.operation.kind.name for request in reaction.requests])
        deliveries += [_perform(request) for request in reaction.requests]
        finished = reaction.finished
    if finished.error is not None:
        error = finished.error
        raise revive(error.type, error.what, error.hint, error.facts)
    played.output = decode(bytes(finished.output))
    return played


def _perform(request: Any) -> Outcome:
    called = request.operation.kind.perform
    try:
        value = called.function(**called.perform_arguments(request.arguments))
    except AgentOpsError as error:
        return Outcome(2, request.id, "error", error=ErrorRecord.of(error))
    return Outcome(2, request.id, "ok", msgspec.Raw(encode(value)))
