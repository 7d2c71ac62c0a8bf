"""A playbook ready to run: a plan whose calls are bound to agents, message types and tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentops.kernel.tool import Tool
from agentops.messages import Ask, Codec
from agentops.playbook.plan import Plan

__all__ = ["AskAgent", "Bound", "CallTool", "PlaybookInputs", "Program", "RunPlaybook"]


class PlaybookInputs(Ask[Any], frozen=True):
    """What starts a playbook: its inputs, resolved. The answer is its output."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class AskAgent:
    """The agent that a step asks, and the message type that it takes."""

    agent: str
    message: Codec


@dataclass(frozen=True, slots=True)
class CallTool:
    """The tool that a step calls."""

    tool: Tool[..., Any]


@dataclass(frozen=True, slots=True)
class RunPlaybook:
    """The conductor of the playbook that a step runs; ``defaults``: of those inputs that have one."""

    conductor: str
    plan: Plan
    defaults: Mapping[str, Any]


Bound = AskAgent | CallTool | RunPlaybook


@dataclass(frozen=True)
class Program:
    """A plan, and by step id what each call is bound to."""

    plan: Plan
    calls: Mapping[str, Bound]
