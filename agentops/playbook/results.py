"""The shape of each step's result, known from declarations alone: handlers, tools, and what steps are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from agentops.kernel.process import Handler
from agentops.kernel.suggest import nearest
from agentops.kernel.tool import Tool
from agentops.playbook.catalog import Catalog, Missing, find_agent, find_handler, inputs_record
from agentops.playbook.expressions import Ref, Template
from agentops.playbook.plan import Branch, Call, Let, Loop, Parallel, Plan, Step, Tree, steps_of
from agentops.playbook.scope import INPUTS
from agentops.playbook.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NOTHING,
    TEXT,
    Dead,
    Field,
    Items,
    Record,
    Shape,
    either,
    follow,
    literal,
    shape_of,
)

__all__ = ["Results"]

_DEEPEST: Final = 60
"""How far references to later steps are followed: they are errors, and said to be, elsewhere."""


class Results:
    """Shapes of results, worked out as they are asked for. ``outputs``: of other playbooks, by calling step's id."""

    def __init__(self, plan: Plan, catalog: Catalog, outputs: Mapping[str, Shape]) -> None:
        self.plan = plan
        self.catalog = catalog
        self.outputs = outputs
        self.inputs = inputs_record(plan)
        self._steps = {step.id: step for step in steps_of(plan.steps)}
        self._known: dict[str, Shape] = {}
        self._depth = 0
        for ident in self._steps:  # in their order, so that each finds what it uses already known
            self.of(ident)

    def of(self, ident: str) -> Shape:
        """What ``${ident}`` looks like; `ANYTHING` where the step itself is wrong."""
        if ident == INPUTS:
            return self.inputs
        if ident in self._known or ident not in self._steps:
            return self._known.get(ident, ANYTHING)
        if self._depth > _DEEPEST:
            return ANYTHING
        self._known[ident] = ANYTHING  # while it is worked out: a circle is reported elsewhere
        self._depth += 1
        self._known[ident] = self._result(self._steps[ident])
        self._depth -= 1
        return self._known[ident]

    def ref(self, ref: Ref) -> Shape | Dead:
        """What a reference leads to."""
        return follow(self.of(ref.root), ref.path)

    def tree(self, tree: Tree) -> Shape:
        """What a value written in the playbook looks like."""
        match tree:
            case Template():
                found = self.ref(tree.whole) if tree.whole else TEXT
                return ANYTHING if isinstance(found, Dead) else found
            case tuple():
                return Items(either(*map(self.tree, tree)))
            case Mapping():
                fields = tuple((name, Field(self.tree(item), required=True)) for name, item in tree.items())
                return Record("mapping", own=fields)
            case _:
                return literal(tree)

    def handler(self, step: Call) -> Handler:
        """The handler that an agent's step asks; raises `Missing`."""
        return find_handler(step, find_agent(step.target, self.plan, self.catalog), self.tree(step.input))

    def tool(self, step: Call) -> Tool[..., Any]:
        """The tool that a step calls; raises `Missing`."""
        if step.target in self.catalog.tools:
            return self.catalog.tools[step.target]
        raise Missing(f"there is no tool {step.target!r}", nearest(step.target, self.catalog.tools), "tool")

    def _result(self, step: Step) -> Shape:
        match step:
            case Call():
                return self._call(step)
            case Let():
                return self.tree(step.value)
            case Parallel():
                fields = ((each.id, Field(self.of(each.id), required=True)) for each in step.steps)
                return Record(step.id, own=tuple(fields))
            case Branch():
                return either(self._last(step.then), self._last(step.otherwise))
            case Loop():
                own = (("rounds", Field(INTEGER, required=True)), ("accepted", Field(BOOLEAN, required=True)))
                return Record("repeat", own=own)

    def _last(self, steps: Sequence[Step]) -> Shape:
        return self.of(steps[-1].id) if steps else NOTHING

    def _call(self, step: Call) -> Shape:
        try:
            match step.kind:
                case "agent":
                    return shape_of(self.handler(step).returns.kind)
                case "tool":
                    return shape_of(self.tool(step).returns.kind)
                case _:
                    return self.outputs.get(step.id, ANYTHING)
        except Missing:
            return ANYTHING
