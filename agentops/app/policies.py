"""Policies by name: files of their own (``policies/NAME.yaml`` in a workspace), or those inside playbooks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agentops.app.app import App
from agentops.app.workspace import roots
from agentops.errors import InvalidInput
from agentops.kernel.gate import ToolDeclaration
from agentops.kernel.suggest import nearest
from agentops.playbook.loader import is_path
from agentops.playbook.policy_file import locator, policy_of, read_policy_yaml
from agentops.supervisor.policy import Policy
from agentops.supervisor.policy_form import CaseForm, PolicyForm
from agentops.supervisor.policy_reading import Locate

__all__ = ["OpenedPolicy", "open_policy"]

_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True)
class OpenedPolicy:
    """A policy that is in order, with the tests that stand inside it."""

    file: str
    policy: Policy
    cases: tuple[CaseForm, ...]
    tools: dict[str, ToolDeclaration]
    """What is known to go by which name, for the defaults of arguments."""
    locate: Locate


def open_policy(app: App, name: str, base: Path) -> OpenedPolicy:
    """A policy by name or path: a file of its own, or a playbook. By name, ``policies/`` is looked into first.

    Of a playbook it is the policy that a run would have: joined with those of the playbooks that it calls. Relative
    paths count from ``base``. Raises `PolicyError`, `PlaybookError` or `InvalidInput`.
    """
    path = _find(app, name, base)
    if path is not None:
        source = read_policy_yaml(path, shown=_shown(path, base))
        if "playbook" not in source.data:
            tools = {tool.name: tool.declaration for tool in app.catalog.tools.values()}
            read = policy_of(source, tools.values())
            return OpenedPolicy(read.file, Policy(read.form), tuple(read.form.tests), tools, read.locate)
    compiled = app.load(name, base=base)
    tools = {tool.name: tool.declaration for tool in {**app.catalog.tools, **compiled.tools}.values()}
    plan = compiled.plan
    own = PolicyForm.model_validate(dict(plan.policy or {}))
    locate = locator(plan.source, "policy")
    return OpenedPolicy(plan.source.file, Policy.from_mapping(compiled.config.policy), tuple(own.tests), tools, locate)


def _find(app: App, name: str, base: Path) -> Path | None:
    """The file that is meant; None: the playbook of that name."""
    if is_path(name):
        path = Path(os.path.normpath(base / Path(name).expanduser()))
        if not path.is_file():
            raise InvalidInput(f"there is no policy at {path}", hint="Check the path.", path=str(path))
        return path
    known: dict[str, Path] = {}
    for root in roots(app.settings.workspace):
        folder = root / "policies"
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix in _ENDINGS and path.is_file():
                    known.setdefault(path.stem, path)
    playbooks = app.library.names()
    if name not in known and name not in playbooks:
        what = f"there is no policy and no playbook called {name!r}"
        raise InvalidInput(what, hint=nearest(name, {*known, *playbooks}), policy=name)
    return known.get(name)


def _shown(path: Path, base: Path) -> str:
    """A path as a person at ``base`` would write it."""
    try:
        return str(path.resolve().relative_to(base.resolve()))
    except ValueError:
        return str(path)
