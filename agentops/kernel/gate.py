"""The seam between the kernel and whoever allows things: the kernel asks, a `Gate` answers, both without I/O.

The kernel knows no policy. It proposes each effect before it leaves, settles it when its outcome is delivered, and
has values screened where guardrails may stand. A gate must be total and deterministic: it never raises, and the
same calls in the same order give the same answers, because replay makes them again.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec

from agentops.errors import AgentOpsError
from agentops.kernel.chat import ModelRequest, Usage

__all__ = [
    "Admission",
    "Amount",
    "Charge",
    "EffectClass",
    "Gate",
    "OpenGate",
    "Proposal",
    "Screening",
    "Stage",
    "ToolDeclaration",
]

EffectClass = Literal["pure", "idempotent", "compensable", "irreversible"]
"""What repeating a tool's call would mean.

``pure``: it only reads. ``idempotent``: the same call under the same key changes the world once. ``compensable``: it
changes the world, and a declared compensation undoes it. ``irreversible``: everything else.
"""

Stage = Literal["input", "message", "prompt", "model_output", "tool_call", "tool_result", "output"]
"""Where a guardrail may stand."""


class ToolDeclaration(msgspec.Struct, frozen=True):
    """What a tool says about itself; retries, approval, safety after a crash and in forks all follow from it."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments, an object."""
    effect: EffectClass
    trusted: bool = False
    """Whether its results may be taken as instructions would be; default: no."""


class Amount(msgspec.Struct, frozen=True, omit_defaults=True):
    """An amount of what budgets limit. ``money`` is integer micro-dollars."""

    money: int = 0
    tokens: int = 0
    model_calls: int = 0
    tool_calls: int = 0


class Proposal(msgspec.Struct, frozen=True):
    """An effect that an agent wants, before anybody has agreed to it."""

    effect: str
    """Its id, a path: ``agent/turn/fiber.n``, with ``#k`` behind it for attempt k > 1."""
    kind: Literal["tool", "model", "act", "person"]
    name: str
    """The tool's, the model's or the function's name."""
    agent: str
    arguments: bytes
    """Canonical JSON: of a tool an object by parameter; of a model empty (see ``request``)."""
    at: int
    """Microseconds since 1970, the time of the delivery being handled."""
    tool: ToolDeclaration | None = None
    request: ModelRequest | None = None
    approved: str = ""
    """Who approved exactly these arguments, where somebody did; a gate then no longer answers ``ask``."""


class Admission(msgspec.Struct, frozen=True):
    """A gate's answer to a proposal."""

    verdict: Literal["allow", "ask", "deny"]
    rule: str
    """The rule that decided, by name: on record with every effect."""
    because: str = ""
    reserved: Amount | None = None
    max_output_tokens: int = 0
    """Of a model call: the output limit, clamped to what the budgets leave; 0: as asked."""
    arguments: bytes | None = None
    """Where a guardrail redacted: the canonical arguments to go on with; None: as proposed."""
    verdicts: tuple[tuple[str, str, str], ...] = ()
    """``(guardrail, verdict, reason)`` of each guardrail of the stage that did not simply pass."""
    error: AgentOpsError | None = None
    """Of a denial: what the agent is told."""


class Charge(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an effect came to, once settled. ``overrun`` is what went beyond its reservation."""

    settled: Amount
    overrun: Amount | None = None


class Screening(msgspec.Struct, frozen=True):
    """What the guardrails of a stage said of a value. ``verdicts`` holds one entry per guardrail that did not pass."""

    verdict: Literal["pass", "redact", "ask", "block"] = "pass"
    value: Any = None
    """The value to go on with: where ``redact``, another one; else the one that was screened."""
    verdicts: tuple[tuple[str, str, str], ...] = ()
    """``(guardrail, verdict, reason)``."""
    error: AgentOpsError | None = None


class Gate(Protocol):
    """Who allows. Pure and total: no I/O, no exceptions."""

    stages: frozenset[Stage]
    """The stages at which any guardrail stands: the kernel does not call `screen` for others."""

    def begin(self, at: int) -> None:
        """The run starts, at that time in microseconds since 1970."""
        ...

    def postpone(self, microseconds: int) -> None:
        """The run lay idle for so long, interrupted or waiting for a person: that time is not its own."""
        ...

    def spawned(self, agent: str, parent: str) -> None:
        """``parent`` has brought ``agent`` into being: the child never has more left than its parent."""
        ...

    def admit(self, proposal: Proposal) -> Admission:
        """Judge one proposal; where the answer is ``allow``, its reservation is held until `settle`."""
        ...

    def settle(self, effect: str, usage: Usage | None, *, happened: bool) -> Charge | None:
        """Settle an admitted effect. ``usage`` None: charge as reserved; ``happened`` False: release it all."""
        ...

    def screen(self, stage: Stage, agent: str, name: str, value: Any) -> Screening:
        """Have the guardrails of ``stage`` look at a plain JSON value (``name``: of the message type or tool)."""
        ...

    def offers(self, agent: str, tools: tuple[ToolDeclaration, ...]) -> frozenset[str]:
        """The names of those tools that this agent could be allowed to call: the others are not offered."""
        ...

    def left(self, agent: str) -> dict[str, int | None]:
        """What the tightest budget over this agent leaves, by unit; None: unlimited."""
        ...


class OpenGate:
    """Allows everything: for kernel tests and benchmarks, never for runs."""

    stages: frozenset[Stage] = frozenset()
    _open = Admission(verdict="allow", rule="open")

    def begin(self, at: int) -> None:
        """Nothing to time."""
        del at

    def postpone(self, microseconds: int) -> None:
        """Nothing to time."""
        del microseconds

    def spawned(self, agent: str, parent: str) -> None:
        """Nothing to share."""
        del agent, parent

    def admit(self, proposal: Proposal) -> Admission:
        """Allow."""
        del proposal
        return self._open

    def settle(self, effect: str, usage: Usage | None, *, happened: bool) -> Charge | None:
        """Nothing was reserved."""
        del effect, usage, happened
        return None

    def screen(self, stage: Stage, agent: str, name: str, value: Any) -> Screening:
        """Pass."""
        del stage, agent, name
        return Screening(value=value)

    def offers(self, agent: str, tools: tuple[ToolDeclaration, ...]) -> frozenset[str]:
        """All of them."""
        del agent
        return frozenset(tool.name for tool in tools)

    def left(self, agent: str) -> dict[str, int | None]:
        """No limit."""
        del agent
        return {}
