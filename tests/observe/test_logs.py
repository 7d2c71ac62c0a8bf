"""Logs and progress lines, from records."""

from __future__ import annotations

import io
import json
import typing

import pytest

from agentops.errors import InvalidInput
from agentops.kernel import records as r
from agentops.kernel.gate import Amount
from agentops.observe.approvals import waiting
from agentops.observe.logs import open_log
from agentops.observe.path import decision_path
from agentops.observe.progress import describe
from agentops.observe.words import _WORDS

RAW = r.Raw(b'{"name":"x"}')
ERROR = r.ErrorRecord("ToolFailed", "it \x1b broke")
RECORDS: list[r.Record] = [
    r.Spawned("a", "A"),
    r.Sent("a/1/0.1", "b", "Note", RAW),
    r.Asked("a/1/0.2", "b", "Note", RAW),
    r.Published("a/1/0.3", "news", "Note", RAW, 2),
    r.Replied("a/1/0.2", RAW),
    r.Effect("a/1/0.4", "tool", "look", RAW, "rule"),
    r.Denied("a/1/0.5", "tool", "look", RAW, "rule", ERROR),
    r.Approval("a/1/0.6", "tool", "look", RAW, "rule", "because"),
    r.Settled("a/1/0.4", Amount(money=1), Amount(money=1)),
    r.Retrying("a/1/0.4", 2, 5, ERROR),
    r.Withdrawn("a/1/0.4"),
    r.Abandoned("a/1/0.4"),
    r.Reused("a/1/0.7", "a/1/0.1"),
    r.Decided("a/1/0.8", "which?", ("x", "y"), "x", "it \x1b is"),
    r.Guarded("a/1/0.9", "message", "Note", "guard", "block", "bad"),
    r.Fired("a/1/0"),
    r.Crashed("a/1/0", ERROR, "told"),
    r.Quarantined("a/1/0", "Note"),
    r.DeadLettered("b", "Note", "it has stopped"),
    r.Halted("a/1/0", "over"),
    r.Finished("failed", error=ERROR),
]
START = r.Start(1_000_000, "run-1", "Note", RAW)


def test_there_is_an_example_of_every_kind_of_record() -> None:
    assert {type(record) for record in RECORDS} == set(typing.get_args(r.Record))


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_every_record_finds_its_place_on_the_path_and_in_words(record: r.Record) -> None:
    """Whatever comes, in whatever order: reading a run must not fail on a record that stands alone."""
    from agentops.observe.tree import draw

    root = decision_path([(START, [r.Spawned("a", "A"), record])], lambda _: b"null")
    assert "\x1b" not in draw(root)
    assert all(step.kind in _WORDS for step in root.steps)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_a_progress_line_is_one_safe_line(record: r.Record) -> None:
    line = describe(record)
    assert "\n" not in line
    assert "\x1b" not in line


def test_a_log_is_json_lines_with_run_agent_effect_and_the_recorded_time() -> None:
    stream = io.StringIO()
    log = open_log("debug", stream)
    for record in RECORDS:
        log("run-1", 1_000_000, record)
    entries = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert len(entries) == len(RECORDS)
    assert {entry["run"] for entry in entries} == {"run-1"}
    assert {entry["timestamp"] for entry in entries} == {"1970-01-01T00:00:01.000000+00:00"}
    (effect,) = [entry for entry in entries if entry["record"] == "effect"]
    assert (effect["agent"], effect["effect"], effect["level"]) == ("a", "a/1/0.4", "info")
    (denied,) = [entry for entry in entries if entry["record"] == "denied"]
    assert denied["level"] == "warning"


def test_a_log_leaves_out_what_is_below_its_level() -> None:
    stream = io.StringIO()
    log = open_log("error", stream)
    for record in RECORDS:
        log("run-1", 1_000_000, record)
    assert {json.loads(line)["record"] for line in stream.getvalue().splitlines()} == {"quarantined", "finished"}


def test_a_level_that_is_none_is_refused_with_a_suggestion() -> None:
    with pytest.raises(InvalidInput, match="Did you mean 'warning'"):
        open_log("warnin", io.StringIO())


def test_an_approval_waits_until_it_is_answered_and_a_second_question_is_another_one() -> None:
    """After a crash the same effect may be put before a person again: that answer must be a new one."""
    ask = r.Approval("a/1/0.6", "tool", "look", RAW, "rule")
    first: list[tuple[r.Delivery, list[r.Record]]] = [(START, [ask])]
    (open_one,) = waiting(first)
    assert open_one.key == "a/1/0.6@1"
    answered: list[tuple[r.Delivery, list[r.Record]]] = [*first, (r.Answer(2, "a/1/0.6", "approve"), [])]
    assert waiting(answered) == []
    (second,) = waiting([*answered, (r.Resumed(3), [ask])])
    assert second.key == "a/1/0.6@2"
