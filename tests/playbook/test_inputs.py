"""An input is what its playbook declared it to be, or the run does not start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from agentops.errors import InvalidInput
from agentops.playbook.inputs import parse_assignments, resolve_inputs
from agentops.playbook.plan import Plan
from tests.playbook.house import read


def plan(inputs: str) -> Plan:
    return read(f"playbook: demo\ninputs: {inputs}\nsteps: [{{id: a, value: 1}}]\noutput: 1\n")


ALL = plan(
    "{text: {type: text, default: null}, int: {type: integer, default: 1}, num: {type: number, default: 1.5}, "
    "flag: {type: boolean, default: false}, pick: {type: choice, choices: [a, b], default: a}, "
    "folder: {type: folder, default: docs}, file: {type: file, default: docs/x.md}}"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "x.md").write_text("x")
    return tmp_path


def resolve(given: dict[str, Any], workspace: Path, of: Plan = ALL) -> dict[str, Any]:
    return resolve_inputs(of, given, base=workspace, workspace=workspace)


def test_assignments_are_split_at_the_first_equals_sign() -> None:
    assert parse_assignments(["a=1", " b = x=y ", "c="]) == {"a": "1", "b": " x=y ", "c": ""}


@pytest.mark.parametrize(
    ("given", "said"),
    [(["a"], "the input 'a' is not of the form NAME=VALUE"), (["=x"], "not of the form"), (["a=1", "a=2"], "twice")],
)
def test_what_is_no_assignment_is_refused(given: list[str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        parse_assignments(given)


def test_defaults_fill_what_is_not_given_and_paths_become_absolute(workspace: Path) -> None:
    assert resolve({}, workspace) == {
        "text": None,
        "int": 1,
        "num": 1.5,
        "flag": False,
        "pick": "a",
        "folder": str(workspace / "docs"),
        "file": str(workspace / "docs" / "x.md"),
    }


def test_given_paths_count_from_the_caller_and_defaults_from_the_workspace(workspace: Path) -> None:
    caller = workspace / "elsewhere"
    (caller / "mine").mkdir(parents=True)
    (caller / "mine" / "y.md").touch()
    found = resolve_inputs(ALL, {"folder": "mine"}, base=caller, workspace=workspace)
    assert found["folder"] == str(caller / "mine")
    assert found["file"] == str(workspace / "docs" / "x.md")


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("text", "", ""),
        ("text", "12", "12"),
        ("int", "12", 12),
        ("int", -3, -3),
        ("num", "2", 2),
        ("num", "1e3", 1000.0),
        ("flag", "Yes", True),
        ("flag", "off", False),
        ("flag", True, True),
        ("pick", "b", "b"),
    ],
)
def test_text_is_read_as_the_type_that_is_declared(workspace: Path, name: str, given: Any, value: Any) -> None:
    found = resolve({name: given}, workspace)[name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("int", "1.5", "the input 'int' must be a whole number, not the text '1.5'"),
        ("int", "many", "must be a whole number, not the text 'many'"),
        ("int", True, "must be a whole number, not true"),
        ("num", "NaN", "must be a number"),
        ("num", "1e999", "must be a number"),
        ("num", "[1]", "must be a number"),
        ("flag", "maybe", "must be true or false, not the text 'maybe'"),
        ("pick", "c", "the input 'pick' cannot be 'c'"),
        ("text", 3, "must be text, not the number 3"),
        ("text", "a\0b", "holds a NUL character"),
        ("text", "\udcff", "bytes that are not UTF-8"),
        ("text", "x" * 1_000_001, "has 1000001 characters"),
        ("folder", "nowhere", "nowhere does not exist"),
        ("folder", "docs/x.md", "is not a folder"),
        ("folder", "empty", "empty is empty"),
        ("folder", "", "must be the path of a folder"),
        ("file", "docs", "is a folder"),
        ("file", "docs/none.md", "does not exist"),
        ("txt", "x", "playbook 'demo' has no input 'txt'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(workspace: Path, name: str, given: Any, said: str) -> None:
    (workspace / "empty").mkdir()
    with pytest.raises(InvalidInput, match=r".") as caught:
        resolve({name: given}, workspace)
    assert said in caught.value.what
    assert caught.value.exit_code == 2


def test_a_wrong_name_gets_the_right_one_suggested(workspace: Path) -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'folder'"):
        resolve({"foldr": "x"}, workspace)


def test_all_that_is_missing_is_named_at_once_with_what_it_is_for(workspace: Path) -> None:
    wanting = plan("{q: {type: text, description: What to ask}, docs: {type: folder}, n: {type: integer, default: 1}}")
    with pytest.raises(InvalidInput, match="needs the inputs 'q' and 'docs'") as caught:
        resolve({}, workspace, wanting)
    assert caught.value.hint == (
        "Give q: What to ask (text); docs: the path of a folder. For example: -i q=... -i docs=..."
    )
    assert caught.value.inputs == ["q", "docs"]


def test_a_text_that_must_be_given_must_not_be_blank(workspace: Path) -> None:
    with pytest.raises(InvalidInput, match="the input 'q' is empty"):
        resolve({"q": "  "}, workspace, plan("{q: {type: text}}"))


def test_a_folder_that_is_a_loop_of_symlinks_is_refused(workspace: Path) -> None:
    (workspace / "loop").symlink_to(workspace / "loop")
    with pytest.raises(InvalidInput, match="loop cannot be read: Too many levels of symbolic links"):
        resolve({"folder": "loop"}, workspace)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_refused(workspace: Path) -> None:
    (workspace / "docs").chmod(0)
    try:
        with pytest.raises(InvalidInput, match="docs cannot be read: Permission denied"):
            resolve({"folder": "docs"}, workspace)
    finally:
        (workspace / "docs").chmod(0o700)
