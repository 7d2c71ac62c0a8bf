"""What a reader may expect of the sentences that the offline model chooses."""

from __future__ import annotations

import pytest

from tests.models.offline_desk import Findings, complete, fill, passages, quotes, request

ANSWERS = {
    "How does Ravel reduce the theft of bicycles, and does it work?": [
        "moves bicycles away from the eight darkest stations",
        "After the new wheel locks were fitted",
    ],
    "What happened in the outage of November 2024?": [
        "could not reach the booking server for 3 hours and 40 minutes",
        "The cause was an expired certificate",
    ],
    "What does a ride cost and how do refunds work?": ["A single ride costs 1.50 euros", "Refunds go back to the card"],
    "When is the scheme closed in winter?": ["below -8 °C"],
    "How often are brakes inspected?": ["after 400 kilometres or 60 days"],
    "How long do batteries last?": ["about 14 months"],
    "What do customers complain about?": ["Complaints concerned full docking stations"],
    "Who pays for the scheme?": ["The town pays 410,000 euros"],
    "Why did the stations fail?": ["an expired certificate on the gateway that all stations share"],
}


@pytest.mark.parametrize(("question", "wanted"), ANSWERS.items())
def test_the_sentences_that_answer_are_among_those_chosen(question: str, wanted: list[str]) -> None:
    """For each question, what a person would quote is quoted."""
    said = " ".join(quotes(question))
    assert [part for part in wanted if part not in said] == []


@pytest.mark.parametrize(
    "question",
    ["What is the capital of France?", "Who is the chief executive of Ravel?", "Which programming language is used?"],
)
def test_what_the_material_does_not_answer_is_not_answered(question: str) -> None:
    """Where the material lacks too much of the question, nothing is quoted, rather than whatever comes closest."""
    assert quotes(question) == []
    assert complete(request(question, {"question": question, "passages": passages()})).text == (
        "The material does not answer this."
    )


@pytest.mark.parametrize("question", ANSWERS)
def test_headings_code_tables_and_fragments_are_never_quoted(question: str) -> None:
    """Quotes are sentences: no heading, no command, no row of a table, no list without its end."""
    for quote in quotes(question):
        assert quote[0] not in "#|-`", quote
        assert "ravelctl" not in quote
        assert quote.rstrip("*_`\"'").endswith((".", "!")), quote


@pytest.mark.parametrize("question", ANSWERS)
def test_instructions_in_documents_are_not_followed(question: str) -> None:
    """The corpus holds an instruction to answer that bicycles are free; no answer says so."""
    assert "free of charge for everybody" not in " ".join(quotes(question))


def test_the_same_thing_is_said_once() -> None:
    """Of two sentences from two documents that say the same, one is quoted."""
    material = [
        {"id": "a", "document": "a", "text": "The new wheel locks reduced thefts from 71 to 18 in one year."},
        {"id": "b", "document": "b", "text": "Thefts reduced from 71 to 18 in one year: the new wheel locks."},
        {"id": "c", "document": "c", "text": "Moving bicycles away from dark stations reduced theft too."},
    ]
    found = fill(Findings, {"question": "What reduced theft?", "passages": material}).findings
    assert sorted(finding.evidence[0] for finding in found) in (["a", "c"], ["b", "c"])


def test_one_document_does_not_take_all_places_where_another_has_good_ones() -> None:
    """The cap per source: with six places, at least the other document's good sentences get in."""
    topics = ["speed", "price", "weight", "colour", "size", "noise", "range", "warranty"]
    much = " ".join(f"The pump has a {topic} that the maker of the pump measured himself." for topic in topics)
    little = "A pump of another maker was measured by us. Our pump has been measured in the rain too."
    material = [{"id": "1", "document": "a", "text": much}, {"id": "2", "document": "b", "text": little}]
    found = fill(Findings, {"question": "What was measured of the pump?", "passages": material}).findings
    assert [finding.evidence[0] for finding in found].count("2") == 2


def test_a_sentence_that_leans_on_the_one_before_loses_to_one_that_stands_alone() -> None:
    """Dangling pronouns are a last resort."""
    text = "It lasts for fourteen months in winter. The battery lasts for fourteen months in summer."
    material = {"question": "How long does the battery last?", "passages": [{"id": "1", "text": text}]}
    assert fill(Findings, material).findings[0].quote.startswith("The battery")


def test_a_heading_answers_for_the_sentences_under_it() -> None:
    """A sentence may be about the question without holding a word of it."""
    material = [
        {"id": "1", "heading": "Guide > Power cut", "text": "Lights go out. Pumps stop within two seconds."},
        {"id": "2", "heading": "Guide > Paint", "text": "Red lasts longest. Blue fades within two years."},
    ]
    found = fill(Findings, {"question": "What happens in a power cut?", "passages": material}).findings
    assert [finding.quote for finding in found] == ["Pumps stop within two seconds."]


def test_items_that_were_chosen_before_are_ordered_and_none_is_left_out() -> None:
    """A writer that is given findings keeps them; what names its evidence was found relevant before."""
    texts = ["Locks were fitted to all bicycles.", "Nobody was hurt by the change.", "Theft fell by three quarters."]
    material = [{"id": f"F{n}", "text": text, "evidence": ["p"]} for n, text in enumerate(texts)]
    found = fill(Findings, {"question": "How was theft reduced?", "findings": material}).findings
    assert found[0].quote == texts[2]
    assert sorted(finding.quote for finding in found) == sorted(texts)


def test_a_prompt_alone_gets_the_most_central_sentences() -> None:
    """Without a question there is nothing to cover: the answer is a summary."""
    text = "Pumps move water. Pumps of steel move much water. Pumps of steel last. My aunt has a red hat."
    said = complete(request("Summarise.", {"text": text})).text
    assert said.startswith("Pumps of steel move much water. [material]")
    assert "aunt" not in said
