"""One policy for a run out of those of its playbook and of the playbooks that it calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agentops.kernel.tool import Tool
from agentops.playbook.catalog import Book, Catalog
from agentops.playbook.plan import Call, Plan, steps_of
from agentops.playbook.policy_file import locator
from agentops.supervisor.policy import Policy
from agentops.supervisor.policy_form import VERDICTS, PolicyForm, RuleForm
from agentops.supervisor.policy_reading import read_form

__all__ = ["join_policies"]


def join_policies(
    book: Book, names: Sequence[str], catalog: Catalog, tools: Mapping[str, Tool[..., Any]]
) -> dict[str, Any]:
    """The policy of a run, as a plain mapping. Raises `PolicyError` that names file, line and column of every fault.

    A called playbook's rules are narrowed to its own agents. ``models`` is one list for the whole run: the caller's,
    which must not hold what a called playbook's list lacks.
    """
    known = [tool.declaration for tool in {**catalog.tools, **tools}.values()]
    joined: dict[str, list[dict[str, Any]]] = {verdict: [] for verdict in VERDICTS}
    models: list[str] | None = None
    for plan, prefix in _playbooks(book, book.root, ""):
        form = _read(plan, prefix, names, known)
        if not prefix:
            models = form.models
        elif form.models is not None and (models is None or not set(models) <= set(form.models)):
            problems = plan.problems()
            what = f"playbook {plan.name!r}, called here as part of {book.plan.name!r}, allows only the models it lists"
            hint = f"A run has one list of models: give {book.plan.name!r} one, without models that this one lacks."
            problems.add(("policy", "models"), what, hint)
            problems.check()
        for verdict in VERDICTS:
            joined[verdict].extend(_narrowed(rule, prefix) for rule in getattr(form, verdict))
    made: dict[str, Any] = {verdict: rules for verdict, rules in joined.items() if rules}
    if models is not None:
        made["models"] = models
    Policy.from_mapping(made)  # two rules with one name, if prefixes did not tell them apart
    return made


def _playbooks(book: Book, file: str, prefix: str) -> list[tuple[Plan, str]]:
    """Every playbook of a run with the prefix of its agents, as often as it is called."""
    found = [(book.plans[file], prefix)]
    for step in steps_of(book.plans[file].steps):
        if isinstance(step, Call) and step.kind == "playbook":
            found += _playbooks(book, book.calls[file, step.id], f"{prefix}{step.id}.")
    return found


def _read(plan: Plan, prefix: str, names: Sequence[str], known: Sequence[Any]) -> PolicyForm:
    own = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
    spawned = [f"{name}-1" for name in own]  # what agents that a handler brings into being are called
    return read_form(
        plan.policy or {}, tools=known, agents=[*own, *spawned], locate=locator(plan.source, "policy"), reachable=True
    )


def _narrowed(rule: RuleForm, prefix: str) -> dict[str, Any]:
    """A rule as a mapping; of a called playbook, for its own agents only."""
    said = rule.model_dump(mode="json", exclude_defaults=True)
    if prefix:
        said["agents"] = [prefix + name for name in rule.agents or ["*"]]
        if rule.id is not None:
            said["id"] = prefix + rule.id
    return said
