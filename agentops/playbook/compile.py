"""From a checked playbook to what a run is built from: agents, the first message, limits, rules.

A playbook called by a step becomes part of the same run: its conductor and its agents get the step's id and a dot
before their names (``compare.retriever``), its budget becomes one inside the caller's, and its permissions hold for
its own agents. The caller's rules hold for the whole run, so what it forbids is forbidden to them too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentops.errors import InvalidInput
from agentops.kernel.agent import AgentSpec
from agentops.kernel.tool import Tool
from agentops.playbook.catalog import Book, Catalog, find_agent
from agentops.playbook.check import check
from agentops.playbook.conductor import conductor_of
from agentops.playbook.expressions import Template
from agentops.playbook.inputs import resolve_inputs, resolve_one
from agentops.playbook.plan import Call, Plan, steps_of
from agentops.playbook.policies import join_policies
from agentops.playbook.program import AskAgent, Bound, CallTool, PlaybookInputs, Program, RunPlaybook
from agentops.playbook.results import Results
from agentops.playbook.schema import InputSpec
from agentops.playbook.shapes import Record
from agentops.supervisor.config import Config
from agentops.supervisor.guardrails import Guardrail
from agentops.supervisor.limits import Limits

__all__ = ["Compiled", "compile_book"]


@dataclass(frozen=True)
class Compiled:
    """What a run of a playbook is built from. The first agent is the conductor, which bears the playbook's name."""

    plan: Plan
    agents: tuple[AgentSpec, ...]
    tools: Mapping[str, Tool[..., Any]]
    """The tools that its steps call and its agents name."""
    config: Config
    """What its supervisor is made of, as the playbook says; prices are for the caller to add."""
    guardrails: tuple[Guardrail, ...]
    """The workspace's own guardrails that ``config`` names; the stock ones the supervisor knows."""
    returns: type | None
    """The class of the output, where it is the answer of one agent; None: plain JSON."""
    defaults: tuple[tuple[str, str, InputSpec], ...]
    """Inputs of called playbooks that are left to their defaults: playbook, name, declaration."""
    digest: str
    """SHA-256 of the text of the playbook and of all that it calls."""

    @property
    def name(self) -> str:
        """The playbook's name, and that of the root agent."""
        return self.plan.name

    def message(self, given: Mapping[str, Any], *, base: Path, workspace: Path) -> PlaybookInputs:
        """The message that starts a run; raises `InvalidInput`, see `agentops.playbook.inputs.resolve_inputs`."""
        for playbook, name, spec in self.defaults:
            try:
                resolve_one(name, spec, spec.default, workspace)
            except InvalidInput as error:
                raise InvalidInput(f"playbook {playbook!r}: {error.what}", hint=error.hint, **error.facts) from error
        return PlaybookInputs(values=resolve_inputs(self.plan, given, base=base, workspace=workspace))


def compile_book(book: Book, catalog: Catalog) -> Compiled:
    """Check a playbook with all that it calls, and compile it. Raises `PlaybookError` or `PolicyError`."""
    results = check(book, catalog)
    build = _Build(book, catalog, results)
    build.playbook(book.root, prefix="", parent="", limits=Limits())
    names = tuple(dict.fromkeys(name for plan in build.plans for name in plan.guardrails))
    config = Config(
        limits=book.plan.budget,
        agents=build.agent_limits,
        nested=build.nested_limits,
        policy=join_policies(book, [spec.name for spec in build.agents], catalog, build.tools),
        unknown_price=book.plan.unknown_price,
        guardrails=names,
    )
    return Compiled(
        plan=book.plan,
        agents=tuple(build.agents),
        tools=build.tools,
        config=config,
        guardrails=tuple(catalog.guardrails[name] for name in names if name in catalog.guardrails),
        returns=_output_class(book.plan, results[book.root]),
        defaults=tuple(build.defaults),
        digest=_digest(book),
    )


def _output_class(plan: Plan, results: Results) -> type | None:
    if not (isinstance(plan.output, Template) and plan.output.whole):
        return None
    shape = results.tree(plan.output)
    return shape.cls if isinstance(shape, Record) else None


def _digest(book: Book) -> str:
    """Of the texts alone: the same playbooks elsewhere have the same digest."""
    texts = sorted(getattr(plan.source, "text", "") for plan in book.plans.values())
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


class _Build:
    """Collects what a run needs, playbook by playbook, the calling one before the called."""

    def __init__(self, book: Book, catalog: Catalog, results: Mapping[str, Results]) -> None:
        self.book = book
        self.catalog = catalog
        self.results = results
        self.plans: list[Plan] = []
        self.agents: list[AgentSpec] = []
        self.tools: dict[str, Tool[..., Any]] = {}
        self.agent_limits: dict[str, Limits] = {}
        self.nested_limits: dict[str, Limits] = {}
        self.defaults: list[tuple[str, str, InputSpec]] = []

    def playbook(self, file: str, *, prefix: str, parent: str, limits: Limits) -> str:
        """Add one playbook under a prefix; the name of its conductor.

        ``parent``: who supervises its conductor; ``limits``: what the calling step adds to its own.
        """
        plan = self.book.plans[file]
        self.plans.append(plan)
        name = prefix + plan.name
        calls: dict[str, Bound] = {}
        conductor = conductor_of(Program(plan, calls))
        self.agents.append(AgentSpec(conductor, name, plan.description, plan.model if prefix else "", parent))
        self._own_agents(file, prefix, name)
        if prefix:
            self.nested_limits[prefix] = plan.budget.tightened(limits)
        for step in steps_of(plan.steps):
            if isinstance(step, Call):
                calls[step.id] = self._bound(step, file, prefix, name)
        return name

    def _own_agents(self, file: str, prefix: str, conductor: str) -> None:
        """Add the agents of one playbook: those it declares, then those its steps name."""
        plan = self.book.plans[file]
        named = [step.target for step in steps_of(plan.steps) if isinstance(step, Call) and step.kind == "agent"]
        for local in dict.fromkeys([*plan.agents, *named]):
            agent = find_agent(local, plan, self.catalog)
            said = plan.agents.get(local)
            model = (said.model if said else "") or agent.uses_model or (plan.model if prefix else "")
            instructions = said.instructions if said else ""
            spec = agent.spec(name=prefix + local, instructions=instructions, model=model, parent=conductor)
            self.agents.append(spec)
            self.tools.update((tool.name, tool) for tool in agent.tools)
            if said and said.budget != Limits():
                self.agent_limits[prefix + local] = said.budget

    def _bound(self, step: Call, file: str, prefix: str, conductor: str) -> Bound:
        if step.kind == "agent":
            return AskAgent(prefix + step.target, self.results[file].handler(step).accepts)
        if step.kind == "tool":
            tool = self.tools[step.target] = self.results[file].tool(step)
            return CallTool(tool)
        called = self.book.calls[file, step.id]
        inside = f"{prefix}{step.id}."
        name = self.playbook(called, prefix=inside, parent=conductor, limits=step.budget)
        plan = self.book.plans[called]
        return RunPlaybook(name, plan, self._defaults(plan, step.input if isinstance(step.input, Mapping) else ()))

    def _defaults(self, plan: Plan, given: Collection[str]) -> dict[str, Any]:
        """The defaults of a called playbook's inputs, as they are written: a relative path counts from the workspace.

        Where that is on this machine stays out of the run, so that a replay elsewhere does the same.
        """
        specs = {name: spec for name, spec in plan.inputs.items() if not spec.required and name not in given}
        self.defaults.extend((plan.name, name, spec) for name, spec in specs.items())
        return {name: spec.default for name, spec in specs.items()}
