"""What the tests of the offline model share: a small town's documents as passages, and one call of the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import msgspec

from agentops.kernel import roles
from agentops.kernel.chat import ChatMessage, ModelReply, ModelRequest
from agentops.messages import Message, encode
from agentops.models.base import Emit
from agentops.models.offline import ExtractiveModel
from agentops.retrieval.readers import extract
from agentops.retrieval.split import split

CORPUS: Final = Path(__file__).parent / "corpus"


class Finding(Message):
    """A finding as an agent would declare it."""

    text: roles.Answer
    quote: roles.Quote
    evidence: roles.SourceIds
    why: roles.Reason


class Findings(Message):
    """Several."""

    findings: tuple[Finding, ...]


def passages(folder: Path = CORPUS) -> list[dict[str, Any]]:
    """Every passage of the corpus, as the retriever would hand it on."""
    found = []
    for path in sorted(folder.iterdir()):
        document = extract(path.read_bytes(), path.name)
        for start, end, heading in split(document):
            name = f"{path.name}:{start}-{end}"
            text = document.text[start:end]
            found.append({"id": name, "document": path.name, "heading": heading, "text": text})
    return found


def request(prompt: str, material: Any = None, returns: Any = None, *, limit: int = 2048) -> ModelRequest:
    """A request as the kernel makes it."""
    text = "" if material is None else encode(material).decode()
    schema = None if returns is None else msgspec.json.schema(returns)
    messages = (ChatMessage("system", "Answer from the material."), ChatMessage("user", prompt, material=text))
    return ModelRequest("offline/extractive", messages, limit, schema=schema)


def complete(asked: ModelRequest, emit: Emit | None = None) -> ModelReply:
    """The model's answer: it waits for nothing, so no event loop is needed."""
    coroutine = ExtractiveModel().complete(asked, emit)
    try:
        coroutine.send(None)
    except StopIteration as stop:
        reply: ModelReply = stop.value
        return reply
    msg = "the offline model waited for something"
    raise AssertionError(msg)


def fill(returns: Any, material: Any, prompt: str = "Answer.") -> Any:
    """The model's answer as the type that was asked for."""
    return msgspec.json.decode(complete(request(prompt, material, returns)).text, type=returns)


def quotes(question: str) -> list[str]:
    """What the model quotes from the whole corpus for a question, best first."""
    answer = fill(Findings, {"question": question, "passages": passages()})
    return [finding.quote for finding in answer.findings]


def plain(asked: ModelRequest) -> Any:
    """The answer's JSON."""
    return json.loads(complete(asked).text)
