"""Where agents and playbooks are: in the user's workspace, and behind it in the stock one that comes with agentops."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["prepare_data", "roots", "stock_workspace"]

_PACKAGE: Final = Path(__file__).resolve().parent.parent


def stock_workspace() -> Path:
    """The workspace that comes with agentops: in an installed copy inside the package, in a checkout beside it."""
    inside = _PACKAGE / "_workspace"
    return inside if inside.is_dir() else _PACKAGE.parent


def roots(workspace: Path) -> tuple[Path, ...]:
    """The folders in which agents and playbooks are looked up, the user's own first."""
    return tuple(dict.fromkeys((workspace, stock_workspace())))


def prepare_data(folder: Path) -> None:
    """Make the folder for a workspace's data, kept out of version control."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")
