"""Playbooks are found by name or by path, and read with all that they call."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentops.errors import InvalidInput, PlaybookError, PolicyError
from agentops.playbook.compile import compile_book
from agentops.playbook.loader import Library
from tests.playbook.house import CATALOG, compiled

SMALL = "playbook: {name}\nsteps: [{{id: a, value: 1}}]\noutput: 1\n"


def calling(name: str, called: str) -> str:
    return f"playbook: {name}\nsteps:\n  - {{id: a, playbook: {called}}}\noutput: '${{a}}'\n"


def put(root: Path, **files: str) -> Path:
    (root / "playbooks").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / "playbooks" / f"{name}.yaml").write_text(text)
    return root


def test_a_name_is_looked_up_in_the_workspace_before_the_stock(tmp_path: Path) -> None:
    mine = put(tmp_path / "mine", small=SMALL.format(name="mine"))
    stock = put(tmp_path / "stock", small=SMALL.format(name="stock"), other=SMALL.format(name="other"))
    library = Library([mine, stock])
    assert list(library.names()) == ["other", "small"]
    assert library.open("small", tmp_path).plan.name == "mine"
    assert library.open("other", tmp_path).plan.name == "other"


def test_a_path_counts_from_where_the_caller_stands(tmp_path: Path) -> None:
    put(tmp_path, small=SMALL.format(name="small"))
    library = Library([])
    assert library.open("playbooks/small.yaml", tmp_path).plan.name == "small"
    assert library.open("small.yaml", tmp_path / "playbooks").plan.name == "small"
    assert library.open(str(tmp_path / "playbooks" / "small.yaml"), Path("/")).plan.name == "small"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("smal", r"there is no playbook 'smal' in .*\n.*Did you mean 'small'\?"),
        ("x/smal.yaml", r"there is no playbook at .*smal\.yaml"),
        ("playbooks/", r"there is no playbook at .*playbooks"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(tmp_path: Path, name: str, said: str) -> None:
    put(tmp_path, small=SMALL.format(name="small"))
    with pytest.raises(InvalidInput, match=said):
        Library([tmp_path]).open(name, tmp_path)


def test_a_called_playbook_is_found_by_name_or_from_the_caller_s_own_folder(tmp_path: Path) -> None:
    put(tmp_path, outer=calling("outer", "../extra/inner.yml"), stock=SMALL.format(name="stock"))
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "inner.yml").write_text(calling("inner", "stock"))
    book = Library([tmp_path]).open("outer", tmp_path)
    assert [plan.name for plan in book.plans.values()] == ["outer", "inner", "stock"]
    assert len(book.calls) == 2


def test_a_called_playbook_that_is_not_there_is_placed_at_the_step(tmp_path: Path) -> None:
    put(tmp_path, outer=calling("outer", "iner"), inner=SMALL.format(name="inner"))
    with pytest.raises(PlaybookError, match=r"^playbooks/outer\.yaml:3:23: there is no playbook 'iner'"):
        Library([tmp_path]).open("outer", tmp_path)


def test_a_fault_in_a_called_playbook_is_placed_in_its_own_file(tmp_path: Path) -> None:
    put(tmp_path, outer=calling("outer", "inner"), inner="playbook: inner\nsteps: []\noutput: 1\n")
    with pytest.raises(PlaybookError, match=r"^playbooks/inner\.yaml:2:8: 'steps' is empty"):
        Library([tmp_path]).open("outer", tmp_path)


@pytest.mark.parametrize(
    ("files", "circle"),
    [
        ({"a": calling("a", "a")}, "a -> a"),
        ({"a": calling("a", "b"), "b": calling("b", "c"), "c": calling("c", "b")}, "b -> c -> b"),
    ],
)
def test_playbooks_that_call_each_other_in_a_circle_are_refused(
    tmp_path: Path, files: dict[str, str], circle: str
) -> None:
    with pytest.raises(PlaybookError, match=f"3:23: playbooks call each other in a circle: {circle}"):
        compiled(tmp_path, files)


def test_what_a_step_gives_a_called_playbook_is_checked_against_its_inputs(tmp_path: Path) -> None:
    inner = "playbook: inner\ninputs: {n: {type: integer}}\nsteps: [{id: a, value: 1}]\noutput: {x: '${inputs.n}'}\n"
    outer = """\
