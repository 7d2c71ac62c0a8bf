"""A step of the decision path in words: one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from agentops.observe import told
from agentops.observe.steps import Step

__all__ = ["line"]

_ROOM: Final = 100
"""Columns for arguments and for answers, each."""
_ACTIONS: Final = {
    "told": "whoever asked is told",
    "restart": "starts afresh",
    "resume": "goes on with its state",
    "stop": "ends",
    "escalate": "handed to its supervisor",
    "redeliver": "the message is handled once more",
    "ending": "the run was ending",
}


def line(step: Step, *, room: int = _ROOM) -> str:
    """What happened, for a person; safe to print. ``room``: columns for each value that is shown."""
    text = _WORDS[step.kind](step.facts, room)
    return f"{text} (given up)" if step.facts.get("status") == "withdrawn" or step.facts.get("abandoned") else text


def _said(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _safe(facts: Mapping[str, Any], name: str) -> str:
    return told.visible(str(facts.get(name) or ""))


def _because(facts: Mapping[str, Any], name: str = "because") -> str:
    reason = _safe(facts, name)
    return f" — {reason}" if reason else ""


def _error(facts: Mapping[str, Any]) -> str:
    error = facts.get("error")
    return f"{error['type']}: {told.visible(error['what'])}" if error else ""


def _run(facts: Mapping[str, Any], room: int) -> str:
    del room
    took = facts["ended"] - facts["started"] if "ended" in facts and "started" in facts else None
    return _said(_safe(facts, "playbook"), _safe(facts, "status"), "" if took is None else told.duration(took))


def _asked(verb: str) -> Callable[[Mapping[str, Any], int], str]:
    def words(facts: Mapping[str, Any], room: int) -> str:
        body = facts["body"]
        if isinstance(body, dict) and body.keys() == {"values"} and isinstance(body["values"], dict):
            body = body["values"]  # the inputs of a playbook
        return f"{verb} {_safe(facts, 'to')}: {told.call(facts['type'], body, room)}"

    return words


def _publish(facts: Mapping[str, Any], room: int) -> str:
    what = told.call(facts["type"], facts["body"], room)
    return f"publishes to {_safe(facts, 'topic')}: {what} · {told.plural(facts['recipients'], 'recipient')}"


def _turn(facts: Mapping[str, Any], room: int) -> str:
    del room
    return f"{_safe(facts, 'agent')} takes it up"


def _took(facts: Mapping[str, Any]) -> str:
    return told.duration(round(facts["seconds"] * 1_000_000)) if "seconds" in facts else ""


def _outcome(facts: Mapping[str, Any], shown: str) -> str:
    status = facts["status"]
    if status == "ok":
        return f" → {shown}"
    if status == "open":
        return " → no outcome"
    return f" → {status}: {_error(facts)}" if facts.get("error") else f" → {status}"


def _model(facts: Mapping[str, Any], room: int) -> str:
    arguments = facts["arguments"] or {}
    returns = f" for {_safe(arguments, 'returns')}" if arguments.get("returns") else ""
    answer = facts.get("answer") or {}
    uses = ", ".join(told.visible(str(use.get("name"))) for use in answer.get("uses") or ())
    shown = f"wants {uses}" if uses else told.value(answer.get("text", ""), room)
    usage = facts.get("usage")
    tokens = f"{usage.get('input_tokens', 0):,} + {usage.get('output_tokens', 0):,} tokens" if usage else ""
    cost = told.money(facts["money"]) if facts.get("money") else ""
    return _said(f"model {_safe(facts, 'name')}{returns}{_outcome(facts, shown)}", tokens, cost, _took(facts))


def _tool(facts: Mapping[str, Any], room: int) -> str:
    what = told.call(facts["name"], facts["arguments"], room)
    shown = told.value(facts.get("answer"), room)
    rule = f"allowed by {_safe(facts, 'rule')}{_because(facts)}"
    return _said(f"tool {what}{_outcome(facts, shown)}", _took(facts), rule)


def _denied(facts: Mapping[str, Any], room: int) -> str:
    what = _proposed(facts, room)
    return f"REFUSED {what} · by {_safe(facts, 'rule')}: {told.visible(facts['error']['what'])}"


def _proposed(facts: Mapping[str, Any], room: int) -> str:
    if facts["what"] == "model":
        return f"model {_safe(facts, 'name')}"
    return f"{_safe(facts, 'what')} {told.call(facts['name'], facts['arguments'], room)}"


def _approval(facts: Mapping[str, Any], room: int) -> str:
    what = f"asks a person: {_proposed(facts, room)} · {_safe(facts, 'rule')}{_because(facts)}"
    if not facts["verdict"]:
        return f"{what} → nobody has answered"
    verdict = "approved" if facts["verdict"] == "approve" else "denied"
    return f"{what} → {verdict} by {_safe(facts, 'by') or 'somebody'}{_because(facts, 'note')}"


def _decided(facts: Mapping[str, Any], room: int) -> str:
    del room
    chosen = {facts["chosen"], *facts["chosen"].split(", ")}  # where several were chosen, they stand in a row
    others = [told.visible(str(option)) for option in facts["options"] if option not in chosen]
    rest = f" (not {', '.join(others)})" if others else ""
    by = f" · by {_safe(facts, 'by')}" if facts["by"].startswith("model ") or facts["by"] == "kernel" else ""
    return f"DECIDES {_safe(facts, 'question')} → {_safe(facts, 'chosen')}{rest}{_because(facts)}{by}"


def _guarded(facts: Mapping[str, Any], room: int) -> str:
    del room
    where = f"{_safe(facts, 'stage')} {_safe(facts, 'name')}"
    return f"GUARDRAIL {_safe(facts, 'guardrail')}: {_safe(facts, 'verdict')} at {where}{_because(facts, 'reason')}"


def _retry(facts: Mapping[str, Any], room: int) -> str:
    del room
    return f"tries again (attempt {facts['attempt']}) after {_took(facts)}: {_error(facts)}"


def _crashed(facts: Mapping[str, Any], room: int) -> str:
    del room
    action = facts["action"]
    return f"FAILS {_error(facts)} → {_ACTIONS.get(action, action)}"


def _resumed(facts: Mapping[str, Any], room: int) -> str:
    del room
    again, doubtful = len(facts["again"]), len(facts["doubtful"])
    what = [f"{told.plural(again, 'effect')} made again"] if again else []
    what += [f"{doubtful} in doubt"] if doubtful else []
    return _said("resumed", *what)


def _finished(facts: Mapping[str, Any], room: int) -> str:
    shown = _error(facts) or ("" if facts["output"] is None else told.value(facts["output"], room))
    return f"{_safe(facts, 'status')}: {shown}" if shown else _safe(facts, "status")


def _quarantined(facts: Mapping[str, Any], room: int) -> str:
    del room
    return f"SET ASIDE {_safe(facts, 'type')}: it made its agent fail again"


def _dead(facts: Mapping[str, Any], room: int) -> str:
    del room
    return f"DEAD LETTER {_safe(facts, 'type')} to {_safe(facts, 'to')}{_because(facts, 'reason')}"


def _spawned(facts: Mapping[str, Any], room: int) -> str:
    del room
    return f"brings {_safe(facts, 'agent')} into being ({_safe(facts, 'class')})"


_WORDS: Final[dict[str, Callable[[Mapping[str, Any], int], str]]] = {
    "run": _run,
    "start": _asked("asked"),
    "external": _asked("from outside, to"),
    "ask": _asked("asks"),
    "send": _asked("tells"),
    "publish": _publish,
    "turn": _turn,
    "model": _model,
    "tool": _tool,
    "act": _tool,
    "person": _tool,
    "denied": _denied,
    "approval": _approval,
    "decided": _decided,
    "guarded": _guarded,
    "retry": _retry,
    "reused": lambda facts, _: f"reuses the outcome of {_safe(facts, 'of')}",
    "crashed": _crashed,
    "quarantined": _quarantined,
    "dead": _dead,
    "halted": lambda facts, _: f"cancelled{_because(facts, 'reason')}",
    "timeout": lambda _, __: "out of time",
    "spawned": _spawned,
    "resumed": _resumed,
    "cancelled": lambda facts, _: f"the run is cancelled{_because(facts, 'reason')}",
    "finished": _finished,
}
