"""``scripted/...``: a model that answers what a script says; for tests, demonstrations and recorded failures.

::

    model = ScriptedModel(["first answer", Findings(...), [ToolUse("1", "search", "{}")], ModelFailed("down")])
    model = ScriptedModel(lambda request: request.messages[-1].text.upper())
    model = ScriptedModel(rules=[Rule(When(schema="Findings"), [Findings(...)], then="repeat")])

The same as a file, opened as ``scripted/PATH.yaml`` (or ``.json``)::

    price: free                       # or {input: 0.25, output: 2.0}; default: free
    rules:
      - when: {schema: Findings}      # also: contains, system, last, tool, turn; all that are given must fit
        replies:
          - json: {findings: []}
          - error: {text: too many requests, transient: true, status: 429, retry_after: 0.1}
        then: repeat                  # the last reply from then on; default: the rule is used up
    replies:                          # whatever no rule answered, in order
      - text: a plain answer
        delay: 0.2                    # seconds
        usage: {input_tokens: 10, output_tokens: 5}
      - tools: [{name: search, arguments: {query: tides}}]

Each rule has its own position, taken as the call begins. So calls made at the same time get the same answers in every
run as long as no two of them fit the same rule; the same holds after a resume, where a script begins anew, for rules
that tell calls apart by content. A request that finds no reply fails, and says which one it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import anyio.lowlevel
import msgspec

from agentops.errors import ModelFailed
from agentops.kernel.chat import ModelReply, ModelRequest, Price, ToolUse, Usage
from agentops.messages import encode
from agentops.models.base import Emit

__all__ = ["Answer", "Reply", "Rule", "ScriptedModel", "When"]

FREE = Price(input=0, output=0, source="scripted: nothing is called")


class When(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests a rule answers: those that fit everything given here."""

    contains: tuple[str, ...] = ()
    """Texts that must all occur in the conversation, system messages aside (material included)."""
    system: str = ""
    """A text in the system messages: that is how agents differ."""
    last: str = ""
    """A text in the last message."""
    schema: str = ""
    """The name of the type that is asked for."""
    tool: str = ""
    """The name of a tool that is offered."""
    turn: int | None = None
    """How many assistant's messages the conversation has; 0: the first call of a tool loop."""

    def fits(self, request: ModelRequest) -> bool:
        """Whether the request is one of these."""
        system = "\n".join(m.text for m in request.messages if m.role == "system")
        spoken = [f"{m.text}\n{m.material}" for m in request.messages if m.role != "system"]
        said = "\n".join(spoken)
        return (
            all(text in said for text in self.contains)
            and self.system in system
            and (not self.last or (bool(spoken) and self.last in spoken[-1]))
            and self.schema in {"", request.schema_name}
            and (not self.tool or any(tool.name == self.tool for tool in request.tools))
            and self.turn in {None, _turn(request)}
        )


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """One reply of a script, where plain text or a value says too little."""

    text: str = ""
    uses: tuple[ToolUse, ...] = ()
    error: Exception | None = None
    """Raised instead of answering; `ModelFailed` unless the test is about what a provider must not do."""
    delay: float = 0.0
    """Seconds before the answer."""
    usage: Usage | msgspec.UnsetType | None = msgspec.UNSET
    """None: the provider does not say. Not given: a quarter of the characters."""
    finish: Literal["stop", "length", "tools", "refused"] | None = None


Answer: TypeAlias = Any
"""What a script may hold: text; a value, answered as JSON; a `ToolUse` or a list of them; an exception, raised; a
`Reply` or a `ModelReply`; or a function from the request to one of these."""


class Rule(msgspec.Struct, frozen=True):
    """Replies for the requests that fit ``when``, in order."""

    when: When
    replies: Sequence[Answer] | Callable[[ModelRequest], Answer]
    then: Literal["stop", "repeat"] = "stop"


class ScriptedModel:
    """A model that answers what its script says. See the module's docstring and `agentops.models.base.Model`."""

    def __init__(
        self,
        replies: Sequence[Answer] | Callable[[ModelRequest], Answer] = (),
        *,
        rules: Sequence[Rule] = (),
        name: str = "scripted/script",
        price: Price | None = FREE,
    ) -> None:
        self.name = name
        self.price = price
        self.label = "scripted answers, no language model"
        self.requests: list[ModelRequest] = []
        """Every request so far, in order, for a test to look at."""
        self._rules = [*rules, Rule(When(), replies)]
        self._taken = [0] * len(self._rules)

    async def complete(self, request: ModelRequest, emit: Emit | None = None) -> ModelReply:
        """The script's next reply to such a request."""
        self.requests.append(request)
        reply = self._made(self._next(request), request)
        if reply.delay:
            await anyio.sleep(reply.delay)
        else:
            await anyio.lowlevel.checkpoint()
        if reply.error is not None:
            raise reply.error
        if emit is not None:
            for piece in _pieces(reply.text):
                emit(piece)
        usage = _estimated(request, reply) if reply.usage is msgspec.UNSET else reply.usage
        finish = reply.finish or ("tools" if reply.uses else "stop")
        return ModelReply(text=reply.text, uses=reply.uses, usage=usage, model=self.name, finish=finish)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _next(self, request: ModelRequest) -> Answer:
        for number, rule in enumerate(self._rules):
            if not rule.when.fits(request):
                continue
            if callable(rule.replies):
                return rule.replies(request)
            place = self._taken[number]
            if rule.then == "repeat" and rule.replies:
                place = min(place, len(rule.replies) - 1)
            if place < len(rule.replies):
                self._taken[number] += 1
                return rule.replies[place]
        last = request.messages[-1] if request.messages else None
        asked = f" for {request.schema_name}" if request.schema_name else ""
        excerpt = " ".join(f"{last.text} {last.material}".split())[:120] if last else ""
        raise ModelFailed(
            f"{self.name} has no reply left for request {len(self.requests)}{asked}: {excerpt!r}",
            hint="Add a reply or a rule to the script.",
            transient=False,
            status=None,
            retry_after=None,
            model=self.name,
        )

    def _made(self, answer: Answer, request: ModelRequest) -> Reply:
        """An answer of any kind as a `Reply`."""
        if callable(answer):
            answer = answer(request)
        match answer:
            case Reply():
                return answer
            case ModelReply():
                return Reply(text=answer.text, uses=answer.uses, usage=answer.usage, finish=answer.finish)
            case Exception():
                return Reply(error=answer)
            case str():
                return Reply(text=answer)
            case ToolUse():
                return Reply(uses=(answer,))
            case list() | tuple() if answer and all(isinstance(item, ToolUse) for item in answer):
                return Reply(uses=tuple(answer))
            case _:
                return Reply(text=encode(answer).decode())


def _turn(request: ModelRequest) -> int:
    return sum(message.role == "assistant" for message in request.messages)


def _pieces(text: str) -> list[str]:
    """The text as a stream would bring it: word by word, nothing lost."""
    return [piece for piece in text.replace(" ", " \0").split("\0") if piece]


def _estimated(request: ModelRequest, reply: Reply) -> Usage:
    read = sum(len(message.text) + len(message.material) for message in request.messages)
    written = len(reply.text) + sum(len(use.arguments) for use in reply.uses)
    return Usage(input_tokens=read // 4 + 1, output_tokens=written // 4 + 1)
