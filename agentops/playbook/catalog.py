"""What a playbook may name: agents, tools, and other playbooks; and the messages that its steps send them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agentops.kernel.agent import Agent
from agentops.kernel.process import Handler
from agentops.kernel.suggest import nearest
from agentops.kernel.tool import Tool
from agentops.playbook.expressions import Template
from agentops.playbook.plan import Call, Plan
from agentops.playbook.problems import listing
from agentops.playbook.schema import InputSpec
from agentops.playbook.shapes import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NOTHING,
    NUMBER,
    TEXT,
    Exactly,
    Field,
    Record,
    Shape,
    either,
)
from agentops.supervisor.guardrails import Guardrail

__all__ = ["Book", "Catalog", "Missing", "find_handler", "input_shape", "inputs_record"]


@dataclass(frozen=True)
class Catalog:
    """Agents, tools and guardrails by name."""

    agents: Mapping[str, type[Agent]] = field(default_factory=dict)
    tools: Mapping[str, Tool[..., Any]] = field(default_factory=dict)
    guardrails: Mapping[str, Guardrail] = field(default_factory=dict)
    """The workspace's own, beside the stock ones."""


@dataclass(frozen=True)
class Book:
    """A playbook with all that it calls, directly or through others. Plans go by the file that they stand in."""

    root: str
    plans: Mapping[str, Plan]
    calls: Mapping[tuple[str, str], str]
    """``(file, step id) -> file`` for each step that runs another playbook."""

    @property
    def plan(self) -> Plan:
        """The playbook that was asked for."""
        return self.plans[self.root]


class Missing(LookupError):
    """Nothing goes by that name, or nothing unambiguous; ``key`` is the key of the step that is to blame."""

    def __init__(self, what: str, hint: str, key: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.key = key


def find_agent(name: str, plan: Plan, catalog: Catalog) -> type[Agent]:
    """The class behind a step's ``agent``: by the playbook's own names first, then by the workspace's."""
    own = plan.agents.get(name)
    wanted = own.uses if own else name
    if wanted in catalog.agents:
        return catalog.agents[wanted]
    raise Missing(f"there is no agent {wanted!r}", nearest(wanted, [*plan.agents, *catalog.agents]), "agent")


def find_handler(step: Call, agent: type[Agent], given: Shape) -> Handler:
    """The handler that a step's message goes to; ``given`` is what its input looks like."""
    handlers = {kind.__name__: handler for kind, handler in agent.handlers().items()}
    if step.message:
        if step.message in handlers:
            return handlers[step.message]
        what = f"agent {step.target!r} does not handle {step.message!r}"
        raise Missing(what, nearest(step.message, handlers), "message")
    if not handlers:
        what = f"agent {step.target!r} handles no message"
        raise Missing(what, "Give its class a method marked @handles, or 'accepts' and 'returns'.", "agent")
    if len(handlers) == 1:
        return next(iter(handlers.values()))
    fitting = [handler for kind, handler in agent.handlers().items() if _suits(step, kind, given)]
    if len(fitting) == 1:
        return fitting[0]
    what = f"agent {step.target!r} handles {listing(handlers)}, and this input fits {len(fitting) or 'none'} of them"
    raise Missing(what, "Say which one is meant with 'message: ...'.", "agent")


def _suits(step: Call, kind: type, given: Shape) -> bool:
    """Whether an input could be this message, judged by the names of its fields."""
    record = Record(kind.__name__, kind)
    if isinstance(step.input, Template):
        return given == record
    names = set(step.input) if isinstance(step.input, Mapping) else set()
    fields = record.fields()
    return names <= set(fields) and all(name in names for name, each in fields.items() if each.required)


_INPUT_SHAPES: Mapping[str, Shape] = {
    "text": TEXT,
    "folder": TEXT,
    "file": TEXT,
    "number": NUMBER,
    "integer": INTEGER,
    "boolean": BOOLEAN,
}


def input_shape(spec: InputSpec) -> Shape:
    """What an input's value looks like."""
    shape = Exactly(tuple(spec.choices)) if spec.type == "choice" else _INPUT_SHAPES.get(spec.type, ANYTHING)
    optional = not spec.required and spec.default is None
    return either(shape, NOTHING) if optional else shape


def inputs_record(plan: Plan) -> Record:
    """What ``inputs`` looks like inside a playbook, and what a step that runs it has to give."""
    fields = tuple((name, Field(input_shape(spec), spec.required)) for name, spec in plan.inputs.items())
    return Record("inputs", own=fields)
