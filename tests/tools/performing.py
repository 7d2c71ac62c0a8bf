"""What a tool is called with, outside a run."""

from __future__ import annotations

from pathlib import Path

from agentops.kernel.tool import ToolContext


def context(folder: Path) -> ToolContext:
    return ToolContext(run="r", effect="a/1/0.1", key="r/a/1/0.1", workspace=folder, data=folder / ".agentops")
