"""What a refusal says: to the agent, to the record and to whoever can do something about it."""

from __future__ import annotations

from typing import Final

from agentops.errors import AgentOpsError, GuardrailBlocked, PermissionDenied, UnknownPrice
from agentops.kernel.gate import Admission, Proposal
from agentops.supervisor.budget import Meter
from agentops.supervisor.policy import DEFAULT_DENY, Ruling
from agentops.supervisor.redact import Redactor

__all__ = ["Verdicts", "asking", "broken", "denied", "forbidden", "unknown_price"]

Verdicts = tuple[tuple[str, str, str], ...]
"""``(guardrail, verdict, reason)`` of each that did not pass."""

_CLEAN: Final = Redactor()


def asking(verdicts: Verdicts) -> tuple[str, str]:
    """The guardrail that asks for a person, and why."""
    return next((guard, reason) for guard, kind, reason in verdicts if kind == "ask")


def denied(rule: str, error: AgentOpsError, verdicts: Verdicts = ()) -> Admission:
    """The answer no, by ``rule``; ``error`` is what the agent is told."""
    return Admission(verdict="deny", rule=rule, because=error.what, verdicts=verdicts, error=error)


def forbidden(proposal: Proposal, ruling: Ruling) -> PermissionDenied:
    """The denial of a policy, in words that say what to do about it."""
    what = f"{proposal.agent!r} may not call {proposal.kind} {proposal.name!r}: rule {ruling.rule!r}"
    detail = "; ".join(part for part in (ruling.because, _CLEAN.text(ruling.why)) if part)
    if ruling.why:
        hint = "Call it with arguments that the rule takes, or widen the rule in the playbook's policy."
    elif ruling.rule == DEFAULT_DENY:
        hint = f"Allow it in the playbook's policy, as narrowly as will do: allow: [{{tool: {proposal.name}}}]."
    else:
        hint = "A rule of the playbook's policy says so on purpose; change the rule if it is wrong."
    return PermissionDenied(
        f"{what} ({detail})" if detail else what,
        hint=hint,
        tool=proposal.name,
        agent=proposal.agent,
        rule=ruling.rule,
    )


def broken(proposal: Proposal, error: Exception) -> Admission:
    """A part of the supervisor failed: closed, and loudly."""
    denial = GuardrailBlocked(
        f"the supervisor failed on {proposal.kind} {proposal.name!r}, so it is denied: {type(error).__name__}",
        hint="This is a defect of agentops: report it together with what was called.",
        rule="supervisor-failed",
        stage="admission",
        reason=type(error).__name__,
    )
    return denied("supervisor-failed", denial)


def unknown_price(proposal: Proposal, money: Meter) -> UnknownPrice:
    """The denial of a model without a price; ``money`` is what meters the run's money."""
    return UnknownPrice(
        f"the price of model {proposal.name!r} is unknown, so no budget can cover its calls",
        hint="Declare its price, or let it through uncounted with `unknown_price: allow`.",
        model=proposal.name,
        scope=money.scope,
        unit="money",
        limit=money.limit,
        settled=money.settled,
        reserved=money.reserved,
        asked=None,
    )
