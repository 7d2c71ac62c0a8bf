"""A replay that goes another way says where, in words that a person can act on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentops.kernel.agent import Agent, handles
from agentops.kernel.chat import ModelReply, ModelRequest
from agentops.kernel.tool import tool
from agentops.runtime.divergence import Divergence
from agentops.runtime.runtime import Runtime
from tests.runtime.house import Go, Note, define, replayed

SOURCE = Path(__file__).read_text().splitlines()


@tool(effect="pure")
async def look(what: str, limit: int = 1) -> str:
    """Look something up."""
    return what.upper() * limit


class Parrot:
    async def complete(self, request: ModelRequest, emit: Callable[[str], None] | None = None) -> ModelReply:
        return ModelReply(text="squawk")


def agents(*, limit: int = 1, steps: int = 2, prompt: str = "Say something.", decides: bool = False) -> Any:
    class Helper(Agent):
        @handles
        async def on_note(self, note: Note) -> str:
            said = await self.model(prompt)
            if decides:
                self.decide("what now?", options=["this", "that"], chosen="this")
            return said + str(await look(note.text, limit))

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> list[str]:
            return [str(await self.ask("helper", Note(str(n)))) for n in range(steps)]

    return define(Main, Helper, model=lambda _: Parrot())


async def diverged(path: Path, **changes: Any) -> Divergence:
    async with Runtime.open(path) as runtime:
        await (await runtime.start(agents(), Go())).result()
    assert replayed(path, agents()).divergence is None
    found = replayed(path, agents(**changes)).divergence
    assert found is not None
    return found


async def test_other_arguments_are_named_by_field_with_both_values(tmp_path: Path) -> None:
    found = await diverged(tmp_path / "j.db", limit=2)
    assert found.kind == "arguments"
    assert [(each.path, each.recorded, each.now) for each in found.differences] == [("arguments.limit", 1, 2)]
    assert (found.agent, found.handler) == ("helper", "on_note")
    assert found.file.endswith("test_divergence.py")
    assert "await look(note.text, limit)" in SOURCE[found.source_line - 1]
    assert "helper handles Note, from main/1/0.1" in found.text()
    assert "main handles Go, from the run's input" in found.text()


async def test_a_changed_prompt_is_a_change_of_the_models_arguments(tmp_path: Path) -> None:
    found = await diverged(tmp_path / "j.db", prompt="Say something else.")
    assert found.kind == "arguments"
    assert [(each.path, each.recorded, each.now) for each in found.differences] == [
        ("arguments.prompt[0].text", "Say something.", "Say something else.")
    ]
    assert found.agent == "helper"


async def test_another_step_in_the_same_place_is_control_flow(tmp_path: Path) -> None:
    found = await diverged(tmp_path / "j.db", decides=True)
    assert found.kind == "control flow"
    assert found.now is not None
    assert found.now["record"] == "decided"
    assert found.agent == "helper"


@pytest.mark.parametrize(("steps", "kind"), [(1, "control flow"), (3, "control flow")])
async def test_fewer_or_more_steps_are_found_at_the_first_one(tmp_path: Path, steps: int, kind: str) -> None:
    found = await diverged(tmp_path / "j.db", steps=steps)
    assert found.kind == kind
    assert found.recorded is not None
    assert "replay diverged at block" in found.text()


async def test_a_run_that_now_ends_earlier_leaves_records_over(tmp_path: Path) -> None:
    found = await diverged(tmp_path / "j.db", steps=0)
    assert found.kind == "control flow"
    assert found.agent == "main" or found.recorded is not None
