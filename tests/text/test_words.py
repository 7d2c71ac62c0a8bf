"""Words, stems and stop words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.text import STOP_WORDS, stem, terms, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Company's plan", ["the", "company", "plan"]),
        ("1,000 users, 3.5 seconds", ["1000", "users", "3.5", "seconds"]),
        ("v2.3.1 of max_retries", ["v2.3.1", "of", "max", "retries"]),
        ("follow-up e-mail", ["follow", "up", "e", "mail"]),
        ("Café naïve ÜBER straße", ["cafe", "naive", "uber", "strasse"]),
        ("don’t don't", ["don't", "don't"]),
        ("数据中心", ["数据", "据中", "中心"]),
        ("中 x", ["中", "x"]),
        ("", []),
        ("?!… -- __ **", []),
    ],
)
def test_words_are_folded_and_numbers_stay_whole(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    "family",
    [
        "price prices priced pricing",
        "policy policies",
        "retry retries retried",
        "company companies",
        "hop hops hopped hopping",
        "agree agrees agreed",
        "encrypt encrypts encrypted encrypting",
        "invoice invoices invoiced",
        "create creates created creating",
        "class classes",
    ],
)
def test_forms_of_a_word_share_a_stem(family: str) -> None:
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize("pair", ["universe university", "general generation", "status state"])
def test_different_words_keep_different_stems(pair: str) -> None:
    one, other = pair.split()
    assert stem(one) != stem(other)


def test_terms_are_what_a_text_is_about() -> None:
    assert terms("What does the Coast edition cost?") == ["coast", "edition", "cost"]


@given(st.text())
def test_words_of_any_text_are_lowercase_and_cut_again_to_themselves(text: str) -> None:
    for word in words(text):
        assert word
        assert word == word.casefold()
        assert not any(char.isspace() for char in word)


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz", max_size=12))
def test_a_stem_is_never_empty_and_hardly_longer(word: str) -> None:
    assert len(stem(word)) <= len(word) + 1
    assert bool(stem(word)) == bool(word)


def test_stop_words_are_written_as_words_gives_them() -> None:
    """Else they would never match."""
    assert {word for word in STOP_WORDS if words(word) != [word]} == set()
