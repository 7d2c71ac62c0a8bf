"""`Step`: one thing that happened, with what happened because of it below."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Step"]


class Step(msgspec.Struct):
    """A node of a run's decision path. ``facts`` are plain JSON values; which ones depends on ``kind``.

    ====================  =========================================================================================
    kind                  facts
    ====================  =========================================================================================
    run                   playbook, status, started, ended
    start, external       to, type, body, turn, answer
    ask, send             from, to, type, body, turn, answer; below: what the recipient did about it
    publish               topic, type, body, recipients
    turn                  agent, turn: a recipient of something published, at work on it
    model, tool, act      name, arguments, rule, because, status, answer, error, usage, tokens, money, seconds
    denied                what, name, arguments, rule, error
    approval              what, name, arguments, rule, because, verdict, by, note
    decided               question, options, chosen, because, by
    guarded               guardrail, verdict, stage, name, reason
    retry                 attempt, error, seconds
    reused                of
    crashed               error, action
    quarantined, dead     to, type, reason
    halted, timeout       reason
    spawned               agent, class, parent
    resumed               again, doubtful
    cancelled             reason
    finished              status, output, error
    ====================  =========================================================================================

    Times (``at``, ``started``, ``ended``) are microseconds since 1970 UTC, ``money`` is micro-dollars. An effect's
    ``status`` is ``open`` while it has no outcome, then ``ok | error | cancelled | lost | withdrawn``.
    """

    kind: str
    id: str = ""
    agent: str = ""
    """Who did it; empty: the run itself, or somebody outside."""
    at: int = 0
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    steps: list[Step] = msgspec.field(default_factory=list)
