"""Scripted models, in Python and from files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from agentops.errors import InvalidInput, ModelFailed, WorkspaceError
from agentops.kernel.chat import ChatMessage, ModelReply, ModelRequest, Price, ToolOffer, ToolUse, Usage
from agentops.messages import Message
from agentops.models.base import ModelSettings
from agentops.models.registry import open_model
from agentops.models.scripted import Reply, Rule, ScriptedModel, When


class Findings(Message):
    findings: tuple[str, ...] = ()


def request(text: str = "Hello?", **more: Any) -> ModelRequest:
    messages = (ChatMessage("system", "You are the critic."), ChatMessage("user", text, material="[1]"))
    return ModelRequest(**{"model": "scripted/script", "messages": messages, "max_output_tokens": 100, **more})


async def test_replies_come_in_order_and_in_every_form() -> None:
    use = ToolUse("1", "search", "{}")
    ready = ModelReply(text="whole", usage=Usage(1, 2), finish="length")
    model = ScriptedModel(["text", Findings(("a",)), {"b": 1}, use, [use, use], ready, lambda r: r.messages[-1].text])
    replies = [await model.complete(request()) for _ in range(7)]
    assert [reply.text for reply in replies] == ["text", '{"findings":["a"]}', '{"b":1}', "", "", "whole", "Hello?"]
    assert [len(reply.uses) for reply in replies] == [0, 0, 0, 1, 2, 0, 0]
    assert [reply.finish for reply in replies] == ["stop", "stop", "stop", "tools", "tools", "length", "stop"]
    assert replies[5].usage == Usage(1, 2)
    assert len(model.requests) == 7


async def test_a_function_may_be_the_whole_script() -> None:
    model = ScriptedModel(lambda request: request.messages[-1].text.upper())
    assert (await model.complete(request())).text == "HELLO?"


async def test_errors_are_raised_and_the_script_goes_on() -> None:
    model = ScriptedModel([ModelFailed("down", transient=True), "up"])
    with pytest.raises(ModelFailed, match="down"):
        await model.complete(request())
    assert (await model.complete(request())).text == "up"


async def test_a_script_that_ran_out_says_for_which_request() -> None:
    model = ScriptedModel(["only one"])
    await model.complete(request())
    with pytest.raises(ModelFailed, match=r"no reply left for request 2 for Findings: 'What now\? \[1\]'") as caught:
        await model.complete(request("What now?", schema={}, schema_name="Findings"))
    assert caught.value.transient is False


@pytest.mark.parametrize(
    "when",
    [
        When(contains=("Hello", "[1]")),
        When(system="critic"),
        When(last="Hello?"),
        When(schema="Findings"),
        When(tool="search"),
        When(turn=0),
    ],
    ids=str,
)
async def test_a_rule_answers_the_requests_that_fit_and_no_others(when: When) -> None:
    model = ScriptedModel(["other"], rules=[Rule(when, ["rule"], then="repeat")])
    fits = request(schema={}, schema_name="Findings", tools=(ToolOffer("search", "", {}),))
    other = ModelRequest("m", (ChatMessage("assistant", "x"), ChatMessage("user", "y")), 1)
    assert (await model.complete(fits)).text == "rule"
    assert (await model.complete(other)).text == "other"
    assert (await model.complete(fits)).text == "rule"


async def test_a_used_up_rule_leaves_its_requests_to_the_next() -> None:
    model = ScriptedModel(["plain"], rules=[Rule(When(), ["first"]), Rule(When(), ["second"])])
    assert [(await model.complete(request())).text for _ in range(3)] == ["first", "second", "plain"]


async def test_calls_made_at_once_get_the_same_answers_whatever_their_delays() -> None:
    rules = [Rule(When(last=f"n{n}"), [Reply(text=f"answer {n}", delay=0.01 * (5 - n))]) for n in range(5)]
    model = ScriptedModel(rules=rules)
    got: dict[int, str] = {}

    async def call(n: int) -> None:
        got[n] = (await model.complete(request(f"n{n}"))).text

    async with anyio.create_task_group() as group:
        for n in range(5):
            group.start_soon(call, n)
    assert got == {n: f"answer {n}" for n in range(5)}


async def test_text_is_streamed_in_pieces_and_nothing_is_lost() -> None:
    pieces: list[str] = []
    text = " two  words\nand a line "
    reply = await ScriptedModel([text]).complete(request(), pieces.append)
    assert "".join(pieces) == reply.text == text
    assert len(pieces) > 3


async def test_usage_is_counted_unless_the_script_says_otherwise() -> None:
    model = ScriptedModel(["12345678", Reply(text="x", usage=None), Reply(text="x", usage=Usage(5, 6))])
    usages = [(await model.complete(request())).usage for _ in range(3)]
    assert usages == [Usage(input_tokens=8, output_tokens=3), None, Usage(5, 6)]


SCRIPT = """
price: {input: 1, output: 2}
rules:
  - when: {schema: Findings, contains: Hello}
    replies: [{json: {findings: [a]}}, {error: {text: busy, transient: true, status: 429, retry_after: 0.5}}]
    then: repeat
replies:
  - plain
  - tools: [{name: search, arguments: {query: tides}}]
    usage: {input_tokens: 3, output_tokens: 4}
  - {text: cut, finish: length, usage: null}
"""


@pytest.mark.parametrize("form", ["yaml", "json"])
async def test_a_file_says_the_same_in_yaml_and_json(tmp_path: Path, form: str) -> None:
    import yaml

    path = tmp_path / f"script.{form}"
    path.write_text(SCRIPT if form == "yaml" else json.dumps(yaml.safe_load(SCRIPT)))
    model = open_model(f"scripted/script.{form}", ModelSettings(folder=tmp_path))
    asked = request(schema={}, schema_name="Findings")
    assert (await model.complete(asked)).text == '{"findings":["a"]}'
    for _ in range(2):
        with pytest.raises(ModelFailed, match="busy") as caught:
            await model.complete(asked)
        assert (caught.value.transient, caught.value.status, caught.value.retry_after) == (True, 429, 0.5)
    plain, tools, cut = [await model.complete(request()) for _ in range(3)]
    assert plain.text == "plain"
    assert tools.uses == (ToolUse("use_0", "search", '{"query":"tides"}'),)
    assert tools.usage == Usage(3, 4)
    assert (cut.finish, cut.usage) == ("length", None)
    assert model.price == Price(1_000_000, 2_000_000, source="declared")
    assert model.name == f"scripted/script.{form}"


async def test_a_file_may_be_no_more_than_a_list_of_replies(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("- one\n- json: null\n")
    model = open_model(f"scripted/{tmp_path / 's.yaml'}")
    assert [(await model.complete(request())).text for _ in range(2)] == ["one", "null"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rules: [{when: {scheme: X}, replies: []}]", r"wrong at rules\.0\.when\.scheme"),
        ("replies: [{text: [1]}]", r"wrong at replies\.0"),
        ("just text", "wrong at its root"),
        ("a: [", "no valid YAML"),
        ("[" * 5_000, "no valid YAML"),
        ("price: dear\nreplies: []", "price is 'dear'"),
    ],
)
def test_a_script_that_is_wrong_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(InvalidInput, match=says):
        open_model("scripted/s.yaml", ModelSettings(folder=tmp_path))


@pytest.mark.parametrize("name", ["missing.yaml", ""])
def test_a_script_that_cannot_be_read_is_refused_with_its_path(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be read"):
        open_model(f"scripted/folder/{name}", ModelSettings(folder=tmp_path))
