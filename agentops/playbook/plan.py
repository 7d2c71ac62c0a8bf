"""A playbook as it is checked and run: its steps with their expressions parsed, each at its place in the file.

`plan_of` turns a parsed YAML file into a `Plan` or raises `PlaybookError` with all that is wrong with its shape and
its expressions. A plan is immutable and knows nothing of agents and tools; whether it fits them is checked by
`agentops.playbook.check`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pydantic import ValidationError

from agentops.errors import PolicyError
from agentops.playbook.expressions import Condition, ExpressionError, Ref, Template, Value, references
from agentops.playbook.parser import parse_condition, parse_template
from agentops.playbook.problems import Place, Problems, Source
from agentops.playbook.schema import (
    MAX_NESTED_ROUNDS,
    MAX_STEPS,
    AgentStep,
    AgentUse,
    BranchStep,
    InputSpec,
    ParallelStep,
    PlaybookModel,
    PlaybookStep,
    RepeatStep,
    ToolStep,
    ValueStep,
)
from agentops.playbook.schema import Step as StepModel
from agentops.playbook.shape_errors import shape_problems
from agentops.playbook.yaml_source import YamlSource
from agentops.supervisor.limits import Limits, parse_limits

__all__ = [
    "Agency",
    "Branch",
    "Call",
    "Let",
    "Loop",
    "Parallel",
    "Plan",
    "Step",
    "Tree",
    "children",
    "plan_of",
    "steps_of",
    "tree_refs",
]

Tree: TypeAlias = "Template | str | int | float | bool | tuple[Tree, ...] | Mapping[str, Tree] | None"
"""A JSON value in which texts may be templates; lists are tuples."""


@dataclass(frozen=True, slots=True)
class Call:
    """A step that asks an agent, calls a tool or runs another playbook."""

    id: str
    place: Place
    kind: str
    """``agent``, ``tool`` or ``playbook``."""
    target: str
    input: Tree
    """A mapping of fields; of an agent's call also one reference."""
    message: str = ""
    """Of an agent's call: the name of the message type; empty: the one that fits."""
    budget: Limits = field(default_factory=Limits)
    """Of a playbook's call: what it may use here, within its own budget."""


@dataclass(frozen=True, slots=True)
class Let:
    """A value made out of others."""

    id: str
    place: Place
    value: Tree


@dataclass(frozen=True, slots=True)
class Parallel:
    """Steps that run side by side."""

    id: str
    place: Place
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """One of two ways; ``otherwise`` may be empty."""

    id: str
    place: Place
    when: Condition
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """Steps that run until a condition holds, at most so often."""

    id: str
    place: Place
    until: Condition
    at_most: int
    steps: tuple[Step, ...]


Step: TypeAlias = Call | Let | Parallel | Branch | Loop


@dataclass(frozen=True, slots=True)
class Agency:
    """An agent under a name of the playbook's own; empty texts: as its class says."""

    uses: str
    instructions: str = ""
    model: str = ""
    budget: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Plan:
    """A playbook whose shape and expressions are right."""

    name: str
    description: str
    inputs: Mapping[str, InputSpec]
    agents: Mapping[str, Agency]
    budget: Limits
    policy: Mapping[str, Any] | None
    guardrails: tuple[str, ...]
    unknown_price: Literal["refuse", "allow"]
    steps: tuple[Step, ...]
    output: Tree
    model: str
    source: Source

    def problems(self) -> Problems:
        """An empty collection of problems with this playbook."""
        return Problems(self.source)


