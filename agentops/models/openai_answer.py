"""What a chat-completions endpoint answers, checked, as a `ModelReply`.

Nothing that an endpoint sends is taken on trust: bodies are validated by pydantic (leniently where endpoints are known
to differ, such as arguments sent as an object), and an answer that does not fit raises `BadAnswer`.

`Assembly` takes a whole body or a stream's events alike. `Events` cuts a stream of bytes into events; it is fed, it
does not read, so no generator is left open when a call is cancelled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError, field_validator

from agentops.kernel.chat import ModelReply, ToolUse, Usage

__all__ = ["Assembly", "BadAnswer", "Events"]


class BadAnswer(Exception):
    """The answer is of no use. ``transient``: another try may well bring a better one."""

    def __init__(self, what: str, *, transient: bool, status: int | None = None) -> None:
        super().__init__(what)
        self.transient = transient
        self.status = status


class _Function(BaseModel):
    name: str | None = None
    arguments: str | dict[str, Any] | None = None


class _ToolCall(BaseModel):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Said(BaseModel):
    """A message, or a piece of one."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[_ToolCall] | None = None

    @field_validator("content", mode="before")
    @classmethod
    def _join_parts(cls, content: Any) -> Any:
        """Some endpoints send a list of parts where most send text."""
        if not isinstance(content, list):
            return content
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))


class _Choice(BaseModel):
    index: int = 0
    message: _Said | None = None
    delta: _Said | None = None
    finish_reason: str | None = None


class _Body(BaseModel):
    choices: list[_Choice] | None = None
    usage: Any = None
    model: str | None = None
    error: Any = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = Field(default=None, ge=0)


class _CompletionDetails(BaseModel):
    reasoning_tokens: int | None = Field(default=None, ge=0)


class _Usage(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


def _usage(raw: Any) -> Usage | None:
    """The usage that the endpoint reported; None where it did not, or in a way that makes no sense."""
    try:
        told = _Usage.model_validate(raw)
    except ValidationError:
        return None
    inward, outward = told.prompt_tokens_details, told.completion_tokens_details
    return Usage(
        input_tokens=told.prompt_tokens,
        output_tokens=told.completion_tokens,
        cached_input_tokens=(inward.cached_tokens or 0) if inward else 0,
        reasoning_tokens=(outward.reasoning_tokens or 0) if outward else 0,
    )


class _Building:
    """A tool call of which pieces arrive."""

    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []

    def add(self, piece: _ToolCall) -> None:
        function = piece.function or _Function()
        self.id = self.id or piece.id or ""
        self.name = self.name or function.name or ""
        told = function.arguments
        if told is not None:
            self.arguments.append(told if isinstance(told, str) else json.dumps(told, ensure_ascii=False))


class Assembly:
    """Collects an answer, in one body or in many events."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int, _Building] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._model = ""
        self.complete = False
        """Whether the answer is all there: a reason for its end was given."""
        self.done = False
        """Whether the endpoint said that nothing more will come."""

    def add(self, data: bytes, *, whole: bool) -> str:
        """Take a body (``whole``) or a stream's event; gives the new text in it."""
        if not whole and data.strip() == b"[DONE]":
            self.complete = self.done = True
            return ""
        body = _validated(data)
        if body.error:
            raise _reported(body.error)
        if body.usage is not None:
            self._usage = _usage(body.usage)
        self._model = body.model or self._model
        if whole:
            self.complete = True
            if body.choices is None:
                raise BadAnswer("sent JSON that is no chat completion (it has no choices)", transient=False)
            if not body.choices:
                raise BadAnswer("sent an empty list of choices", transient=True)
        return "".join(self._add_choice(choice) for choice in body.choices or () if choice.index == 0)

    def _add_choice(self, choice: _Choice) -> str:
        if choice.finish_reason:
            self._finish = choice.finish_reason
            self.complete = True
        said = choice.message or choice.delta
        if said is None:
            return ""
        for number, piece in enumerate(said.tool_calls or ()):
            self._calls.setdefault(self._place(piece, number), _Building()).add(piece)
        if said.refusal:
            self._refusal.append(said.refusal)
        if said.content:
            self._text.append(said.content)
        return said.content or ""

    def _place(self, piece: _ToolCall, number: int) -> int:
        """Which tool call a piece belongs to. Without an index, a new id or name begins a new one."""
        if piece.index is not None:
            return piece.index
        if not self._calls:
            return number
        last = max(self._calls)
        return last + 1 if piece.id or (piece.function and piece.function.name) else last

    def reply(self, model: str, names: dict[str, str], *, turn: int) -> ModelReply:
        """The reply; ``names`` are tools by their name on the wire, ``turn`` counts the messages so far.

        A tool call without an id of its own gets one from ``turn`` and its place, so that no two are alike.
        """
        uses: list[ToolUse] = []
        seen: set[str] = set()
        for place, call in sorted(self._calls.items()):
            if not call.name:
                raise BadAnswer("asked for a tool without saying which", transient=True)
            own = call.id if call.id and call.id not in seen else f"call_{turn}_{place}"
            seen.add(own)
            arguments = "".join(call.arguments) or "{}"  # nothing, where a tool takes nothing
            uses.append(ToolUse(id=own, name=names.get(call.name, call.name), arguments=arguments))
        text = "".join(self._text) or "".join(self._refusal)
        return ModelReply(
            text=text, uses=tuple(uses), usage=self._usage, model=self._model or model, finish=self._ended(uses)
        )

    def _ended(self, uses: list[ToolUse]) -> Literal["stop", "length", "tools", "refused"]:
        if self._finish == "length":
            return "length"
        if self._finish == "content_filter" or self._refusal:
            return "refused"
        return "tools" if uses else "stop"


def _validated(data: bytes) -> _Body:
    try:
        return _Body.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise BadAnswer("sent something that is not JSON", transient=True) from None
        where = ".".join(map(str, first["loc"])) or "its root"
        raise BadAnswer(f"sent JSON that is no chat completion (at {where}: {first['msg']})", transient=False) from None


def _reported(error: Any) -> BadAnswer:
    """An error that the endpoint reports inside an answer that began well."""
    facts = error if isinstance(error, dict) else {"message": error}
    code = facts.get("code")
    status = code if isinstance(code, int) and 100 <= code < 600 else None
    transient = status is None or status == 429 or status >= 500
    return BadAnswer(f"broke off with an error: {facts.get('message')}", transient=transient, status=status)


class Events:
    """Cuts a stream of server-sent events; only their data matters here."""

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The data of each event that ``chunk`` completes."""
        # Lines end with LF or CRLF; a lone CR, which the standard also allows, no endpoint sends.
        self._rest += chunk
        if b"\n" not in chunk:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for raw in lines:
            line = bytes(raw.removesuffix(b"\r"))
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                event, self._data = b"\n".join(self._data), []
                yield event

    def finish(self) -> Iterator[bytes]:
        """What the end of the stream completes: an event whose blank line never came."""
        yield from self.feed(b"\n\n")
