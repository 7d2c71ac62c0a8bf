"""What ``agentops policy explain`` finds and prints: one recorded call, and every rule that names its tool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from agentops.cli.shell import Shell, read_blocks, table
from agentops.observe.told import call as told_call
from agentops.observe.told import visible

if TYPE_CHECKING:
    from agentops.kernel.gate import ToolDeclaration
    from agentops.kernel.records import Approval, Denied, Effect
    from agentops.supervisor.backtest import RecordedCall
    from agentops.supervisor.policy import Policy
    from agentops.supervisor.tally import Tally

__all__ = ["explained", "tell"]

_Judged: TypeAlias = "Effect | Denied | Approval"


def explained(shell: Shell, run: str, effect: str) -> dict[str, Any]:
    """One effect of a run, as plain values: what is on record, and what the policy of that run makes of it."""
    from agentops.app.recorded import agent_of, arguments_of, recorded_calls
    from agentops.runtime.rebuild import read_header
    from agentops.supervisor.policy import Policy

    app, journal = shell.app(), shell.journal()
    try:
        row = journal.find(run)
        header = read_header(journal, row).header
        blocks = read_blocks(journal, row)
        record = _record(blocks, effect, row.run)
        calls = recorded_calls(blocks, journal.payload)
        arguments = arguments_of(record.arguments, journal.payload)
    finally:
        journal.close()
    policy = Policy.from_mapping(header.get("config", {}).get("policy", {}))
    said = {
        "run": row.run,
        "effect": effect,
        "kind": record.kind,
        "name": record.name,
        "agent": agent_of(effect),
        "arguments": msgspec.json.decode(arguments),
        "recorded": _recorded(record, calls, effect),
        "digest": policy.digest,
    }
    if record.kind in {"tool", "act"}:
        tools = {each.name: each.declaration for each in app.catalog.tools.values()}
        return {**said, **_judged(policy, tools, calls, effect, record.name, arguments)}
    if record.kind == "model":
        ruling = policy.judge_model(record.name)
        return {**said, "policy": _ruling(ruling), "rules": []}
    return {**said, "policy": {"verdict": "allow", "rule": "person", "because": "a person may be asked"}, "rules": []}


def _record(blocks: Any, effect: str, run: str) -> _Judged:
    """The record that says how the effect was decided on: the last one, for it may have waited first."""
    from agentops.errors import InvalidInput
    from agentops.kernel.records import Approval, Denied, Effect
    from agentops.kernel.suggest import nearest

    found: dict[str, _Judged] = {}
    for _, records in blocks:
        for record in records:
            if isinstance(record, Effect | Denied):
                found[record.id] = record
            elif isinstance(record, Approval):
                found[record.effect] = record
    if effect not in found:
        hint = nearest(effect, found) if found else "It called nothing."
        raise InvalidInput(f"run {run} has no effect {effect!r}", hint=hint, run=run, effect=effect)
    return found[effect]


def _recorded(record: _Judged, calls: list[RecordedCall], effect: str) -> dict[str, Any]:
    """What is on record of the decision."""
    from agentops.kernel.records import Denied

    known = next((each for each in calls if each.effect == effect), None)
    outcome = known.outcome if known is not None else "refused" if isinstance(record, Denied) else "made"
    because = record.error.what if isinstance(record, Denied) else record.because
    approved = known.approved if known is not None else ""
    return {"outcome": outcome, "rule": record.rule, "because": because, "approved": approved}


def _judged(
    policy: Policy,
    tools: dict[str, ToolDeclaration],
    calls: list[RecordedCall],
    effect: str,
    name: str,
    arguments: bytes,
) -> dict[str, Any]:
    """What the policy makes of the call, after all those that the run made before it."""
    from agentops.app.recorded import agent_of
    from agentops.supervisor.explain import explain

    tally = _tally(policy, tools, calls, effect)
    found = explain(policy, name, agent_of(effect), arguments, tools.get(name), tally)
    return {"policy": _ruling(found.ruling), "rules": msgspec.to_builtins(found.accounts)}


def _tally(policy: Policy, tools: dict[str, ToolDeclaration], calls: list[RecordedCall], effect: str) -> Tally:
    from agentops.supervisor.tally import Tally

    tally = Tally()
    for each in calls:
        if each.effect == effect:
            break
        if each.outcome == "made":
            ruling = policy.judge(each.tool, each.agent, each.arguments, tools.get(each.tool))
            tally.count(each.effect, ruling.quotas)
    return tally


def _ruling(ruling: Any) -> dict[str, str]:
    because = "; ".join(part for part in (ruling.because, ruling.why) if part)
    return {"verdict": ruling.verdict, "rule": ruling.rule, "because": because}


def tell(said: dict[str, Any]) -> None:
    """Print it for a person; what a terminal would act on is made visible."""
    recorded, policy = said["recorded"], said["policy"]
    print(visible(f"{said['agent']} wanted {said['kind']} {told_call(said['name'], said['arguments'])}"))
    by = f", approved by {recorded['approved']}" if recorded["approved"] else ""
    print(visible(f"  on record   {recorded['outcome']} by rule {recorded['rule']}{by}"))
    if recorded["because"] and not recorded["approved"]:
        print(visible(f"              {recorded['because']}"))
    because = f": {policy['because']}" if policy["because"] else ""
    print(visible(f"  the policy  {policy['verdict']} by rule {policy['rule']}{because}"))
    if policy["rule"] != recorded["rule"]:
        print(f"              {_differs(recorded['rule'])}")
    print(f"  its digest  {said['digest']}")
    if said["rules"]:
        print()
        lines = [
            ["*" if each["decided"] else "", each["verdict"], each["rule"], each["fits"], each["reason"]]
            for each in said["rules"]
        ]
        table(["", "rule says", "name", "fits", "because"], lines)
    elif said["kind"] in {"tool", "act"}:
        print(visible(f"\nno rule names {said['name']}, and what no rule allows is denied"))


def _differs(rule: str) -> str:
    """Why the record names another rule than the policy gives."""
    if rule == "person":
        return "a person said no"
    if rule.startswith("budget:"):
        return "a budget said no after that"
    return "the record names what decided after the policy: a guardrail, or the arguments before they were redacted"
