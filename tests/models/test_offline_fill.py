"""How the offline model fills the schema of an answer, and what it refuses to fill."""

from __future__ import annotations

from typing import Literal

import pytest

from agentops.errors import ModelFailed
from agentops.kernel import roles
from agentops.messages import Message
from agentops.models.offline import LABEL, ExtractiveModel
from agentops.models.offline.model import tokens
from tests.models.offline_desk import Findings, complete, fill, passages, plain, request

PUMP = {
    "question": "What does the pump cost?",
    "items": [
        {"id": "p1", "text": "The pump costs 90 euros in spring. It is made of steel."},
        {"id": "p2", "text": "In autumn the pump costs 70 euros, and the hose is included in the price."},
        {"id": "p3", "text": "Our risks are rust and frost. Rust risks the pump within ten years."},
    ],
}


class Reply(Message):
    """An answer as a whole, and what goes with it."""

    title: roles.Title
    text: roles.Answer
    sources: roles.SourceIds
    reason: roles.Reason
    note: roles.Note


class Judgement(Message):
    """A claim, judged."""

    supported: roles.Supported
    sources: roles.SourceIds
    reason: roles.Reason


class Checked(Message):
    """A quote that the same answer judges."""

    quote: roles.Quote
    supported: roles.Supported


class Loose(Message):
    """A type whose author knows nothing of roles."""

    summary: str
    risks: list[str]
    price: str | None = None
    urgent: bool = False
    score: float | None = None
    kind: Literal["report"] = "report"


class Nested(Message):
    """An object in an object."""

    inner: Loose
    others: tuple[Loose, ...] = ()


class Number(Message):
    """What nobody can quote."""

    price: int


class Choice(Message):
    """What takes a judgement."""

    mood: Literal["glad", "sad"]


def test_roles_are_filled_by_what_they_are() -> None:
    """Title: the question. Answer: sentences. Sources: their items. Reason: the shared words. Note: the label."""
    reply = fill(Reply, PUMP)
    assert reply.title == "What does the pump cost?"
    assert "The pump costs 90 euros in spring." in reply.text
    assert reply.sources[:2] == ("p1", "p2")
    assert reply.reason == "It speaks of pump, cost."
    assert "no language model" in reply.note


def test_a_claim_of_the_material_is_judged() -> None:
    """``Supported`` with nothing beside it is about the material's ``claim``; the sources say where it stands."""
    yes = fill(Judgement, PUMP | {"claim": "In autumn the pump costs 70 euros."})
    no = fill(Judgement, PUMP | {"claim": "In autumn the pump costs 60 euros."})
    assert (yes.supported, yes.sources) == (True, ("p2",))
    assert not no.supported
    assert "60" in no.reason


def test_a_quote_beside_it_is_what_supported_judges() -> None:
    """A verbatim quote supports itself."""
    assert fill(Checked, PUMP).supported


def test_supported_without_anything_to_judge_is_refused() -> None:
    """There is no default answer to whether nothing is true."""
    with pytest.raises(ModelFailed, match=r"`answer.supported` \(whether something is supported, with no quote"):
        complete(request("Judge.", PUMP, Judgement))


def test_a_type_without_roles_is_filled_where_it_can_be() -> None:
    """Strings and lists get sentences, chosen by the field's name too; what has a default keeps it."""
    loose = fill(Loose, PUMP)
    assert "pump costs" in loose.summary
    assert "Rust risks the pump within ten years." in loose.risks
    assert (loose.urgent, loose.score, loose.kind) == (False, None, "report")


def test_objects_are_filled_field_by_field_at_any_depth() -> None:
    """References to other definitions are followed."""
    nested = fill(Nested, PUMP)
    assert "pump costs" in nested.inner.summary
    assert nested.others[0].summary in {"The pump costs 90 euros in spring.", PUMP["items"][1]["text"]}  # type: ignore[index]


@pytest.mark.parametrize(
    ("returns", "what"),
    [
        (Number, r"`answer.price` \(integer\)"),
        (Choice, r"`answer.mood` \(one of \['glad', 'sad'\]\)"),
        (int, "`answer`"),
    ],
)
def test_what_takes_a_judgement_is_refused_by_name(returns: type, what: str) -> None:
    """A number or a choice without a default is not made up: the error names the field and the way out."""
    with pytest.raises(ModelFailed, match=rf"cannot fill {what}.*\n.*openai/<model>.*default.*role") as caught:
        complete(request("Answer.", PUMP, returns))
    assert caught.value.transient is False


def test_without_material_there_is_nothing_to_quote() -> None:
    """It does not write, so it refuses, and says how to give it something."""
    with pytest.raises(ModelFailed, match=r"given no material.*\n.*material=") as caught:
        complete(request("Write a poem."))
    assert caught.value.transient is False


def test_a_prompt_that_brings_its_own_text_is_answered_from_it() -> None:
    """First paragraph: the question. The others: the material."""
    said = complete(request("What does the pump cost?\n\nThe pump costs 90 euros. My aunt has a red hat.")).text
    assert said == "The pump costs 90 euros. [prompt]"


def test_without_a_schema_sentences_carry_the_ids_of_their_items() -> None:
    """A plain answer cites."""
    assert "The pump costs 90 euros in spring. [p1]" in complete(request("?", PUMP)).text


def test_a_tight_limit_gives_fewer_elements_never_broken_json() -> None:
    """Lists shrink to fit the output limit; below one element the reply says that it was cut."""
    material = {"question": "What happened in the outage of November 2024?", "passages": passages()}
    wide, tight = (plain(request("?", material, Findings, limit=limit))["findings"] for limit in (2048, 150))
    assert 0 < len(tight) < len(wide)
    cut = complete(request("?", material, Findings, limit=5))
    assert (cut.finish, len(cut.text)) == ("length", 20)


def test_usage_counts_four_characters_a_token_and_costs_nothing() -> None:
    """Real usage, a real price of zero, an honest label."""
    asked = request("What does the pump cost?", PUMP)
    reply = complete(asked)
    said = sum(len(message.text) + len(message.material) for message in asked.messages)
    assert reply.usage is not None
    assert reply.usage.input_tokens == -(-said // 4)
    assert reply.usage.output_tokens == tokens(reply.text)
    model = ExtractiveModel()
    assert model.price is not None
    assert model.price.cost(reply.usage) == 0
    assert (model.name, model.label, LABEL) == ("offline/extractive", LABEL, "extractive, no language model")


def test_streamed_text_is_the_reply() -> None:
    """What is emitted adds up to the text."""
    heard: list[str] = []
    text = complete(request("?", PUMP), heard.append).text
    assert "".join(heard) == text
