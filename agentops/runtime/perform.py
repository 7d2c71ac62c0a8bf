"""Performing effects: the one place where agentops lets something happen.

Each request was admitted by the supervisor and is safe in the journal. What comes back, an answer or an error, is
redacted before anybody, the journal included, sees it.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

import anyio
import anyio.to_thread
import msgspec

from agentops import clock
from agentops.errors import AgentOpsError, MessageInvalid, ModelFailed, ToolFailed
from agentops.kernel.records import ErrorRecord, Outcome, Raw
from agentops.kernel.tidy import tidy
from agentops.kernel.tool import PERFORMING, Tool, ToolContext
from agentops.kernel.world import Request
from agentops.messages import codec, decode, encode
from agentops.runtime.definition import Definition

__all__ = ["Performer"]

Emit: TypeAlias = Callable[[str, str, str], None]
"""Takes what a model writes: the effect's id, the agent, a piece of text."""


class Performer:
    """Performs the requests of one run; ``redact`` takes JSON bytes and gives them back without secrets."""

    def __init__(self, run: str, definition: Definition, redact: Callable[[bytes], bytes]) -> None:
        self.run = run
        self.definition = definition
        self._redact = redact
        self._perform = {"tool": self._tool, "model": self._model, "act": self._act}

    async def perform(self, request: Request, emit: Emit) -> Outcome:
        """Perform a request; whatever happens becomes an outcome, except a cancellation of this task."""
        kind = request.operation.kind
        try:
            value, usage = await self._perform[kind.kind](request, emit)
        except AgentOpsError as error:
            return self._error(clock.now(), request, error)
        except (Exception, anyio.get_cancelled_exc_class()) as error:  # recorded, and raised in the handler
            if not isinstance(error, Exception) and anyio.current_effective_deadline() == -math.inf:
                raise  # this task is being cancelled; else the tool awaited something that somebody had cancelled
            what = f"{kind.told()} raised {type(error).__name__}: {tidy(str(error))}"
            said = (ModelFailed if kind.kind == "model" else ToolFailed)(
                what,
                effect=request.id,
                name=kind.name,
                error=type(error).__name__,
                transient=kind.retries > 0,
            )
            return self._error(clock.now(), request, said)
        return Outcome(clock.now(), request.id, "ok", Raw(self._redact(value)), usage)

    def timed_out(self, at: int, request: Request) -> Outcome:
        """The outcome of a request that took longer than it may."""
        kind = request.operation.kind
        what = f"{kind.told()} gave no answer within {kind.timeout:g} seconds"
        hint = "Declare a longer timeout, or find out what it waits for."
        error = ToolFailed(what, hint=hint, effect=request.id, name=kind.name, transient=True)
        return self._error(at, request, error)

    def _error(self, at: int, request: Request, error: AgentOpsError) -> Outcome:
        data = self._redact(encode(ErrorRecord.of(error)))
        return Outcome(at, request.id, "error", error=msgspec.json.decode(data, type=ErrorRecord))

    async def _tool(self, request: Request, _: Emit) -> tuple[bytes, None]:
        tool: Tool[..., Any] = request.operation.kind.perform
        arguments = tool.perform_arguments(request.arguments)
        context = ToolContext(
            self.run, request.id, f"{self.run}/{request.id}", self.definition.workspace, self.definition.data
        )
        token = PERFORMING.set(context)
        try:
            if tool.isolation == "inline":
                result = await tool.function(**arguments)
            elif tool.isolation == "thread":
                call = partial(tool.function, **arguments)
                result = await anyio.to_thread.run_sync(call, abandon_on_cancel=True)
            else:
                from agentops.tools.isolated import run_isolated

                result = await run_isolated(tool, request.arguments, context)
        finally:
            PERFORMING.reset(token)
        try:
            value = tool.returns.encode(result)
            tool.returns.decode(value)
        except MessageInvalid as error:
            msg = f"tool {tool.name} returned something else than its annotation says: {error.what}"
            hint = "Return what the annotation says, or change it."
            raise ToolFailed(msg, hint=hint, effect=request.id, name=tool.name, transient=False) from error
        return value, None

    async def _model(self, request: Request, emit: Emit) -> tuple[bytes, Any]:
        asked = request.operation.request
        assert asked is not None  # noqa: S101 - a model effect carries its request
        if request.max_output_tokens:
            asked = msgspec.structs.replace(asked, max_output_tokens=request.max_output_tokens)
        reply = await self.definition.model(asked.model).complete(asked, partial(emit, request.id, request.agent))
        return encode(reply), reply.usage

    async def _act(self, request: Request, _: Emit) -> tuple[bytes, None]:
        function = request.operation.kind.perform
        args = decode(request.arguments)["args"]
        if inspect.iscoroutinefunction(function):
            result = await function(*args)
        else:
            result = await anyio.to_thread.run_sync(partial(function, *args), abandon_on_cancel=True)
        return codec(Any).encode(result), None
