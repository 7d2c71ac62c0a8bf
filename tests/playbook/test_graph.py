"""A playbook is a graph whose only circles are its declared, bounded loops."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.playbook.conditions import truth
from agentops.playbook.graph import (
    START,
    calls_graph,
    circle,
    data_graph,
    loop_edges,
    reading_order,
    unreachable,
    ways_graph,
)
from agentops.playbook.loader import Library
from agentops.playbook.plan import steps_of
from tests.playbook.house import read

ALL = """\
playbook: all
inputs: {n: {type: integer, default: 1}}
steps:
  - {id: a, value: 1}
  - id: p
    parallel:
      - {id: b, value: "${a}"}
      - {id: c, value: "${a}"}
  - id: l
    repeat:
      until: e
      at_most: 3
      steps:
        - {id: d, value: "${e}"}
        - {id: e, value: "${d}"}
  - id: w
    when: inputs.n > 1
    then:
      - {id: f, value: 1}
    else:
      - {id: g, value: 1}
  - {id: z, value: ["${b}", "${c}", "${w}"]}
output: 1
"""


def test_an_edge_leads_from_each_step_to_those_that_may_run_next() -> None:
    graph = ways_graph(read(ALL), truth)
    assert sorted(graph.edges) == [
        (START, "a"),
        ("a", "p"),
        ("b", "l"),
        ("c", "l"),
        ("d", "e"),
        ("e", "d"),
        ("e", "w"),
        ("f", "z"),
        ("g", "z"),
        ("l", "d"),
        ("p", "b"),
        ("p", "c"),
        ("w", "f"),
        ("w", "g"),
    ]
    assert loop_edges(graph) == [("e", "d")]


def test_without_the_edges_that_close_loops_there_is_no_circle() -> None:
    graph = ways_graph(read(ALL), truth)
    graph.remove_edges_from(loop_edges(graph))
    assert nx.is_directed_acyclic_graph(graph)


def test_data_goes_from_each_step_to_those_that_use_it() -> None:
    graph = data_graph(read(ALL))
    assert sorted(graph.edges) == [
        ("a", "b"),
        ("a", "c"),
        ("b", "z"),
        ("c", "z"),
        ("d", "e"),
        ("e", "d"),
        ("e", "l"),
        ("w", "z"),
    ]
    assert circle(graph, "d", "e") == ["d", "e"]
    assert circle(graph, "z", "a") == []


@pytest.mark.parametrize(
    ("condition", "dead"),
    [("inputs.n > 1", []), ("true", ["g"]), ("false", ["f"]), ("not false or inputs.n > 1", ["g"]), ("1 == 2", ["f"])],
)
def test_a_way_that_a_condition_never_opens_is_never_reached(condition: str, dead: list[str]) -> None:
    plan = read(ALL.replace("inputs.n > 1", f"'{condition}'"))
    assert [step.id for step in unreachable(plan, truth)] == dead


def test_a_loop_that_is_done_after_its_first_round_closes_no_circle() -> None:
    graph = ways_graph(read(ALL.replace("at_most: 3", "at_most: 1")), truth)
    assert nx.is_directed_acyclic_graph(graph)


@st.composite
def _playbooks(draw: st.DrawFn) -> str:
    """A playbook made of nested parallels, branches and loops, as flow YAML."""
    counter = iter(range(1000))

    def step(depth: int) -> str:
        ident = f"s{next(counter)}"
        kind = draw(st.sampled_from(["value", "parallel", "when", "repeat"] if depth else ["value"]))
        if kind == "value":
            return f"{{id: {ident}, value: 1}}"
        inner = ", ".join(step(depth - 1) for _ in range(draw(st.integers(1, 2))))
        if kind == "parallel":
            return f"{{id: {ident}, parallel: [{inner}]}}"
        if kind == "repeat":
            return f"{{id: {ident}, repeat: {{until: inputs.b, at_most: 2, steps: [{inner}]}}}}"
        other = f", else: [{step(depth - 1)}]" if draw(st.booleans()) else ""
        return f"{{id: {ident}, when: inputs.b, then: [{inner}]{other}}}"

    steps = ", ".join(step(3) for _ in range(draw(st.integers(1, 3))))
    return f"playbook: any\ninputs: {{b: {{type: boolean}}}}\nsteps: [{steps}]\noutput: 1\n"


@given(_playbooks())
def test_where_no_condition_is_fixed_every_step_is_reached_and_only_loops_go_round(text: str) -> None:
    plan = read(text)
    graph = ways_graph(plan, truth)
    assert set(graph) == {START, *(step.id for step in steps_of(plan.steps))}
    assert unreachable(plan, truth) == []
    graph.remove_edges_from(loop_edges(graph))
    assert nx.is_directed_acyclic_graph(graph)


def test_playbooks_are_read_after_all_that_they_call(tmp_path: Path) -> None:
    (tmp_path / "playbooks").mkdir()
    for name, called in {"a": "b c", "b": "d", "c": "d", "d": ""}.items():
        steps = [f"{{id: s{number}, playbook: {one}}}" for number, one in enumerate(called.split())]
        body = ", ".join(steps or ["{id: v, value: 1}"])
        text = f"playbook: {name}\nsteps: [{body}]\noutput: 1\n"
        (tmp_path / "playbooks" / f"{name}.yaml").write_text(text)
    book = Library([tmp_path]).open("a", tmp_path)
    order = [Path(file).stem for file in reading_order(book)]
    assert (order[0], order[-1], sorted(order)) == ("d", "a", ["a", "b", "c", "d"])
    assert len(calls_graph(book).edges) == 4
