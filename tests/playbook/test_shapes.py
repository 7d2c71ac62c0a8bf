"""Shapes say what values look like; only what can be shown not to fit is said not to."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypedDict

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.messages import Message, codec, encode
from agentops.playbook.shapes import (
    ANYTHING,
    Dead,
    described,
    either,
    fits,
    follow,
    literal,
    shape_of,
)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(Message):
    name: str
    size: int = 0


class Tree(Message):
    leaf: Leaf
    children: tuple[Tree, ...] = ()


class OtherTree(Message):
    leaf: Leaf
    children: tuple[OtherTree, ...] = ()
    age: int = 1


class NumberTree(Message):
    leaf: int
    children: tuple[NumberTree, ...] = ()


class Renamed(Message, rename="camel"):
    long_name: str


@dataclass
class Plain:
    name: str
    size: float = 0


class Typed(TypedDict):
    name: str


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        (str, str, ""),
        (int, float, ""),
        (float, int, "a number is not an integer"),
        (bool, int, "true or false is not an integer"),
        (int, str, "an integer is not text"),
        (Any, Leaf, ""),
        (Leaf, Any, ""),
        (None, str | None, ""),
        (str | None, str, "nothing is not text"),
        (str | int, int | str, ""),
        (Literal["a"], Literal["a", "b"], ""),
        (Literal["a", "c"], Literal["a", "b"], "'c' is not 'a' or 'b'"),
        (Literal["a"], str, ""),
        (str, Literal["a"], ""),
        (int, Literal["a"], "an integer is not 'a'"),
        (Literal["red"], Colour, ""),
        (list[int], tuple[float, ...], ""),
        (list[str], list[int], "in the list: text is not an integer"),
        (list[str], str, "a list of text is not text"),
        (dict[str, int], dict[str, float], ""),
        (dict[str, str], dict[str, int], "in the mapping: text is not an integer"),
        (Leaf, dict[str, Any], ""),
        (Leaf, dict[str, str], "field 'size': an integer is not text"),
        (dict[str, Any], Leaf, ""),
        (Leaf, Plain, ""),
        (Plain, Leaf, "field 'size': a number is not an integer"),
        (Typed, Leaf, ""),
        (Leaf, Typed, ""),
        (Tree, OtherTree, ""),
        (Tree, NumberTree, "field 'leaf': Leaf is not an integer"),
        (Leaf, Tree, "Leaf has no field 'leaf', which Tree needs"),
        (Renamed, Leaf, "Renamed has no field 'name', which Leaf needs"),
        (Leaf, Leaf | None, ""),
        (Leaf, str | Tree, "Leaf is not text or Tree"),
        (Annotated[str, msgspec.Meta(max_length=3)], str, ""),
    ],
)
def test_what_can_be_shown_not_to_fit_is_said_and_nothing_else(source: Any, target: Any, why: str) -> None:
    assert fits(shape_of(source), shape_of(target)) == why


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ((), "Tree"),
        (("leaf", "name"), "text"),
        (("children",), "a list of Tree"),
        (("children", 0, "children", -1, "leaf"), "Leaf"),
    ],
)
def test_a_path_leads_to_the_shape_at_its_end(path: tuple[str | int, ...], leads_to: str) -> None:
    found = follow(shape_of(Tree), path)
    assert not isinstance(found, Dead)
    assert described(found) == leads_to


@pytest.mark.parametrize(
    ("kind", "path", "what", "hint"),
    [
        (Tree, ("leef",), "Tree has no field 'leef'", "Did you mean 'leaf'?"),
        (Tree, (0,), "Tree is no list and has no item [0]", "It has 'leaf' and 'children'."),
        (Tree, ("children", "leaf"), "a list has no field 'leaf'", "Take one item with [0]"),
        (dict[str, int], (0,), "a mapping has no item [0]", 'Write ["key"].'),
        (str, ("x",), "text has no parts", "Refer to it as it is."),
        (Leaf | None, ("x",), "Leaf has no field 'x'", "There is: name, size."),
    ],
)
def test_a_path_that_leads_nowhere_says_what_there_is(
    kind: Any, path: tuple[str | int, ...], what: str, hint: str
) -> None:
    found = follow(shape_of(kind), path)
    assert isinstance(found, Dead)
    assert what in found.what
    assert hint in found.hint


def test_names_are_those_that_json_gives_fields() -> None:
    assert described(follow(shape_of(Renamed), ("longName",))) == "text"  # type: ignore[arg-type]


def test_what_msgspec_cannot_inspect_may_be_anything() -> None:
    assert shape_of(object()) == ANYTHING
    assert either(ANYTHING, literal(1)) == ANYTHING


_kinds = st.recursive(
    st.sampled_from([str, int, float, bool, None, Literal["a", "b"], Leaf, Tree]),
    lambda inner: (
        st.builds(lambda kind: list[kind], inner)  # type: ignore[valid-type]
        | st.builds(lambda kind: dict[str, kind], inner)  # type: ignore[valid-type]
        | st.builds(lambda kind: kind | None if kind is not None else None, inner)
    ),
    max_leaves=4,
)
LEAF = Leaf("x")
_samples = st.sampled_from(
    ["a", "zz", 1, 1.5, True, None, LEAF, Tree(LEAF, (Tree(LEAF),)), ["a"], [1], [], {"k": 1}, {}, [LEAF], [None]]
)


@given(_kinds)
def test_everything_fits_itself(kind: Any) -> None:
    assert fits(shape_of(kind), shape_of(kind)) == ""


@given(_samples, _kinds, _kinds)
def test_a_value_that_decodes_as_both_types_is_never_ruled_out_by_its_literal(value: Any, one: Any, other: Any) -> None:
    """Whatever a type takes fits that type: no playbook that would have run is refused."""
    if not isinstance(value, str | int | float | bool | None):
        return
    data = encode(value)
    for kind in (one, other):
        try:
            msgspec.json.decode(data, type=kind)
        except msgspec.ValidationError:
            continue
        assert fits(literal(value), shape_of(kind)) == "" or isinstance(value, float)


def test_a_shape_that_fits_by_its_fields_really_decodes() -> None:
    tree = Tree(LEAF, (Tree(LEAF),))
    assert fits(shape_of(Tree), shape_of(OtherTree)) == ""
    assert codec(OtherTree).decode(encode(tree)).children[0].leaf == LEAF
