"""When the offline model says that material supports a claim: by containment, and in doubt no."""

from __future__ import annotations

import pytest

from agentops.models.offline.reading import Item
from agentops.models.offline.support import check

ITEMS = (
    Item("a", "The town pays 410,000 euros a year for the scheme. Fares cover a further 380,000 euros.", "a"),
    Item(
        "b", "Refunds are not paid for rides that\nwere cut short by rain. They arrive within five working days.", "b"
    ),
)


@pytest.mark.parametrize(
    ("claim", "ids"),
    [
        ("Fares cover a further 380,000 euros.", ("a",)),
        ("the town pays 410,000 euros a year", ("a",)),
        ("Refunds are not paid for rides that were cut short by rain.", ("b",)),
        ("Each year the town is paying 410000 euros for the scheme.", ("a",)),
        ("Rides cut short by rain: no refunds are paid.", ("b",)),
    ],
)
def test_what_stands_there_is_supported(claim: str, ids: tuple[str, ...]) -> None:
    """Word for word, or with other forms of the same words; white space, case and thousands separators aside."""
    found = check(claim, ITEMS)
    assert (found.supported, found.ids) == (True, ids), found.reason


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("The town pays 400,000 euros a year for the scheme.", "number 400000"),
        ("Refunds are paid for rides that were cut short by rain.", "negation"),
        ("The town does not pay 410,000 euros a year for the scheme.", "negation"),
        ("The state pays for roads, bridges and tunnels.", "contains its words"),
        ("Is it of the.", "no words that could be checked"),
    ],
)
def test_what_differs_is_not_supported_and_the_reason_says_how(claim: str, reason: str) -> None:
    """Another number, another negation, other words."""
    found = check(claim, ITEMS)
    assert not found.supported
    assert reason in found.reason


def test_words_from_distant_sentences_do_not_add_up() -> None:
    """A claim is not supported by words that stand in different items."""
    assert not check("Refunds are a further 380,000 euros.", ITEMS).supported


def test_nothing_supports_a_claim_where_there_is_no_material() -> None:
    """No items: no support."""
    assert "no material" in check("Pumps move water.", ()).reason
