"""Playbooks as graphs: which steps can be reached, where data goes in a circle, which playbooks call each other.

The only module that imports networkx.

Three graphs. *Ways*: an edge from each step to those that may run next, ``when`` conditions that are always true or
false leaving only one of them; what cannot be reached from the start never runs. *Data*: an edge from each step to
those that use its result. *Calls*: an edge from each playbook to those that it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import networkx as nx

from agentops.playbook.catalog import Book
from agentops.playbook.expressions import Condition, references
from agentops.playbook.plan import Branch, Call, Let, Loop, Parallel, Plan, Step, children, steps_of, tree_refs
from agentops.playbook.problems import Problems

__all__ = [
    "START",
    "calls_graph",
    "circle",
    "data_graph",
    "loop_edges",
    "playbook_runs",
    "reading_order",
    "unreachable",
    "ways_graph",
]

START = ""
"""The node before the first step."""

Truth = Callable[[Condition], bool | None]
"""What is known before a run of a condition: always true, always false, or neither."""

Graph = nx.DiGraph


def ways_graph(plan: Plan, truth: Truth) -> Graph[str]:
    """The ways through a playbook, from `START`. The edges that close loops have ``again=True``."""
    graph: Graph[str] = nx.DiGraph()
    graph.add_node(START)
    graph.add_nodes_from(step.id for step in steps_of(plan.steps))
    _sequence(graph, plan.steps, [START], truth)
    return graph


def _sequence(graph: Graph[str], steps: Sequence[Step], entries: list[str], truth: Truth) -> list[str]:
    """Add steps that run one after another; the nodes at which they end."""
    for step in steps:
        graph.add_edges_from((entry, step.id) for entry in entries)
        entries = _exits(graph, step, truth) if entries else _exits_of_the_dead(graph, step, truth)
    return entries


def _exits_of_the_dead(graph: Graph[str], step: Step, truth: Truth) -> list[str]:
    _exits(graph, step, truth)
    return []


def _exits(graph: Graph[str], step: Step, truth: Truth) -> list[str]:
    match step:
        case Call() | Let():
            return [step.id]
        case Parallel():
            arms = [_sequence(graph, [inner], [step.id], truth) for inner in step.steps]
            return [end for arm in arms for end in arm] if all(arms) else []
        case Branch():
            known = truth(step.when)
            then = _sequence(graph, step.then, [] if known is False else [step.id], truth)
            if not step.otherwise:
                return then if known is True else [*then, step.id]
            return then + _sequence(graph, step.otherwise, [] if known is True else [step.id], truth)
        case Loop():
            ends = _sequence(graph, step.steps, [step.id], truth)
            if truth(step.until) is not True and step.at_most > 1:
                graph.add_edges_from(((end, step.steps[0].id) for end in ends), again=True)
            return ends


def loop_edges(graph: Graph[str]) -> list[tuple[str, str]]:
    """The edges of a graph of ways that lead from a loop's end back to its start."""
    return [(one, other) for one, other, data in graph.edges(data=True) if data.get("again")]


def unreachable(plan: Plan, truth: Truth) -> list[Step]:
    """Steps that can never run; of those inside or behind each other, the first."""
    graph = ways_graph(plan, truth)
    reached = nx.descendants(graph, START)
    return list(_first_dead(plan.steps, reached))


def _first_dead(steps: Iterable[Step], reached: set[str]) -> Iterable[Step]:
    for step in steps:
        if step.id not in reached:
            yield step
            return
        for inner in children(step):
            yield from _first_dead(inner, reached)


def data_graph(plan: Plan) -> Graph[str]:
    """An edge from each step to each step that uses its result, nested steps and conditions included."""
    graph: Graph[str] = nx.DiGraph()
    graph.add_nodes_from(step.id for step in steps_of(plan.steps))
    for step in steps_of(plan.steps):
        graph.add_edges_from((ref, step.id) for ref in _used(step) if ref in graph)
    return graph


def _used(step: Step) -> list[str]:
    match step:
        case Call():
            return [ref.root for ref in tree_refs(step.input)]
        case Let():
            return [ref.root for ref in tree_refs(step.value)]
        case Branch():
            return [ref.root for ref in references(step.when)]
        case Loop():
            return [ref.root for ref in references(step.until)]
        case Parallel():
            return []


def circle(graph: Graph[str], user: str, used: str) -> list[str]:
    """The shortest way by which ``used`` in its turn depends on ``user``, both included; empty where it does not."""
    if user not in graph or used not in graph or not nx.has_path(graph, user, used):
        return []
    return list(nx.shortest_path(graph, user, used))


def calls_graph(book: Book) -> Graph[str]:
    """An edge from each playbook's file to each that it runs."""
    graph: Graph[str] = nx.DiGraph()
    graph.add_nodes_from(book.plans)
    graph.add_edges_from((caller, called) for (caller, _), called in book.calls.items())
    return graph


def playbook_runs(book: Book, order: Sequence[str]) -> int:
    """How many playbooks a run is made of, each counted as often as it is called; ``order``: see `reading_order`."""
    counts: dict[str, int] = {}
    for file in order:
        called = [target for (caller, _), target in book.calls.items() if caller == file]
        counts[file] = 1 + sum(counts[target] for target in called)
    return counts[book.root]


def reading_order(book: Book) -> list[str]:
    """The files of a book, each after all that it calls. Playbooks that call each other in a circle: an error."""
    graph = calls_graph(book)
    try:
        circle_found = [edge[0] for edge in nx.find_cycle(graph, book.root)]
    except nx.NetworkXNoCycle:
        return list(reversed(list(nx.topological_sort(graph))))
    plan = book.plans[circle_found[0]]
    following = circle_found[1] if len(circle_found) > 1 else circle_found[0]
    step = next(ident for (file, ident), called in book.calls.items() if (file, called) == (circle_found[0], following))
    place = next(each.place for each in steps_of(plan.steps) if each.id == step)
    problems = Problems(plan.source)
    names = " -> ".join(book.plans[file].name for file in [*circle_found, circle_found[0]])
    hint = "A playbook may not end up running itself; repeat steps with 'repeat'."
    problems.add((*place, "playbook"), f"playbooks call each other in a circle: {names}", hint)
    problems.check()
    return []