playbook: outer
steps:
  - {id: a, playbook: inner, input: {m: 1}}
  - {id: b, playbook: inner, input: {n: two}}
  - {id: c, value: "${b.y}"}
output: 1
"""
    with pytest.raises(PlaybookError, match=r".") as caught:
        compiled(tmp_path, {"outer": outer, "inner": inner})
    assert [(each["line"], each["column"], each["what"]) for each in caught.value.problems] == [
        (3, 37, "playbook 'inner' needs the field 'n'"),
        (3, 38, "playbook 'inner' has no field 'm'"),
        (4, 41, "inner.n must be an integer: 'two' is text, not an integer"),
        (5, 23, "b.y: mapping has no field 'y'"),
    ]


def test_playbooks_that_multiply_are_refused_before_they_do(tmp_path: Path) -> None:
    """The billion laughs, told by playbooks: each of thirty calls the next one twice."""
    files = {
        f"p{n}": calling(f"p{n}", f"p{n + 1}").replace("\noutput", f"\n  - {{id: b, playbook: p{n + 1}}}\noutput")
        for n in range(30)
    }
    with pytest.raises(PlaybookError, match=r"p0\.yaml:2:1: a run would be made of 2147483647 playbooks, more than 50"):
        compiled(tmp_path, {**files, "p30": SMALL.format(name="p30")})


# --- permissions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("{alow: []}", r"playbooks/p\.yaml:2:\d+: there is no key 'alow' here. Did you mean 'allow'\?"),
        ("{allow: [count_word]}", r"playbooks/p\.yaml:2:18: no tool is called 'count_word'. Did you mean"),
        ("{allow: [{tool: publish, agents: [reder]}]}", r"playbooks/p\.yaml:2:43: no agent is called 'reder'"),
        ("{allow: [{tool: publish, args: {titel: {one_of: [x]}}}]}", r"publish takes no argument 'titel'"),
    ],
)
def test_a_policy_that_names_what_is_not_there_is_refused_at_its_place(tmp_path: Path, policy: str, said: str) -> None:
    text = f"playbook: p\npolicy: {policy}\nsteps:\n  - {{id: a, agent: reader, input: {{topic: x}}}}\noutput: 1\n"
    with pytest.raises(PolicyError, match=said):
        compiled(tmp_path, {"p": text})


def test_a_called_playbook_s_list_of_models_must_hold_the_caller_s(tmp_path: Path) -> None:
    inner = "playbook: inner\npolicy: {models: [scripted/a, scripted/b]}\nsteps: [{id: a, value: 1}]\noutput: 1\n"
    outer = "playbook: outer\npolicy: {models: [MODEL]}\nsteps:\n  - {id: a, playbook: inner}\noutput: 1\n"
    house = compiled(tmp_path, {"outer": outer.replace("MODEL", "scripted/a"), "inner": inner})
    assert house.config.policy == {"models": ["scripted/a"]}
    for other in (outer.replace("MODEL", "openai/x"), outer.replace("policy: {models: [MODEL]}\n", "")):
        with pytest.raises(
            PlaybookError, match=r"inner\.yaml:2:18: playbook 'inner'.* allows only the models it lists"
        ):
            compiled(tmp_path, {"outer": other, "inner": inner})


def test_the_digest_names_the_texts_and_not_where_they_are(tmp_path: Path) -> None:
    digests = set()
    for place in ("here", "there"):
        root = put(tmp_path / place, outer=calling("outer", "inner"), inner=SMALL.format(name="inner"))
        digests.add(compile_book(Library([root]).open("outer", root), CATALOG).digest)
    assert len(digests) == 1
    put(tmp_path / "here", inner=SMALL.format(name="inner") + "# changed\n")
    digests.add(compile_book(Library([tmp_path / "here"]).open("outer", tmp_path), CATALOG).digest)
    assert len(digests) == 2
