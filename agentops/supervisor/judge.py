"""The supervisor on its own: one proposed tool call in, its verdict out. No run, no journal, no model.

    >>> from agentops.kernel.gate import ToolDeclaration
    >>> from agentops.supervisor.judge import Call, judge
    >>> properties = {"to": {"type": "string"}, "body": {"type": "string"}}
    >>> mail = ToolDeclaration("send_email", "Sends.", {"type": "object", "properties": properties}, "irreversible")
    >>> policy = {
    ...     "allow": [
    ...         {"tool": "send_email", "args": {"to": {"email_domain": "example.org"}}, "at_most": 2, "id": "to-us"},
    ...     ],
    ...     "ask": [
    ...         {"tool": "send_email", "args": {"body": {"matches": "*contract*"}}, "id": "contracts"},
    ...     ],
    ... }
    >>> ours = {"to": "ann@example.org", "body": "Lunch?"}
    >>> judge(mail, ours, policy=policy).verdict
    'allow'
    >>> judge(mail, {**ours, "to": "ann@example.org.evil.test"}, policy=policy).rule
    'default-deny'
    >>> found = judge(mail, {**ours, "body": "The contract."}, policy=policy)
    >>> found.verdict, found.rule
    ('ask', 'contracts')
    >>> third = judge(mail, ours, policy=policy, earlier=[Call(mail, ours), Call(mail, ours)])
    >>> third.verdict, third.rule
    ('deny', 'to-us:at_most')

It is the same `Supervisor` that stands in every run, with the same answers: permission first, then the guardrails of
the stage ``tool_call``, then the budget.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

from agentops.errors import MessageInvalid
from agentops.kernel.gate import Admission, Proposal, ToolDeclaration
from agentops.messages import codec
from agentops.supervisor.config import Config
from agentops.supervisor.denials import denied, forbidden
from agentops.supervisor.guardrails import Guardrail
from agentops.supervisor.limits import Limits
from agentops.supervisor.policy import NO_OBJECT, Policy, read_arguments
from agentops.supervisor.supervisor import Supervisor

__all__ = ["Call", "Judgement", "judge"]

_UNLIMITED: Final = Limits()
_ARGUMENTS: Final = codec(dict[str, Any])


class Call(msgspec.Struct, frozen=True):
    """A call of a tool. A tool given by its name alone has no declared defaults."""

    tool: ToolDeclaration | str
    arguments: Mapping[str, Any] | bytes = b"{}"
    """By parameter; or the JSON text that a model wrote."""
    agent: str = "agent"


class Judgement(msgspec.Struct, frozen=True):
    """The answer to a call."""

    verdict: Literal["allow", "ask", "deny"]
    rule: str
    """The rule, the guardrail or the budget that decided, by name."""
    because: str = ""
    hint: str = ""
    arguments: Mapping[str, Any] | None = None
    """Where a guardrail redacted: what the call goes on with; None: as proposed."""
    verdicts: tuple[tuple[str, str, str], ...] = ()
    """``(guardrail, verdict, reason)`` of each guardrail that did not simply pass."""


def judge(
    tool: ToolDeclaration | str,
    arguments: Mapping[str, Any] | bytes,
    *,
    policy: Mapping[str, Any] | Policy,
    agent: str = "agent",
    earlier: Iterable[Call] = (),
    guardrails: Iterable[Guardrail | str] = (),
    limits: Limits = _UNLIMITED,
    approved: str = "",
) -> Judgement:
    """May ``agent`` make this call? Never raises over the call; a policy that cannot be used is a `PolicyError`.

    ``policy``: a mapping as in a playbook, or compiled by `Policy.from_mapping`, which saves time where many calls
    are judged. ``earlier``: the calls that the run has made, in their order; they count towards the limits of rules
    and budgets, as far as the policy lets them through at all. ``guardrails``: your own, or stock ones by name.
    ``approved``: who has agreed to exactly this call.
    """
    given = list(guardrails)
    own = [each for each in given if isinstance(each, Guardrail)]
    names = tuple(each.name if isinstance(each, Guardrail) else each for each in given)
    compiled = policy if isinstance(policy, Policy) else Policy.from_mapping(policy)
    gate = Supervisor.from_config(Config(limits=limits, guardrails=names), guardrails=own, policy=compiled)
    number = 0
    for number, call in enumerate(earlier, 1):
        made = _proposal(call, number, "whoever approved it then")
        if _readable(made) and gate.admit(made).verdict == "allow":
            gate.settle(made.effect, None, happened=True)
    asked = _proposal(Call(tool, arguments, agent), number + 1, approved)
    if not _readable(asked):
        return _judgement(denied(NO_OBJECT.rule, forbidden(asked, NO_OBJECT)))
    return _judgement(gate.admit(asked))


def _proposal(call: Call, number: int, approved: str) -> Proposal:
    declared = None if isinstance(call.tool, str) else call.tool
    name = call.tool if isinstance(call.tool, str) else call.tool.name
    kind: Literal["act", "tool"] = "act" if name.startswith("act:") else "tool"
    effect = f"{call.agent}/1/0.{number}"
    return Proposal(effect, kind, name, call.agent, _encoded(call.arguments), 0, declared, approved=approved)


def _encoded(arguments: Mapping[str, Any] | bytes) -> bytes:
    """As canonical JSON; empty where they cannot be said in it."""
    if isinstance(arguments, bytes):
        return arguments
    try:
        return _ARGUMENTS.encode(dict(arguments))
    except MessageInvalid:
        return b""


def _readable(proposal: Proposal) -> bool:
    """Whether the arguments are a JSON object. In a run nothing else is proposed."""
    return read_arguments(proposal.arguments) is not None


def _judgement(admission: Admission) -> Judgement:
    error = admission.error
    because, hint = (admission.because, "") if error is None else (error.what, error.hint)
    left = None if admission.arguments is None else read_arguments(admission.arguments)
    return Judgement(admission.verdict, admission.rule, because, hint, left, admission.verdicts)
