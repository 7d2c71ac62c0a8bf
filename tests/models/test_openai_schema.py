"""JSON Schema, made fit for endpoints."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

import msgspec
import pytest
from pydantic import BaseModel

from agentops.kernel import roles
from agentops.messages import Message, from_json, json_schema
from agentops.models.openai_schema import adapt, parameters, strip_wrapping
from tests.models.sample import sample


class Leaf(Message):
    name: Annotated[str, msgspec.Meta(min_length=1, description="What it is called.")]
    ids: roles.SourceIds = ()
    kind: Literal["a", "b"] = "a"
    weight: float | None = None


class Tree(Message):
    leaf: Leaf
    children: tuple[Tree, ...] = ()


class Cat(Message, tag=True):
    lives: int


class Dog(Message, tag=True):
    bones: int


class Pet(Message):
    pet: Cat | Dog


class Inner(BaseModel):
    x: int = 3


class Outer(BaseModel):
    inner: Inner
    more: list[Inner] = []


ALLOWED = {"type", "enum", "const", "description", "$ref", "$defs", "anyOf", "items", "properties", "required"}


def assert_strict(node: dict[str, Any]) -> None:
    """What strict endpoints check."""
    assert node.keys() <= ALLOWED | {"additionalProperties"}, node
    if node.get("type") == "object":
        assert node["additionalProperties"] is False
        assert node["required"] == list(node["properties"])
    if "$ref" in node:
        assert node.keys() == {"$ref"}
    for part in [*node.get("properties", {}).values(), *node.get("$defs", {}).values(), *node.get("anyOf", ())]:
        assert_strict(part)
    if "items" in node:
        assert_strict(node["items"])


@pytest.mark.parametrize(
    "kind", [Leaf, Tree, Pet, Cat | Dog, list[Leaf], int, Leaf | None, Outer, list[Outer]], ids=str
)
def test_what_strict_mode_can_say_is_strict_and_its_answers_fit_the_type(kind: Any) -> None:
    adapted = adapt(json_schema(kind), "x")
    assert adapted.strict is not None
    assert adapted.strict["type"] == "object"
    assert_strict(adapted.strict)
    from_json(kind, adapted.unwrap(json.dumps(sample(adapted.strict))))


@pytest.mark.parametrize("kind", [dict[str, int], Any, tuple[int, str], list[Any]], ids=str)
def test_what_strict_mode_cannot_say_is_asked_for_without_it(kind: Any) -> None:
    adapted = adapt(json_schema(kind), "x")
    assert adapted.strict is None
    assert adapted.loose["type"] == "object"


def test_a_field_keeps_its_description_and_its_default_is_told() -> None:
    strict = adapt(json_schema(Leaf), "Leaf").strict
    assert strict is not None
    assert strict["properties"]["name"] == {"type": "string", "description": "What it is called."}
    assert strict["properties"]["kind"] == {"type": "string", "enum": ["a", "b"], "description": 'Default: "a".'}
    assert strict["properties"]["ids"]["description"].endswith("Default: [].")


def test_no_keyword_of_our_own_leaves_but_a_property_may_be_called_like_one() -> None:
    schema = {"type": "object", "properties": {"x-ray": {"type": "string", "x-agentops-role": "quote"}}}
    assert adapt(schema).loose == {"type": "object", "properties": {"x-ray": {"type": "string"}}}
    assert parameters({"x-note": 1}) == {"type": "object", "properties": {}}


def test_a_name_becomes_one_that_endpoints_take() -> None:
    assert adapt({"type": "object"}, "list[my.Finding]").name == "list_my_Finding_"
    assert adapt({"type": "object"}).name == "answer"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ('~~~\n{"a": "```"}\n~~~', '{"a": "```"}'),
        ('<think>{"no": 1}</think>\n{"a": 1}', '{"a": 1}'),
        ('Here you are: {"a": 1}. Anything else?', '{"a": 1}'),
        ("no JSON {at all}", "no JSON {at all}"),
        ("[" * 100_000, "[" * 100_000),
        ("", ""),
    ],
    ids=["bare", "fence", "other-fence", "thoughts", "talk", "none", "deep", "empty"],
)
def test_json_is_freed_of_what_stands_round_it_and_other_text_is_left_alone(text: str, bare: str) -> None:
    assert strip_wrapping(text) == bare


def test_only_what_was_wrapped_is_unwrapped() -> None:
    wrapped = adapt(json_schema(list[int]))
    assert wrapped.unwrap('{"value": [1, 2]}') == "[1,2]"
    assert wrapped.unwrap("[1, 2]") == "[1, 2]"
    assert adapt({"type": "object"}).unwrap('{"value": 1}') == '{"value": 1}'
