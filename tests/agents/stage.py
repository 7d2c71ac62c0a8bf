"""A stage for agents: the real kernel, the real index and the real offline model, driven from the test, no event loop.

`perform` hands a message to one agent and answers the effects in the order in which they were asked for. What was
decided is kept in `Played.decided`. A test may put its own model there: any function from request to reply text.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import sys
import types
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from agentops.errors import AgentOpsError, revive
from agentops.kernel.chat import ModelReply, ModelRequest
from agentops.kernel.gate import OpenGate
from agentops.kernel.kernel import Kernel, RunSpec
from agentops.kernel.records import Decided, ErrorRecord, Finished, Outcome, Start
from agentops.kernel.tool import PERFORMING, ToolContext
from agentops.kernel.world import Request
from agentops.messages import decode, encode
from agentops.models.offline import ExtractiveModel

AGENTS: Final = Path(__file__).parents[2] / "agents"
CORPUS: Final = Path(__file__).parents[1] / "models" / "corpus"

Answers = Callable[[ModelRequest], str]


def load(name: str) -> Any:
    """A module of ``agents/``, loaded by path as part of one package, as a workspace's agents are."""
    package = "agentops_workspace_stage"
    if package not in sys.modules:
        made = types.ModuleType(package)
        made.__path__ = [str(AGENTS)]
        made.__spec__ = importlib.machinery.ModuleSpec(package, None, is_package=True)
        sys.modules[package] = made
    return importlib.import_module(f"{package}.{name}")


def extractive(request: ModelRequest) -> str:
    """The offline model's answer."""
    reply: ModelReply = _finished(ExtractiveModel().complete(request))
    return reply.text


def _finished(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    msg = "it waits for something"
    raise AssertionError(msg)


@dataclass
class Played:
    """What came of it."""

    output: Any
    decided: list[Decided] = field(default_factory=list)
    requests: list[ModelRequest] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    blocks: list[bytes] = field(default_factory=list)


def perform(agent: Any, message: Any, *, data: Path | None = None, model: Answers = extractive) -> Played:
    """Ask ``agent`` the message, as a run of its own; an error that ends the run is raised."""
    kernel = Kernel(RunSpec((agent.spec(),), agent.name, model="offline/extractive"), OpenGate())
    played = Played(None)
    body = msgspec.Raw(encode(message))
    deliveries: list[Any] = [Start(1_000, "stage", type(message).__name__, body)]
    finished: Finished | None = None
    blobs: dict[str, bytes] = {}
    while finished is None:
        reaction = kernel.deliver(deliveries.pop(0))
        played.blocks.append(reaction.block)
        blobs |= reaction.blobs
        played.decided += [record for record in reaction.records if isinstance(record, Decided)]
        for request in reaction.requests:
            played.effects.append(request.operation.kind.name)
            deliveries.append(_outcome(request, played, data or Path(), model))
        finished = reaction.finished
        assert finished or deliveries, "the run waits for nothing"
    if finished.error is not None:
        error = finished.error
        raise revive(error.type, error.what, error.hint, error.facts)
    returns = agent.handlers()[type(message)].returns
    played.output = returns.decode(_payload(bytes(finished.output), blobs))
    return played


def _payload(output: bytes, blobs: dict[str, bytes]) -> bytes:
    """A payload, fetched from where large ones are kept."""
    reference = decode(output)
    return blobs[reference["$payload"]] if isinstance(reference, dict) and "$payload" in reference else output


def _outcome(request: Request, played: Played, data: Path, model: Answers) -> Outcome:
    """Perform an effect, at once."""
    operation = request.operation
    try:
        if operation.kind.kind == "model":
            assert operation.request is not None
            played.requests.append(operation.request)
            text = model(operation.request)
            return Outcome(2_000, request.id, "ok", msgspec.Raw(encode(ModelReply(text=text))))
        context = ToolContext("stage", request.id, f"stage/{request.id}", data, data)
        token = PERFORMING.set(context)
        try:
            tool = operation.kind.perform
            value = tool.function(**tool.perform_arguments(request.arguments))
        finally:
            PERFORMING.reset(token)
        return Outcome(2_000, request.id, "ok", msgspec.Raw(encode(value)))
    except AgentOpsError as error:
        return Outcome(2_000, request.id, "error", error=ErrorRecord.of(error))
