"""Recorded calls under another policy: what it would have stopped, asked about or opened. Nothing is called.

A back-test takes the calls as they were made. What an agent would have done after being stopped nobody knows, so
everything behind a run's first stop is what the policy says of that call, not what would have happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias

import msgspec

from agentops.kernel.gate import ToolDeclaration
from agentops.supervisor.policy import Policy, Ruling
from agentops.supervisor.redact import Redactor
from agentops.supervisor.tally import Tally

__all__ = ["BackTest", "CallOutcome", "Finding", "RecordedCall", "back_test"]

_CLEAN: Final = Redactor()

CallOutcome: TypeAlias = Literal["made", "refused", "stopped", "waiting", "withdrawn"]
"""What became of a recorded call. ``refused``: by the policy or by a person; ``stopped``: by a budget or a guardrail;
``waiting``: for a person, still; ``withdrawn``: given up before it left."""
_Change: TypeAlias = Literal["stopped", "asked", "opened"]


class RecordedCall(msgspec.Struct, frozen=True):
    """One call of a tool or a function, as a run recorded it. Of a retry, each attempt is one."""

    effect: str
    tool: str
    agent: str
    arguments: bytes
    """Canonical JSON, as it was recorded: secrets are redacted, and what guardrails redacted is."""
    outcome: CallOutcome
    rule: str
    """The rule that decided then."""
    approved: str = ""
    """The person who approved it."""


class Finding(msgspec.Struct, frozen=True):
    """A call that the policy decides otherwise than was decided then."""

    effect: str
    tool: str
    agent: str
    change: _Change
    """``stopped``: it was made, or waited, and would be denied; ``asked``: it was made, and would wait for a person;
    ``opened``: it was refused, or waited, and would be let through (or, if it was refused, asked about)."""
    verdict: Literal["allow", "ask", "deny"]
    rule: str
    because: str
    then: str
    """What became of it: ``made``, ``refused`` or ``waiting``."""
    then_rule: str
    approved: str = ""
    """The person who had approved it."""


class BackTest(msgspec.Struct, frozen=True):
    """A run under another policy."""

    run: str
    calls: int
    findings: tuple[Finding, ...]

    @property
    def stopped(self) -> Finding | None:
        """The first call that was made, or waited, and would be denied; None: the run would have come through."""
        return next((each for each in self.findings if each.change == "stopped"), None)


def back_test(
    run: str, calls: Iterable[RecordedCall], policy: Policy, tools: Mapping[str, ToolDeclaration] | None = None
) -> BackTest:
    """Judge a run's calls, in their order, under ``policy``. ``tools``: for the defaults of arguments left out.

    A call that a person approved then counts as approved, where the policy would ask too. Limits of rules count the
    calls that were made and that the policy would not deny.
    """
    known = {} if tools is None else tools
    tally, findings, count = Tally(), [], 0
    for count, call in enumerate(calls, 1):  # noqa: B007 - how many there are is part of the answer
        ruling = tally.checked(policy.judge(call.tool, call.agent, call.arguments, known.get(call.tool)))
        change = _change(call, ruling)
        if change is not None:
            findings.append(_finding(call, ruling, change))
        if call.outcome == "made" and ruling.verdict != "deny":
            tally.count(call.effect, ruling.quotas)
    return BackTest(run, count, tuple(findings))


def _change(call: RecordedCall, ruling: Ruling) -> _Change | None:
    match call.outcome, ruling.verdict:
        case (("made" | "waiting"), "deny"):
            return "stopped"
        case ("made", "ask"):
            return None if call.approved else "asked"
        case ("refused", ("allow" | "ask")):
            return None if call.rule == "person" and ruling.verdict == "ask" else "opened"
        case ("waiting", "allow"):
            return "opened"
    return None


def _finding(call: RecordedCall, ruling: Ruling, change: _Change) -> Finding:
    because = "; ".join(part for part in (ruling.because, _CLEAN.text(ruling.why)) if part)
    return Finding(
        call.effect,
        call.tool,
        call.agent,
        change,
        ruling.verdict,
        ruling.rule,
        because,
        call.outcome,
        call.rule,
        call.approved,
    )
