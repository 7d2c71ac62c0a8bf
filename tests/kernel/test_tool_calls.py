"""Calling tools and other functions: what is refused before anything is proposed."""

from __future__ import annotations

import pytest

from agentops.errors import AgentDefinitionError, RunError
from agentops.kernel.agent import Agent, handles
from agentops.kernel.records import (
    Effect,
    ErrorRecord,
)
from agentops.kernel.tool import PERFORMING, ToolContext, tool
from agentops.messages import Message, decode
from tests.kernel.driving import Drive


class Go(Message):
    n: int = 1


@tool(effect="pure", retries=2)
async def look(what: str, limit: int = 3) -> list[str]:
    """Look something up."""
    return [what] * limit


@tool(effect="irreversible")
async def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


def shout(text: str) -> str:
    return text.upper()


def _kernel_refuses(call: object) -> ErrorRecord:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await call(self)  # type: ignore[operator]

    return Drive(Main).start(Go()).failure


def test_a_tools_arguments_are_checked_where_it_is_called() -> None:
    wrong_name = _kernel_refuses(lambda _: look(whatever="bees"))  # type: ignore[call-arg]
    assert (wrong_name.type, wrong_name.hint.startswith("Its signature is look(")) == ("MessageInvalid", True)
    assert "Expected `int`" in _kernel_refuses(lambda _: look("bees", limit="many")).what  # type: ignore[arg-type]
    assert _kernel_refuses(lambda _: look(object())).type == "MessageInvalid"  # type: ignore[arg-type]


def test_act_names_its_function_by_module_and_must_not_be_repeated() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            return str(await self.act(shout, "hey"))

    drive = Drive(Main).start(Go())
    (effect,) = drive.of(Effect)
    assert effect.name == f"act:{__name__}.shout"
    assert decode(bytes(effect.arguments)) == {"args": ["hey"]}
    assert drive.pending[0].operation.kind.effect == "irreversible"


def test_act_refuses_what_has_no_name_or_holds_variables() -> None:
    held = 3

    def closure() -> int:
        return held

    for function in (closure, lambda: 3):
        assert _kernel_refuses(lambda agent, f=function: agent.act(f)).what.startswith("act cannot call")


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", object()], ids=["nan", "inf", "surrogate", "object"]
)
def test_act_refuses_arguments_that_the_record_could_not_give_back(value: object) -> None:
    assert _kernel_refuses(lambda agent: agent.act(shout, value)).type == "MessageInvalid"


def test_a_tool_inside_another_tool_is_refused_unless_it_is_pure() -> None:
    token = PERFORMING.set(ToolContext("run", "a/1/0.1", "run/a/1/0.1", None, None))  # type: ignore[arg-type]
    try:
        with pytest.raises(RunError, match=r"tool pay \(irreversible\) was called inside another tool"):
            pay(3)  # type: ignore[unused-coroutine]
        look("bees").close()
    finally:
        PERFORMING.reset(token)


def test_only_what_may_be_repeated_can_ask_for_retries() -> None:
    with pytest.raises(AgentDefinitionError, match="is irreversible and asks for 2 retries"):

        @tool(effect="irreversible", retries=2)
        async def once() -> None:
            """Happen."""


def test_a_tool_outside_a_run_is_its_function() -> None:
    call = look("bees", 2)
    with pytest.raises(StopIteration, match="bees"):
        call.send(None)
