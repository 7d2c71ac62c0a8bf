"""The tools that come with agentops, apart from those of retrieval. No policy allows them before somebody says so."""

from __future__ import annotations

from typing import Any, Final

from agentops.kernel.tool import Tool
from agentops.tools.fetch import fetch_url
from agentops.tools.files import list_files, read_file, write_file
from agentops.tools.python import run_python

__all__ = ["STOCK_TOOLS"]

STOCK_TOOLS: Final[tuple[Tool[..., Any], ...]] = (read_file, write_file, list_files, fetch_url, run_python)
