"""Checks a plan against the agents, tools and playbooks that it names: names, order, types, ways.

`check` raises one `PlaybookError` that lists all problems of a playbook, each with line and column, or returns what
each playbook's output looks like. It makes no call and runs no agent's code beyond what importing it ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from agentops.kernel.suggest import nearest
from agentops.playbook import shapes
from agentops.playbook.catalog import Book, Catalog, Missing, find_agent
from agentops.playbook.conditions import objections, truth
from agentops.playbook.expressions import Condition, Ref, Template, references, render
from agentops.playbook.graph import playbook_runs, reading_order, unreachable
from agentops.playbook.inputs import default_problem
from agentops.playbook.plan import Branch, Call, Let, Loop, Parallel, Plan, Step, Tree, steps_of
from agentops.playbook.problems import Place, Problems
from agentops.playbook.results import Results
from agentops.playbook.scope import INPUTS, Blind, Scope, Sight
from agentops.playbook.shapes import (
    ANYTHING,
    Dead,
    Either,
    Exactly,
    Field,
    Items,
    Record,
    Scalar,
    Shape,
    Table,
    described,
)
from agentops.supervisor.stock import STOCK

__all__ = ["MAX_PLAYBOOKS", "check", "check_plan"]


MAX_PLAYBOOKS: Final = 50
"""The most playbooks that one run may be made of, each counted as often as it is called."""


def check(book: Book, catalog: Catalog) -> dict[str, Results]:
    """Check a playbook and all that it calls, innermost first; `PlaybookError` where one is wrong.

    Returns what is known of each playbook's results, by its file.
    """
    done: dict[str, Results] = {}
    order = reading_order(book)
    if (runs := playbook_runs(book, order)) > MAX_PLAYBOOKS:
        problems = book.plan.problems()
        hint = "Playbooks that call playbooks that call playbooks multiply: call fewer, or let one do more."
        problems.add(("steps",), f"a run would be made of {runs} playbooks, more than {MAX_PLAYBOOKS}", hint, key=True)
        problems.check()
    for file in order:
        plan = book.plans[file]
        called = {ident: target for (caller, ident), target in book.calls.items() if caller == file}
        outputs = {ident: done[target].tree(book.plans[target].output) for ident, target in called.items()}
        wanted = {ident: done[target].inputs for ident, target in called.items()}
        done[file] = check_plan(plan, catalog, outputs, wanted)
    return done


def check_plan(plan: Plan, catalog: Catalog, outputs: Mapping[str, Shape], wanted: Mapping[str, Record]) -> Results:
    """Check one playbook. ``outputs`` and ``wanted``: output and inputs of the playbooks it calls, by step id."""
    checker = _Checker(plan, Results(plan, catalog, outputs), wanted)
    checker.run()
    checker.problems.check()
    return checker.results


class _Checker:
    """One pass over the steps in the order in which they run."""

    def __init__(self, plan: Plan, results: Results, wanted: Mapping[str, Record]) -> None:
        self.plan = plan
        self.results = results
        self.wanted = wanted
        self.problems: Problems = plan.problems()
        self.sight = Sight(plan)
        self.circles: set[str] = set()
        self.blind: set[Place] = set()
        """Places of references that cannot be followed: nothing more is said of what stands there."""

    def run(self) -> None:
        self._declarations()
        scope = self._sequence(self.plan.steps, Scope())
        self._value(self.plan.output, ("output",), scope, "")
        for step in unreachable(self.plan, truth):
            what = f"step {step.id!r} can never run"
            self.problems.add((*step.place, "id"), what, "The condition before it is always true or always false.")

    def _declarations(self) -> None:
        for name, spec in self.plan.inputs.items():
            if why := default_problem(name, spec):
                self.problems.add(("inputs", name, "default"), why)
        for name, use in self.plan.agents.items():
            if use.uses not in self.results.catalog.agents:
                hint = nearest(use.uses, self.results.catalog.agents)
                self.problems.add(("agents", name, "uses"), f"there is no agent {use.uses!r}", hint)
        known = [*self.results.catalog.guardrails, *STOCK]
        for number, name in enumerate(self.plan.guardrails):
            if name not in known:
                self.problems.add(("guardrails", number), f"there is no guardrail {name!r}", nearest(name, known))
        taken = {step.target for step in steps_of(self.plan.steps) if isinstance(step, Call) and step.kind == "agent"}
        if self.plan.name in taken | set(self.plan.agents):
            what = f"the playbook has the name of its agent {self.plan.name!r}"
            self.problems.add(("playbook",), what, "The playbook itself appears as an agent in a run; rename one.")

    # --- steps ------------------------------------------------------------------------------------------------

    def _sequence(self, steps: Sequence[Step], scope: Scope) -> Scope:
        for step in steps:
            self._step(step, scope)
            scope = scope.after(step)
        return scope

    def _step(self, step: Step, scope: Scope) -> None:
        match step:
            case Call():
                self._call(step, scope)
            case Let():
                self._value(step.value, (*step.place, "value"), scope, step.id, depth=2)
            case Parallel():
                for inner in step.steps:
                    self._step(inner, scope)
            case Branch():
                self._condition(step.when, (*step.place, "when"), scope, step.id)
                self._sequence(step.then, scope)
                self._sequence(step.otherwise, scope)
            case Loop():
                after = self._sequence(step.steps, scope.inside(step))
                self._condition(step.until, (*step.place, "repeat", "until"), after, "")

    def _call(self, step: Call, scope: Scope) -> None:
        place = (*step.place, "input")
        self._value(step.input, place, scope, step.id)
        try:
            target, name = self._target(step)
        except Missing as error:
            self.problems.add((*step.place, error.key), error.what, error.hint)
            return
        if isinstance(step.input, Mapping):
            self._fields(step.input, target, name, place, scope)
        elif isinstance(step.input, Template) and step.input.whole and place not in self.blind:
            self._whole(step.input.whole, target, name, place, scope)

    def _target(self, step: Call) -> tuple[Record, str]:
        """What a call has to be given, and what to call that."""
        if step.kind == "tool":
            return Record(step.target, self.results.tool(step).arguments.kind), f"tool {step.target!r}"
        if step.kind == "playbook":
            wanted = replace(self.wanted.get(step.id, Record("")), name=step.target)
            return wanted, f"playbook {step.target!r}"
        find_agent(step.target, self.plan, self.results.catalog)
        kind = self.results.handler(step).accepts.kind
        return Record(kind.__name__, kind), f"{kind.__name__} (what agent {step.target!r} accepts)"

    def _whole(self, ref: Ref, target: Record, name: str, place: Place, scope: Scope) -> None:
        if ref.root in scope.before:
            what = f"in the first round there is no {ref.root!r} yet, and {name} cannot be left out"
            self.problems.add(place, what, "Give its fields one by one; one that has a default may be left out.")
        elif why := shapes.fits(self._shape(ref), target):
            self.problems.add(place, f"{render(ref)} does not fit {name}: {why}", "Give its fields one by one.")

    def _fields(self, given: Mapping[str, Tree], target: Record, name: str, place: Place, scope: Scope) -> None:
        """Check a mapping against the record that is to be made from it."""
        fields = target.fields()
        for key, tree in given.items():
            if key not in fields:
                self.problems.add((*place, key), f"{name} has no field {key!r}", nearest(key, fields), key=True)
            else:
                self._field(tree, fields[key], f"{target.name}.{key}", (*place, key), scope)
        missing = [key for key, each in fields.items() if each.required and key not in given]
        for key in missing:
            hint = f"Add '{key}: ...' ({described(fields[key].shape)})."
            self.problems.add(place, f"{name} needs the field {key!r}", hint)

    def _field(self, tree: Tree, field: Field, name: str, place: Place, scope: Scope) -> None:
        if field.required and isinstance(tree, Template) and tree.whole and tree.whole.root in scope.before:
            what = f"in the first round there is no {tree.whole.root!r} yet, and {name} has no default"
            hint = "Give the field a default in its message type; it is left out in the first round."
            self.problems.add(place, what, hint)
            return
        if place in self.blind:
            return
        record = _only_record(field.shape)
        if record and isinstance(tree, Mapping):
            self._fields(tree, record, record.name, place, scope)
        elif isinstance(tree, tuple) and (inner := _only_items(field.shape)):
            for number, item in enumerate(tree):
                self._field(item, Field(inner, required=True), name, (*place, number), scope)
        elif why := shapes.fits(self.results.tree(tree), field.shape):
            self.problems.add(place, f"{name} must be {described(field.shape)}: {why}", _type_hint(tree, field.shape))

    # --- expressions ------------------------------------------------------------------------------------------

    def _value(self, tree: Tree, place: Place, scope: Scope, user: str, depth: int = 0) -> None:
        """Check that the references in a value can be followed, and that texts hold only what can be text.

        ``depth``: 1 is where a field of a call stands, which may be left out; at others there must be a value.
        """
        match tree:
            case Template():
                for ref in references(tree):
                    if self._visible(ref, place, scope, user):
                        self._usable(ref, tree, place, scope, depth)
            case tuple():
                for number, item in enumerate(tree):
                    self._value(item, (*place, number), scope, user, depth + 1)
            case Mapping():
                for key, item in tree.items():
                    self._value(item, (*place, key), scope, user, depth + 1)
            case _:
                return

    def _usable(self, ref: Ref, template: Template, place: Place, scope: Scope, depth: int) -> None:
        if ref.root in scope.before and (template.whole is None or depth > 1):
            what = f"in the first round there is no {ref.root!r} yet"
            hint = f"Give a field of its own the whole value: '${{{render(ref)}}}'; it is left out in the first round."
            self.problems.add(place, what, hint, offset=ref.offset)
        if template.whole is None and not _can_be_text(self._shape(ref)):
            what = f"{render(ref)} is {described(self._shape(ref))} and cannot stand inside text"
            hint = "Text takes texts, numbers, true and false. A field may have the whole value, without text around."
            self.problems.add(place, what, hint, offset=ref.offset)

    def _condition(self, condition: Condition, place: Place, scope: Scope, user: str) -> None:
        visible = [self._visible(ref, place, scope, user) for ref in references(condition)]
        if not all(visible):
            return
        for each in objections(condition, lambda ref: self._nullable(ref, scope)):
            self.problems.add(place, each.what, each.hint, offset=each.offset)

    def _visible(self, ref: Ref, place: Place, scope: Scope, user: str) -> bool:
        blind = self.sight.look(ref, scope, user)
        if blind is None:
            found = self.results.ref(ref)
            if not isinstance(found, Dead):
                return True
            if ref.root == INPUTS and len(ref.path) == 1:
                blind = Blind(f"there is no input {str(ref.path[0])!r}", nearest(str(ref.path[0]), self.plan.inputs))
            else:
                blind = Blind(found.what, found.hint)
        self.blind.add(place)
        if not (blind.circle and blind.what in self.circles):
            self.problems.add(place, f"{render(ref)}: {blind.what}", blind.hint, offset=ref.offset)
        if blind.circle:
            self.circles.add(blind.what)
        return False

    def _shape(self, ref: Ref) -> Shape:
        found = self.results.ref(ref)
        return ANYTHING if isinstance(found, Dead) else found

    def _nullable(self, ref: Ref, scope: Scope) -> Shape:
        shape = self._shape(ref)
        return shapes.either(shape, shapes.NOTHING) if ref.root in scope.before else shape


def _only_record(shape: Shape) -> Record | None:
    """The record that a value must be, where only one comes into question."""
    ways = shape.shapes if isinstance(shape, Either) else (shape,)
    records = [each for each in ways if isinstance(each, Record)]
    tables = any(isinstance(each, Table) for each in ways)
    return records[0] if len(records) == 1 and not tables else None


def _only_items(shape: Shape) -> Shape | None:
    """What a list that is given for ``shape`` must hold, where that is known."""
    ways = shape.shapes if isinstance(shape, Either) else (shape,)
    lists = [each for each in ways if isinstance(each, Items)]
    return lists[0].item if len(lists) == 1 else None


def _can_be_text(shape: Shape) -> bool:
    ways = shape.shapes if isinstance(shape, Either) else (shape,)
    return any(isinstance(each, shapes.Anything | Exactly) or each in _TEXTUAL for each in ways)


_TEXTUAL: tuple[Scalar, ...] = (shapes.TEXT, shapes.INTEGER, shapes.NUMBER, shapes.BOOLEAN)


def _type_hint(tree: Any, wanted: Shape) -> str:
    if isinstance(tree, int | float) and not isinstance(tree, bool) and wanted == shapes.TEXT:
        return "Put it in quotes."
    if isinstance(tree, str) and wanted in {shapes.INTEGER, shapes.NUMBER, shapes.BOOLEAN}:
        return "Write it without quotes; yes, no, on, off and numbers with '_' are text here."
    return ""
