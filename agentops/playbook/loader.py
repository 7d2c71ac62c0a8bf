"""Finds playbooks by name or by path, and reads them with all that they call.

A *root* is a workspace: a folder with ``playbooks/`` and ``agents/``. Names are looked up in the roots in order, so
that a user's own playbook stands before the stock one of the same name. What ends in ``.yaml`` or ``.yml``, or holds
a path separator, is a path: from the working directory, or inside a playbook from that playbook's own folder.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from agentops.errors import InvalidInput, PlaybookError
from agentops.kernel.suggest import nearest
from agentops.playbook.catalog import Book
from agentops.playbook.plan import Call, Plan, plan_of, steps_of
from agentops.playbook.problems import Problems
from agentops.playbook.yaml_source import read_yaml

__all__ = ["Library", "is_path"]

_ENDINGS: Final = (".yaml", ".yml")


def is_path(name: str) -> bool:
    """Whether this means a file rather than the name of a playbook."""
    return name.endswith(_ENDINGS) or "/" in name or os.sep in name


class Library:
    """The playbooks of some workspaces; those of earlier roots hide those of later ones."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(dict.fromkeys(Path(root) for root in roots))

    def names(self) -> dict[str, Path]:
        """Every playbook that goes by a name, in alphabetical order."""
        found: dict[str, Path] = {}
        for root in self.roots:
            folder = root / "playbooks"
            if folder.is_dir():
                for path in sorted(folder.iterdir()):
                    if path.suffix in _ENDINGS and path.is_file():
                        found.setdefault(path.stem, path)
        return dict(sorted(found.items()))

    def find(self, name: str, base: Path) -> Path:
        """The file of a playbook; a relative path counts from ``base``. Raises `InvalidInput`."""
        if is_path(name):
            path = Path(os.path.normpath(base / Path(name).expanduser()))
            if path.is_file():
                return path
            hint = f"Check the path, or name one of {', '.join(self.names()) or 'your playbooks'}."
            raise InvalidInput(f"there is no playbook at {path}", hint=hint, path=str(path))
        known = self.names()
        if name in known:
            return known[name]
        looked = ", ".join(str(root / "playbooks") for root in self.roots)
        msg = f"there is no playbook {name!r} in {looked or 'any workspace'}"
        raise InvalidInput(msg, hint=nearest(name, known), playbook=name)

    def open(self, name: str, base: Path) -> Book:
        """Read a playbook and all that it calls; raises `PlaybookError` or `InvalidInput`.

        Errors and records name files relative to ``base`` where they are below it.
        """
        root = self.find(name, base)
        plans: dict[str, Plan] = {}
        calls: dict[tuple[str, str], str] = {}
        waiting = [root]
        while waiting:
            path = waiting.pop()
            file = str(path)
            if file in plans:
                continue
            plan = plans[file] = plan_of(read_yaml(path, shown=_shown(path, base)))
            for step in steps_of(plan.steps):
                if isinstance(step, Call) and step.kind == "playbook":
                    called = self._called(step, plan, path)
                    calls[file, step.id] = str(called)
                    waiting.append(called)
        return Book(str(root), plans, calls)

    def _called(self, step: Call, plan: Plan, path: Path) -> Path:
        """The file of a playbook that a step calls; what is wrong stands at that step."""
        try:
            return self.find(step.target, path.parent)
        except PlaybookError:
            raise
        except InvalidInput as error:
            problems = Problems(plan.source)
            problems.add((*step.place, "playbook"), error.what, error.hint)
            problems.check()
            raise


def _shown(path: Path, base: Path) -> str:
    """A path as a person at ``base`` would write it."""
    try:
        return str(path.resolve().relative_to(base.resolve()))
    except ValueError:
        return str(path)
