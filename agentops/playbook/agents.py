"""Loads agents from a workspace: every ``agents/*.py``, by path.

The files are modules of one package whose name is made from the folder's path, so that ``from .messages import X``
works between them, two workspaces in one process do not meet, and nothing called ``agents`` appears in
``sys.modules`` or on ``sys.path`` (another SDK owns that import name). A file whose name starts with ``_`` is loaded
only when another imports it.

Loading runs the files. Whatever goes wrong in them is an `AgentDefinitionError` that names file, line and exception.
"""

from __future__ import annotations

import hashlib
import importlib
import re
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from agentops.errors import AgentDefinitionError, AgentOpsError
from agentops.kernel.acts import WORKSPACE_MODULES
from agentops.kernel.agent import Agent
from agentops.kernel.tool import Tool
from agentops.playbook.catalog import Catalog
from agentops.supervisor.guardrails import Guardrail

__all__ = ["Shelf", "load_agents", "load_catalog"]

_PREFIX: Final = WORKSPACE_MODULES


@dataclass
class Shelf:
    """What one folder of agents holds: agents, tools and guardrails by name, and the file of each agent."""

    agents: dict[str, type[Agent]] = field(default_factory=dict)
    tools: dict[str, Tool[..., Any]] = field(default_factory=dict)
    guardrails: dict[str, Guardrail] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)


def load_catalog(roots: Sequence[Path], tools: Sequence[Tool[..., Any]] = ()) -> Catalog:
    """The agents of several workspaces (those of earlier ones go first) and the tools that they or ``tools`` name."""
    agents: dict[str, type[Agent]] = {}
    found: dict[str, Tool[..., Any]] = {tool.name: tool for tool in tools}
    guardrails: dict[str, Guardrail] = {}
    for root in dict.fromkeys(root.resolve() for root in roots):
        shelf = load_agents(root / "agents")
        agents = shelf.agents | agents
        found = shelf.tools | found
        guardrails = shelf.guardrails | guardrails
    return Catalog(agents, found, guardrails)


def load_agents(folder: Path) -> Shelf:
    """Load all agents of a folder; one that does not exist holds none."""
    shelf = Shelf()
    if not folder.is_dir():
        return shelf
    folder = folder.resolve()
    package = _package(folder)
    try:
        files = sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))
    except OSError as error:
        msg = f"the folder of agents {folder} cannot be read: {error.strerror or error}"
        raise AgentDefinitionError(msg, hint="Check its permissions.", file=str(folder), line=0) from error
    for path in files:
        _take(shelf, _load(package, path, folder), path)
    return shelf


def _package(folder: Path) -> str:
    """The name of the package that stands for a folder, registered."""
    name = _PREFIX + hashlib.sha256(str(folder).encode("utf-8", "surrogateescape")).hexdigest()[:12]
    if name not in sys.modules:
        package = ModuleType(name, f"The agents in {folder}.")
        package.__path__ = [str(folder)]
        package.__spec__ = ModuleSpec(name, None, is_package=True)
        sys.modules[name] = package
    return name


def _load(package: str, path: Path, folder: Path) -> ModuleType:
    """Import one file; what is wrong in it becomes an error that says where."""
    if not path.stem.isidentifier():
        msg = f"{path}: {path.stem!r} cannot be the name of a Python module"
        hint = f"Rename the file, for example to {re.sub(r'[^0-9A-Za-z_]', '_', path.stem)}.py"
        raise AgentDefinitionError(msg, hint=hint, file=str(path), line=0)
    try:
        return importlib.import_module(f"{package}.{path.stem}")
    except AgentOpsError as error:
        raise _failure(error, error.what, error.hint, path, folder) from error
    except (Exception, SystemExit) as error:  # a user's file may raise anything: it is raised again, with its line
        what = f"{type(error).__name__}: {error}"
        raise _failure(error, what, _hint(error, folder), path, folder) from error


def _failure(error: BaseException, what: str, hint: str, path: Path, folder: Path) -> AgentDefinitionError:
    file, line = _place(error, path, folder)
    where = f"{file}:{line}" if line else str(file)
    return AgentDefinitionError(f"{where}: {what}", hint=hint, file=str(file), line=line, error=type(error).__name__)


def _place(error: BaseException, path: Path, folder: Path) -> tuple[Path, int]:
    """The innermost line of the workspace's own files that the error came through."""
    if isinstance(error, SyntaxError) and error.filename and folder in Path(error.filename).parents:
        return Path(error.filename), error.lineno or 0
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if folder in Path(frame.filename).parents:
            return Path(frame.filename), frame.lineno or 0
    return path, 0


def _hint(error: BaseException, folder: Path) -> str:
    if isinstance(error, ImportError):
        name = error.name or ""
        if name.startswith(_PREFIX):
            return "Relative imports reach the other files of this folder only; check the name."
        if name and (folder / f"{name.partition('.')[0]}.py").exists():
            return f"It is a file beside this one: write 'from .{name} import ...'."
        if name == "agents" or name.startswith("agents."):
            return "The folder is no package of that name: import its other files with 'from .name import ...'."
        if isinstance(error, ModuleNotFoundError):
            return f"Install what provides {name!r} into this environment, or correct the name."
        return "Check the name; only what the module has can be imported from it."
    if isinstance(error, SyntaxError):
        return "The file is not valid Python."
    return "Importing an agent's file must not fail; move work that can fail into a tool."


def _take(shelf: Shelf, module: ModuleType, path: Path) -> None:
    """Put a module's own agents, tools and guardrails onto the shelf."""
    for value in vars(module).values():
        if isinstance(value, Tool) and value.__module__ == module.__name__:
            shelf.tools[value.name] = value
        elif isinstance(value, Guardrail) and value.look.__module__ == module.__name__:
            shelf.guardrails[value.name] = value
        elif _is_own_agent(value, module):
            _take_agent(shelf, value, path)


def _is_own_agent(value: Any, module: ModuleType) -> bool:
    return (
        isinstance(value, type)
        and issubclass(value, Agent)
        and value.__module__ == module.__name__
        and not value.__name__.startswith("_")
    )


def _take_agent(shelf: Shelf, agent: type[Agent], path: Path) -> None:
    line = _line_of(agent, path)
    if agent.name in shelf.agents and shelf.agents[agent.name] is not agent:
        msg = f"{path}:{line}: two agents are called {agent.name!r}; the other is in {shelf.files[agent.name]}"
        hint = "Give one of the classes another name, or set its 'name'; one that is only a base starts with '_'."
        raise AgentDefinitionError(msg, hint=hint, file=str(path), line=line)
    try:
        agent.handlers()
    except AgentOpsError as error:
        raise AgentDefinitionError(
            f"{path}:{line}: {error.what}", hint=error.hint, file=str(path), line=line
        ) from error
    shelf.agents[agent.name] = agent
    shelf.files[agent.name] = path
    for tool in agent.tools:
        shelf.tools.setdefault(tool.name, tool)


def _line_of(agent: type[Agent], path: Path) -> int:
    """Where the class stands, as nearly as its name tells."""
    pattern = re.compile(rf"^\s*class {re.escape(agent.__name__)}\b")
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, 1) if pattern.match(line)), 0)
