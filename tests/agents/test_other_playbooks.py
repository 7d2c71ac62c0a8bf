"""The agents of the other playbooks: an answer for a customer, and a comparison."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentops.retrieval.index import Index
from tests.agents.stage import CORPUS, load, perform

messages = load("messages")
Retriever, Analyst = load("retriever").Retriever, load("analyst").Analyst
Responder, Comparer = load("responder").Responder, load("comparer").Comparer


@pytest.fixture(name="indexed", scope="module")
def _indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    data = tmp_path_factory.mktemp("workspace")
    with Index.open(data / "documents.db") as index:
        yield data, index.add(CORPUS).collection


def evidence(indexed: tuple[Path, str], question: str, document: str = "") -> Any:
    data, collection = indexed
    return perform(Retriever, messages.Question(question, collection, document), data=data).output


def test_a_customer_gets_an_answer_with_its_sources(indexed: tuple[Path, str]) -> None:
    """Covered: the text, and claims that cite it."""
    response = perform(Responder, evidence(indexed, "How long do refunds take?")).output
    assert response.covered
    assert "arrive within five working days" in response.text
    assert all(claim.citations for claim in response.claims)
    assert "[1] `customer-faq.md:" in response.markdown()


@pytest.mark.parametrize("question", ["Do you sell gift vouchers for helicopters?", "Quel temps fait-il?"])
def test_a_question_that_is_not_covered_is_not_answered(indexed: tuple[Path, str], question: str) -> None:
    """Not covered: no claims, a text that says so, and the decision on record."""
    played = perform(Responder, evidence(indexed, question))
    assert (played.output.covered, played.output.claims) == (False, ())
    assert "do not cover this question" in played.output.markdown()
    assert played.decided[-1].chosen == "not covered"


def test_an_answer_that_rests_on_nothing_is_not_given(indexed: tuple[Path, str]) -> None:
    """A model that makes up its source has not covered the question."""
    invented = {"findings": [{"text": "We pay you back.", "quote": "We pay you back.", "evidence": ["policy.md:0-9"]}]}
    played = perform(Responder, evidence(indexed, "How do refunds work?"), model=lambda _: json.dumps(invented))
    assert not played.output.covered
    assert "We pay you back." not in played.output.markdown()


def test_two_documents_are_compared_point_by_point(indexed: tuple[Path, str]) -> None:
    """What both say, where they differ, what only one says; every finding of both sides occurs."""
    question = "How did thefts change after the new wheel locks were fitted?"
    sides = [
        perform(Analyst, evidence(indexed, question, document)).output
        for document in ("handbook.md", "council-report.md")
    ]
    order = messages.Compare(question, *sides, "handbook.md", "council-report.md")
    comparison = perform(Comparer, order).output
    together = [point for point in comparison.points if point.left and point.right]
    assert any("fell to 18" in point.left.text and "18 in 2024" in point.right.text for point in together)
    shown = {claim.text for point in comparison.points for claim in (point.left, point.right) if claim}
    assert {finding.text for side in sides for finding in side.findings} <= shown
    assert "handbook.md" in comparison.markdown()


def finding(name: str, text: str) -> Any:
    return messages.Finding(name, text, text, ("p",), ())


def test_sides_that_say_the_same_agree_and_others_stand_alone() -> None:
    """The relation follows the model's judgement; what has no counterpart is on one side only."""
    left = messages.Findings("?", (finding("F1", "Pumps move 40 litres."), finding("F2", "Hats are red.")))
    right = messages.Findings("?", (finding("F1", "Pumps move 40 litres."), finding("F2", "Locks weigh 2 kilos.")))
    points = perform(Comparer, messages.Compare("?", left, right)).output.points
    assert [point.relation for point in points] == ["agree", "left only", "right only"]


def test_a_counterpart_with_another_number_differs_and_the_reason_is_kept() -> None:
    """Both speak of it, and they do not say the same."""
    left = messages.Findings("?", (finding("F1", "A pump moves 40 litres an hour."),))
    right = messages.Findings("?", (finding("F1", "A pump moves 30 litres an hour."),))
    (point,) = perform(Comparer, messages.Compare("?", left, right)).output.points
    assert point.relation == "differ"
    assert "40" in point.because


def test_a_side_without_findings_needs_no_model() -> None:
    """Nothing to match: what the other side says stands alone; nothing on both sides says so."""
    none, some = messages.Findings("?"), messages.Findings("?", (finding("F1", "Hats are red."),))
    played = perform(Comparer, messages.Compare("?", some, none))
    assert [point.relation for point in played.output.points] == ["left only"]
    assert played.requests == []
    assert "do not answer" in perform(Comparer, messages.Compare("?", none, none)).output.markdown()