def children(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside a step: none of a call, one of ``parallel`` and ``repeat``, two of a branch."""
    match step:
        case Call() | Let():
            return ()
        case Branch():
            return (step.then, step.otherwise)
        case Parallel() | Loop():
            return (step.steps,)


def steps_of(steps: tuple[Step, ...]) -> Iterator[Step]:
    """All steps, with those inside them, in the order of the file."""
    for step in steps:
        yield step
        for inner in children(step):
            yield from steps_of(inner)


def tree_refs(tree: Tree) -> Iterator[Ref]:
    """Every reference in a tree."""
    match tree:
        case Template():
            yield from references(tree)
        case tuple():
            for item in tree:
                yield from tree_refs(item)
        case Mapping():
            for item in tree.values():
                yield from tree_refs(item)
        case _:
            return


def plan_of(source: YamlSource) -> Plan:
    """The plan of a parsed file; raises `PlaybookError` naming every problem with its line and column."""
    problems = Problems(source)
    try:
        model = PlaybookModel.model_validate(source.data)
    except ValidationError as error:
        shape_problems(error, source, problems)
        problems.check()
        raise  # unreachable: a validation error always is a problem
    made = _Builder(source, problems).plan(model)
    if (count := sum(1 for _ in steps_of(made.steps))) > MAX_STEPS:
        hint = "Split it: a step can call another playbook."
        problems.add(("steps",), f"{count} steps, more than {MAX_STEPS}", hint, key=True)
    problems.check()
    return made


class _Builder:
    """Parses expressions, notes problems with them, and checks that ids differ."""

    def __init__(self, source: YamlSource, problems: Problems) -> None:
        self.source = source
        self.problems = problems
        self.ids: dict[str, Place] = {}
        self.rounds = 1
        """How often the steps at hand may run, by the loops around them."""

    def plan(self, model: PlaybookModel) -> Plan:
        return Plan(
            name=model.playbook,
            description=model.description,
            inputs=model.inputs,
            agents={name: self._agency(use, ("agents", name)) for name, use in model.agents.items()},
            budget=self._limits(model.budget, ("budget",)),
            policy=model.policy,
            guardrails=tuple(model.guardrails),
            unknown_price=model.unknown_price,
            steps=self._steps(model.steps, ("steps",)),
            output=self._tree(model.output, ("output",)),
            model=model.model or "",
            source=self.source,
        )

    def _steps(self, models: list[StepModel], place: Place) -> tuple[Step, ...]:
        return tuple(self._step(model, (*place, number)) for number, model in enumerate(models))

    def _step(self, model: StepModel, place: Place) -> Step:
        self._new_id(model.id, place)
        match model:
            case AgentStep():
                tree = self._tree(model.input, (*place, "input"))
                if isinstance(tree, str) or (isinstance(tree, Template) and tree.whole is None):
                    what = "an agent's input is a mapping of fields, or one reference"
                    self.problems.add((*place, "input"), what, "Write the field's name before it: 'text: ...'.")
                return Call(model.id, place, "agent", model.agent, tree, message=model.message or "")
            case ToolStep():
                return Call(model.id, place, "tool", model.tool, self._tree(model.input, (*place, "input")))
            case PlaybookStep():
                tree = self._tree(model.input, (*place, "input"))
                limits = self._limits(model.budget, (*place, "budget"))
                return Call(model.id, place, "playbook", model.playbook, tree, budget=limits)
            case ValueStep():
                return Let(model.id, place, self._tree(model.value, (*place, "value")))
            case ParallelStep():
                return Parallel(model.id, place, self._steps(model.parallel, (*place, "parallel")))
            case BranchStep():
                return Branch(
                    model.id,
                    place,
                    self._condition(model.when, (*place, "when")),
                    self._steps(model.then, (*place, "then")),
                    self._steps(model.otherwise, (*place, "else")),
                )
            case RepeatStep():
                return self._loop(model, (*place, "repeat"))

    def _loop(self, model: RepeatStep, inside: Place) -> Loop:
        outer = self.rounds
        self.rounds *= model.repeat.at_most
        if self.rounds > MAX_NESTED_ROUNDS >= outer:
            what = f"with the loops around it, this one makes {self.rounds} rounds, more than {MAX_NESTED_ROUNDS}"
            self.problems.add((*inside, "at_most"), what, "Lower 'at_most', here or around it.")
        until = self._condition(model.repeat.until, (*inside, "until"))
        steps = self._steps(model.repeat.steps, (*inside, "steps"))
        self.rounds = outer
        return Loop(model.id, inside[:-1], until, model.repeat.at_most, steps)

    def _agency(self, use: AgentUse, place: Place) -> Agency:
        limits = self._limits(use.budget, (*place, "budget"))
        return Agency(use.uses, use.instructions or "", use.model or "", limits)

    def _limits(self, said: Mapping[str, Any], place: Place) -> Limits:
        limits = Limits()
        for name, value in said.items():
            try:
                limits = limits.updated(parse_limits({name: value}))
            except PolicyError as error:
                unknown = name not in limits.__struct_fields__
                self.problems.add((*place, name), error.what.removeprefix("budget: "), error.hint, key=unknown)
        return limits

    def _new_id(self, ident: str, place: Place) -> None:
        here = (*place, "id")
        if ident in self.ids:
            line = self.source.mark(self.ids[ident]).line
            self.problems.add(here, f"two steps have the id {ident!r}", f"The other is at line {line}; rename one.")
        else:
            self.ids[ident] = here

    def _condition(self, text: str, place: Place) -> Condition:
        try:
            return parse_condition(text)
        except ExpressionError as error:
            self._note(error, place)
            return Value(value=True)

    def _tree(self, value: Any, place: Place) -> Tree:
        match value:
            case str():
                return self._text(value, place)
            case list():
                return tuple(self._tree(item, (*place, number)) for number, item in enumerate(value))
            case dict():
                return {key: self._tree(item, (*place, key)) for key, item in value.items()}
            case None | bool() | int() | float():
                return value
            case _:
                what = f"{type(value).__name__} is nothing that YAML holds"
                self.problems.add(place, what)
                return None

    def _text(self, text: str, place: Place) -> Template | str:
        if "${" not in text:
            return text
        try:
            template = parse_template(text)
        except ExpressionError as error:
            self._note(error, place)
            return ""
        parts = template.parts
        return template if any(isinstance(part, Ref) for part in parts) else "".join(map(str, parts))

    def _note(self, error: ExpressionError, place: Place) -> None:
        self.problems.add(place, error.what, error.hint, offset=error.offset)
