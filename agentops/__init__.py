"""agentops: a multi-agent runtime with operations built in.

Agents decide, tools act, the supervisor allows, the journal remembers. What a user needs is named here, and imported
when it is first used, so that the command line starts quickly::

    from agentops import Agent, Message, handles, tool

Where things live: `agentops.messages` and `agentops.kernel` (what a run is), `agentops.supervisor` (what it may do),
`agentops.journal` and `agentops.runtime` (how it is kept and driven), `agentops.app` (how it is all put together).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # for type checkers; at run time each name is imported on first use, below
    from agentops.app.embed import open_runtime
    from agentops.errors import AgentOpsError
    from agentops.kernel import roles
    from agentops.kernel.agent import Agent, AgentSpec, Restart, handles
    from agentops.kernel.isolation import Limits
    from agentops.kernel.tool import Tool, ToolContext, tool, tool_context
    from agentops.messages import Ask, Message
    from agentops.retrieval.passages import Citation, Passage
    from agentops.retrieval.tools import index_documents, search_documents
    from agentops.runtime.events import Ended, Recorded, Text
    from agentops.runtime.live import Run
    from agentops.supervisor import guardrails
    from agentops.supervisor.guardrails import guardrail
    from agentops.tools.fetch import fetch_url
    from agentops.tools.files import list_files, read_file, write_file
    from agentops.tools.python import run_python

__all__ = [
    "Agent",
    "AgentOpsError",
    "AgentSpec",
    "Ask",
    "Citation",
    "Ended",
    "Limits",
    "Message",
    "Passage",
    "Recorded",
    "Restart",
    "Run",
    "Text",
    "Tool",
    "ToolContext",
    "fetch_url",
    "guardrail",
    "guardrails",
    "handles",
    "index_documents",
    "list_files",
    "open_runtime",
    "read_file",
    "roles",
    "run_python",
    "search_documents",
    "tool",
    "tool_context",
    "write_file",
]

_MODULES: Final = {"guardrails": "agentops.supervisor.guardrails", "roles": "agentops.kernel.roles"}
_HOMES: Final = {
    "Agent": "agentops.kernel.agent",
    "AgentOpsError": "agentops.errors",
    "AgentSpec": "agentops.kernel.agent",
    "Ask": "agentops.messages",
    "Citation": "agentops.retrieval.passages",
    "Ended": "agentops.runtime.events",
    "Limits": "agentops.kernel.isolation",
    "Message": "agentops.messages",
    "Passage": "agentops.retrieval.passages",
    "Recorded": "agentops.runtime.events",
    "Restart": "agentops.kernel.agent",
    "Run": "agentops.runtime.live",
    "Text": "agentops.runtime.events",
    "Tool": "agentops.kernel.tool",
    "ToolContext": "agentops.kernel.tool",
    "fetch_url": "agentops.tools.fetch",
    "guardrail": "agentops.supervisor.guardrails",
    "handles": "agentops.kernel.agent",
    "index_documents": "agentops.retrieval.tools",
    "list_files": "agentops.tools.files",
    "open_runtime": "agentops.app.embed",
    "read_file": "agentops.tools.files",
    "run_python": "agentops.tools.python",
    "search_documents": "agentops.retrieval.tools",
    "tool": "agentops.kernel.tool",
    "tool_context": "agentops.kernel.tool",
    "write_file": "agentops.tools.files",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(_MODULES[name])
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'agentops' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
