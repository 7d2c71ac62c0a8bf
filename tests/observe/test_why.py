"""From a claim back to the words of the sources, by what is on record and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agentops.observe.why import Reason, claims_of, led_to, why
from tests.observe.library import DOCUMENTS, Enquire, Weigh, kept, play, write_documents


@pytest.fixture
async def reasons(tmp_path: Path) -> list[Reason]:
    documents = write_documents(tmp_path / "documents")
    (run,) = kept(await play(tmp_path, Enquire("tea and coffee, degrees, ground", str(documents))))
    return why(run.talk)


def _chain(reason: Reason) -> Iterator[Reason]:
    yield reason
    for each in reason.because[:1]:
        yield from _chain(each)


async def test_a_claim_is_followed_to_the_findings_the_passage_the_search_and_the_question(
    reasons: list[Reason],
) -> None:
    assert [each.kind for each in _chain(reasons[0])] == ["claim", "item", "source", "call", "message", "input"]
    _, item, source, call, message, origin = _chain(reasons[0])
    assert (item.name, item.by) == ("P1", "reader")
    assert source.name.startswith("tea.md:")
    assert (call.name, call.by, call.rule) == ("search_documents", "scout", "search")
    assert call.value["query"] == "tea and coffee, degrees, ground"
    assert (message.name, message.by) == ("Find", "scribe")
    assert (origin.name, origin.value["words"]) == ("Enquire", ["degrees", "ground"])


async def test_the_quoted_span_is_what_stands_in_the_document(reasons: list[Reason]) -> None:
    for reason in reasons:
        (span,) = reason.sources()
        assert DOCUMENTS[span.document][span.start : span.end] == span.text
        assert span.text in reason.text


async def test_an_id_that_two_agents_used_leads_to_the_one_with_the_same_citation(reasons: list[Reason]) -> None:
    """Both readings number their points from P1; the scribe had both."""
    assert len(reasons) == 2
    assert [reason.because[0].name for reason in reasons] == ["P1", "P1"]
    assert ["degrees" in reasons[0].because[0].text, "ground" in reasons[1].because[0].text] == [True, True]
    assert [reason.sources()[0].document for reason in reasons] == ["tea.md", "coffee.md"]


async def test_an_output_without_claims_is_told_by_what_led_to_it(tmp_path: Path) -> None:
    (run,) = kept(await play(tmp_path, Weigh(("leaf", "bean"))))
    assert why(run.talk) == []
    start = led_to(run.path).steps[0]
    assert [(step.kind, step.facts["name"]) for step in start.steps] == [("tool", "weigh"), ("tool", "weigh")]


def test_claims_are_found_by_name_or_by_what_they_rest_on() -> None:
    claim = {"text": "so it is", "findings": ["F1"]}
    assert claims_of({"claims": [claim], "note": {"text": "x", "sources": []}}) == [claim]
    assert claims_of({"points": [{"left": claim, "right": None}]}) == [claim]
    assert claims_of({"text": "nothing is cited"}) == []
    assert claims_of(None) == []
