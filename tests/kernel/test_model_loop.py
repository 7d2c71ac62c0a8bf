"""Asking a model: tools, typed answers, bounded repairs; every step an effect, with the model played by the test."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agentops.errors import PermissionDenied
from agentops.kernel.agent import Agent, handles
from agentops.kernel.chat import ChatMessage, ModelReply, ModelRequest, ToolUse
from agentops.kernel.gate import Admission, OpenGate, Proposal, ToolDeclaration
from agentops.kernel.records import Decided, Effect, ErrorRecord, Retrying
from agentops.kernel.tool import tool
from agentops.messages import Message, decode
from tests.kernel.driving import Drive


class Go(Message):
    n: int = 3


class Finding(Message):
    text: str
    score: int


@tool(effect="pure")
async def look(what: str) -> list[str]:
    """Look something up."""
    return [what]


@tool(effect="irreversible")
async def pay(amount: int) -> str:
    """Pay."""
    return "paid"


def driven(body: Callable[[Any], Awaitable[Any]], gate: Any = None) -> Drive:
    """A run of one agent with this handler and two tools."""

    class Main(Agent):
        """You look things up."""

        tools = (look, pay)

        @handles
        async def on_go(self, go: Go) -> Any:
            return await body(self)

    return Drive(Main, gate=gate, model="test/parrot").start(Go())


def asked(drive: Drive) -> ModelRequest:
    """What the model is asked now."""
    request = drive.pending[0].operation.request
    assert request is not None
    return request


def uses(*calls: tuple[str, str]) -> ModelReply:
    return ModelReply(uses=tuple(ToolUse(f"u{n}", name, args) for n, (name, args) in enumerate(calls)), finish="tools")


def say(drive: Drive, text: str, **fields: Any) -> None:
    drive.answer(ModelReply(text=text, **fields))


def test_a_plain_answer_is_text_and_the_prompt_carries_role_and_material() -> None:
    drive = driven(lambda self: self.model("What is it?", material={"a": 1}, max_output_tokens=7, temperature=0.5))
    request = asked(drive)
    assert request.messages == (
        ChatMessage("system", "You look things up."),
        ChatMessage("user", "What is it?", material='{"a":1}'),
    )
    assert (request.model, request.max_output_tokens, request.temperature) == ("test/parrot", 7, 0.5)
    assert [offer.name for offer in request.tools] == ["look", "pay"]
    assert request.schema is None
    say(drive, "A bee.")
    assert drive.output == "A bee."


def test_a_typed_answer_is_asked_for_by_schema_and_decoded() -> None:
    async def body(self: Agent) -> int:
        found = await self.model("Find.", returns=Finding)
        return found.score

    drive = driven(body)
    request = asked(drive)
    assert request.schema is not None
    assert sorted(request.schema["properties"]) == ["score", "text"]
    assert request.schema_name == "Finding"
    say(drive, '{"text":"x","score":4}')
    assert drive.output == 4


@pytest.mark.parametrize(
    "text",
    ['```json\n{"text":"x","score":4}\n```', '```\n{"text":"x","score":4}\n```', '  {"text":"x","score":4}  '],
)
def test_a_fence_around_an_answer_is_taken_off(text: str) -> None:
    drive = driven(lambda self: self.model("Find.", returns=Finding))
    say(drive, text)
    assert drive.output == {"text": "x", "score": 4}


def test_an_answer_that_does_not_fit_goes_back_with_the_reason_at_most_twice() -> None:
    drive = driven(lambda self: self.model("Find.", returns=Finding))
    say(drive, "It is a bee.")
    assert asked(drive).messages[-2:-1] == (ChatMessage("assistant", "It is a bee."),)
    assert "cannot be used" in asked(drive).messages[-1].text
    say(drive, '{"text":"x"}')
    assert "score" in asked(drive).messages[-1].text
    say(drive, "{}")
    assert drive.pending == []
    assert drive.failure.type == "MessageInvalid"
    assert [decided.chosen for decided in drive.of(Decided)] == ["send back", "send back"]


def test_an_answer_that_was_cut_is_repaired_and_one_that_was_refused_is_not() -> None:
    drive = driven(lambda self: self.model("Say."))
    say(drive, "It is a", finish="length")
    say(drive, "No.", finish="refused")
    assert drive.failure.type == "ModelFailed"
    assert "was refused by the provider" in drive.failure.what


def test_tools_that_the_model_wants_are_called_side_by_side_and_their_results_go_back() -> None:
    drive = driven(lambda self: self.model("Find."))
    drive.answer(uses(("look", '{"what":"bees"}'), ("look", '{"what":"wasps"}')))
    assert [decode(each.arguments) for each in drive.pending] == [{"what": "bees"}, {"what": "wasps"}]
    drive.answer(["w"], effect=drive.pending[1].id)
    drive.answer(["b"])
    results = asked(drive).messages[-2:]
    assert results == (
        ChatMessage("tool", material='["b"]', use_id="u0"),
        ChatMessage("tool", material='["w"]', use_id="u1"),
    )
    say(drive, "Both sting.")
    assert drive.output == "Both sting."
    assert [(each.question, each.chosen, each.by) for each in drive.of(Decided)] == [
        ("which tool?", "look", "model test/parrot")
    ] * 2


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("fly", "{}", "there is no tool 'fly' for this agent"),
        ("look", '{"what": 3}', "Expected `str`, got `int`"),
        ("look", "{oops", "malformed"),
        ("look", '{"what":"x","more":1}', "unknown field `more`"),
        ("look", "", "missing required field `what`"),
    ],
)
def test_a_call_that_cannot_be_made_is_a_result_that_the_model_sees(name: str, arguments: str, says: str) -> None:
    drive = driven(lambda self: self.model("Find."))
    drive.answer(uses((name, arguments)))
    last = asked(drive).messages[-1]
    assert (last.role, last.use_id) == ("tool", "u0")
    assert says in last.text
    say(drive, "I give up.")
    assert drive.output == "I give up."


def test_a_tool_that_is_refused_or_fails_is_a_result_that_the_model_sees() -> None:
    class NoPay(OpenGate):
        def admit(self, proposal: Proposal) -> Admission:
            if proposal.name == "pay":
                return Admission(verdict="deny", rule="no-pay", error=PermissionDenied("no paying here"))
            return super().admit(proposal)

    drive = driven(lambda self: self.model("Find."), gate=NoPay())
    drive.answer(uses(("pay", '{"amount":3}'), ("look", '{"what":"x"}')))
    drive.answer(error=ErrorRecord("ToolFailed", "no network"))
    assert [message.text for message in asked(drive).messages[-2:]] == ["Error: no paying here", "Error: no network"]


def test_a_tool_that_the_agent_could_never_be_allowed_is_not_offered() -> None:
    class Offers(OpenGate):
        def offers(self, agent: str, tools: tuple[ToolDeclaration, ...]) -> frozenset[str]:
            return frozenset({"look"})

    drive = driven(lambda self: self.model("Find."), gate=Offers())
    assert [offer.name for offer in asked(drive).tools] == ["look"]
    drive.answer(uses(("pay", '{"amount":3}')))
    assert "there is no tool 'pay'" in asked(drive).messages[-1].text


def test_the_number_of_rounds_is_a_limit() -> None:
    drive = driven(lambda self: self.model("Find.", rounds=2))
    for _ in range(2):
        drive.answer(uses(("look", '{"what":"x"}')))
        drive.answer(["x"])
    assert drive.pending == []
    assert drive.failure.what == "test/parrot gave no final answer within 2 rounds"


def test_a_call_that_failed_in_passing_is_made_again() -> None:
    drive = driven(lambda self: self.model("Say."))
    drive.answer(error=ErrorRecord("ModelFailed", "overloaded", facts={"transient": True, "retry_after": 3}))
    drive.later(3)
    say(drive, "Hello.")
    assert drive.output == "Hello."
    assert len(drive.of(Retrying)) == 1


def test_an_agent_without_handlers_turns_its_message_into_a_prompt() -> None:
    class Scorer(Agent):
        """You score things."""

        accepts = Go
        returns = Finding

    drive = Drive(Scorer, model="test/parrot").start(Go(9))
    assert asked(drive).messages == (
        ChatMessage("system", "You score things."),
        ChatMessage("user", "Handle this Go.", material='{"n":9}'),
    )
    say(drive, '{"text":"x","score":1}')
    assert drive.output == {"text": "x", "score": 1}


def test_a_conversation_is_recorded_as_a_chain_so_that_it_grows_linearly() -> None:
    drive = driven(lambda self: self.model("x" * 5000, rounds=40))
    sizes = []
    for n in range(30):
        reaction = drive.answer(uses(("look", f'{{"what":"{n}"}}')))
        sizes.append(sum(map(len, reaction.blobs.values())) + len(reaction.block))
        reaction = drive.answer([str(n)])
        sizes.append(sum(map(len, reaction.blobs.values())) + len(reaction.block))
    assert max(sizes) < 2000, "what was said before is not said again"
    prompts = [decode(bytes(each.arguments))["prompt"] for each in drive.of(Effect) if each.kind == "model"]
    assert len(set(prompts)) == len(prompts) == 31


def test_a_model_that_a_spec_names_is_called_instead_of_the_runs() -> None:
    class Special(Agent):
        uses_model = "test/owl"

        @handles
        async def on_go(self, go: Go) -> str:
            return await self.model("Say.")

    drive = Drive(Special, model="test/parrot").start(Go())
    assert asked(drive).model == "test/owl"
    assert drive.pending[0].operation.kind.name == "test/owl"
