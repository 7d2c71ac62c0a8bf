"""Asking a model, inside the kernel: tools, structured answers, repairs; each call an effect of its own.

The loop is a plain coroutine over effects, so every call of the model and of each tool is checked, recorded and
replayed one by one. A tool that is refused or fails becomes a result that the model sees; an answer that does not fit
the wanted type goes back to the model, with the reason, a bounded number of times.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from agentops.errors import AgentOpsError, BudgetExceeded, MessageInvalid, ModelFailed
from agentops.kernel.branches import Branch
from agentops.kernel.chat import ChatMessage, ModelReply, ModelRequest, ToolOffer, ToolUse
from agentops.kernel.effects import EffectKind, EffectOp, JoinOp
from agentops.kernel.process import Process
from agentops.kernel.records import Decided
from agentops.kernel.tool import Tool
from agentops.messages import Codec, codec, encode, json_schema

__all__ = ["Options", "converse", "prompt_only"]

_REPAIRS: Final = 2
"""How often an answer that does not fit its type is sent back."""
_RETRIES: Final = 2
"""How often a call that failed in passing (rate limit, server error) is made again."""
_decode_reply: Final = msgspec.json.Decoder(ModelReply).decode


class Options(msgspec.Struct, frozen=True):
    """What ``self.model`` was asked for."""

    returns: Any
    tools: tuple[Tool[..., Any], ...]
    max_output_tokens: int
    temperature: float | None
    rounds: int


async def prompt_only(agent: Any, message: Any) -> Any:
    """The handler of an agent that only prompts a model: the message is the material, its type the task."""
    prompt = f"Handle this {type(message).__name__}."
    returns = agent._process.spec.cls.returns  # noqa: SLF001 - the kernel made the agent
    return await agent.model(prompt, returns=returns, material=message)


async def converse(process: Process, prompt: str, material: Any, options: Options) -> Any:
    """Ask until there is an answer of the wanted type."""
    talk = _Conversation(process, prompt, material, options)
    repairs = _REPAIRS
    for _ in range(options.rounds):
        reply = await talk.next_reply()
        if reply.uses:
            await talk.use_tools(reply)
            continue
        try:
            return talk.read_answer(reply)
        except (MessageInvalid, ModelFailed) as error:
            if not repairs or reply.finish == "refused":
                raise
            repairs -= 1
            talk.send_back(reply, error)
    msg = f"{talk.model} gave no final answer within {options.rounds} rounds"
    raise ModelFailed(msg, hint="Give it more with rounds=..., or fewer tools.", model=talk.model)


class _Conversation:
    """One ``self.model`` call: the messages so far, and what may be answered."""

    def __init__(self, process: Process, prompt: str, material: Any, options: Options) -> None:
        spec = process.spec
        self.process = process
        self.world = process.world
        self.options = options
        self.model = spec.model or self.world.model
        self.kind = EffectKind("model", self.model, _decode_reply, "idempotent", retries=_RETRIES)
        declared = tuple(tool.declaration for tool in options.tools)
        offered = self.world.gate.offers(process.name, declared) if declared else frozenset()
        self.tools = {tool.name: tool for tool in options.tools if tool.name in offered}
        self.codec: Codec | None = None if options.returns is str else codec(options.returns)
        self.schema = None if self.codec is None else _plain_schema(options.returns)
        text = "" if material is None else encode(material).decode()
        first = [ChatMessage("system", spec.instructions)] if spec.instructions else []
        self.messages: list[ChatMessage] = [*first, ChatMessage("user", prompt, material=text)]

    async def next_reply(self) -> ModelReply:
        """One call of the model."""
        offers = tuple(
            ToolOffer(name, tool.declaration.description, tool.declaration.parameters)
            for name, tool in self.tools.items()
        )
        request = ModelRequest(
            self.model,
            tuple(self.messages),
            self.options.max_output_tokens,
            offers,
            self.schema,
            "" if self.codec is None else self.codec.name,
            self.options.temperature,
        )
        reply: ModelReply = await EffectOp(self.kind, b"", request)
        return reply

    async def use_tools(self, reply: ModelReply) -> None:
        """Make the tool calls that the model proposes, side by side; each answer goes back to it."""
        self.messages.append(ChatMessage("assistant", reply.text, uses=reply.uses))
        answers = await JoinOp([Branch(self.world, self._use(use)) for use in reply.uses], "settle", owns=True)
        for use, answer in zip(reply.uses, answers, strict=True):
            if isinstance(answer, BudgetExceeded):
                raise answer  # no point in going on talking
            if isinstance(answer, AgentOpsError):
                self.messages.append(ChatMessage("tool", f"Error: {answer}", use_id=use.id))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                self.messages.append(ChatMessage("tool", material=encode(answer).decode(), use_id=use.id))

    async def _use(self, use: ToolUse) -> Any:
        world = self.world
        options = tuple(self.tools)
        world.record(Decided(world.next_id(), "which tool?", options, use.name, "", f"model {self.model}"))
        tool = self.tools.get(use.name)
        if tool is None:
            msg = f"there is no tool {use.name!r} for this agent"
            raise MessageInvalid(msg, hint=f"There is: {', '.join(options) or 'none'}.", tool=use.name)
        return await tool.parse(use.arguments)

    def read_answer(self, reply: ModelReply) -> Any:
        """The model's answer as the wanted type; raises where it does not fit."""
        if reply.finish in ("length", "refused"):
            why = "was cut at its output limit" if reply.finish == "length" else "was refused by the provider"
            msg = f"{self.model}: the answer {why}"
            raise ModelFailed(
                msg, hint="Raise max_output_tokens." if reply.finish == "length" else "", model=self.model
            )
        if self.codec is None:
            return reply.text
        return self.codec.decode(_strip_fence(reply.text).encode("utf-8", "replace"))

    def send_back(self, reply: ModelReply, error: AgentOpsError) -> None:
        """Tell the model what is wrong with its answer."""
        world = self.world
        options = ("accept", "send back", "give up")
        record = Decided(world.next_id(), "is the answer usable?", options, "send back", error.what, "kernel")
        world.record(record)
        self.messages.append(ChatMessage("assistant", reply.text))
        self.messages.append(ChatMessage("user", f"That answer cannot be used: {error.what}. Answer again, in full."))


def _plain_schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema of an answer, with the type itself at the top."""
    schema = json_schema(kind)
    reference = schema.get("$ref", "").rpartition("/")[2]
    if not reference:
        return schema
    definitions = dict(schema.get("$defs", {}))
    top: dict[str, Any] = dict(definitions.pop(reference))
    if definitions:
        top["$defs"] = definitions
    return top


def _strip_fence(text: str) -> str:
    """JSON that a model put into a Markdown code fence, without the fence."""
    bare = text.strip()
    if bare.startswith("```") and bare.endswith("```"):
        bare = bare[3:-3].removeprefix("json").strip()
    return bare
