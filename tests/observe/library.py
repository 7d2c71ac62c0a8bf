"""A small house of agents over real documents, run through `agentops.open_runtime`, and its record read back.

A scout searches, a reader makes findings, and a scribe makes claims of them. Two readers use the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from agentops import (
    Agent,
    Ask,
    Citation,
    Message,
    Passage,
    handles,
    index_documents,
    open_runtime,
    search_documents,
    tool,
)
from agentops.journal.sqlite import Journal
from agentops.kernel.records import read_block
from agentops.observe.path import decision_path
from agentops.observe.said import Conversation
from agentops.observe.steps import Step

DOCUMENTS: Final = {
    "tea.md": "# Tea\n\nTea is brewed at ninety degrees. It rests for three minutes.\n",
    "coffee.md": "# Coffee\n\nCoffee is ground before it is brewed. It rests for no time at all.\n",
}
ALLOWED: Final = {
    "allow": [
        {"tool": "index_documents", "id": "index"},
        {"tool": "search_documents", "id": "search"},
        {"tool": "weigh", "id": "weigh"},
    ]
}


class Point(Message):
    id: str
    text: str
    evidence: tuple[str, ...]
    citations: tuple[Citation, ...]


class Points(Message):
    points: tuple[Point, ...]


class Statement(Message):
    text: str
    findings: tuple[str, ...]
    citations: tuple[Citation, ...] = ()


class Answer(Message):
    claims: tuple[Statement, ...]


class Weight(Message):
    grams: int


class Passages(Message):
    passages: tuple[Passage, ...]


class Find(Ask[Passages]):
    text: str
    collection: str


class Read(Ask[Points]):
    passages: tuple[Passage, ...]
    word: str


class Enquire(Ask[Answer]):
    text: str
    folder: str
    words: tuple[str, ...] = ("degrees", "ground")


class Weigh(Ask[Weight]):
    names: tuple[str, ...]
    reverse: bool = False
    tare: str = ""


@tool(effect="pure")
def weigh(name: str) -> int:
    """The weight of a thing in grams."""
    return len(name)


class Scout(Agent):
    """Searches."""

    @handles
    async def on_find(self, order: Find) -> Passages:
        return Passages(tuple(await search_documents(order.text, 8, order.collection)))


class Reader(Agent):
    """Takes the sentence that holds a word; numbers its points from P1 each time."""

    @handles
    async def on_read(self, order: Read) -> Points:
        points: list[Point] = []
        for passage in order.passages:
            for sentence in passage.text.splitlines()[-1].split(". "):
                if order.word in sentence:
                    start = passage.start + passage.text.index(sentence)
                    cited = Citation(passage.document, start, start + len(sentence))
                    points.append(Point(f"P{len(points) + 1}", sentence, (passage.id,), (cited,)))
        return Points(tuple(points))


class Scribe(Agent):
    """The root: asks for passages, has them read once for each word, and states what was found."""

    @handles
    async def on_enquire(self, order: Enquire) -> Answer:
        index = await index_documents(order.folder)
        found = await self.ask("scout", Find(order.text, index.collection))
        orders = [Read(found.passages, word) for word in order.words]
        read = await self.gather(*(self.ask("reader", each) for each in orders))
        points = [point for each in read for point in each.points]
        return Answer(tuple(Statement(f"It is said: {one.text}", (one.id,), one.citations) for one in points))


class Weigher(Agent):
    """Weighs things side by side, and the tare by itself."""

    @handles
    async def on_weigh(self, order: Weigh) -> Weight:
        tare = await weigh(order.tare) if order.tare else 0
        names = sorted(order.names, reverse=order.reverse)
        self.decide("which is first?", options=names, chosen=names[0])
        return Weight(sum(await self.gather(*(weigh(name) for name in names))) - tare)


class Kept(NamedTuple):
    """A run as its journal keeps it."""

    run: str
    blocks: list[Any]
    talk: Conversation
    path: Step


def write_documents(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


async def play(folder: Path, *messages: Message) -> Path:
    """Run each message to its end, in one workspace; the journal."""
    root: dict[type, tuple[type[Agent], Sequence[type[Agent]]]] = {
        Enquire: (Scribe, (Scout, Reader)),
        Weigh: (Weigher, ()),
    }
    journal = folder / "journal.db"
    async with open_runtime(journal=journal, workspace=folder) as ops:
        for message in messages:
            agent, others = root[type(message)]
            run = await ops.start(agent, message, agents=others, policy=ALLOWED)
            await run.wait()
    return journal


def kept(journal: Path) -> list[Kept]:
    """Every run of a journal, oldest first."""
    opened = Journal(journal)
    try:
        found = []
        for row in reversed(opened.runs()):
            blocks = [read_block(data) for _, data, _ in opened.blocks(row.id)]
            path = decision_path(blocks, opened.payload, run=row.run, playbook=row.playbook, status=row.status)
            found.append(Kept(row.run, blocks, Conversation(blocks, opened.payload), path))
        return found
    finally:
        opened.close()
