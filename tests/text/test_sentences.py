"""Sentences: where they end, and that each is a slice of its text."""

from __future__ import annotations

import pytest
from hypothesis import given

from agentops.text import sentences
from tests.text.test_blocks import MARKDOWN


def split(text: str) -> list[str]:
    return [text[one.start : one.end] for one in sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.5 euros. | It is late.",
        "Dr. Aune and Mrs. Berg met. | They spoke.",
        "Use a crane, e.g. a small one. | Then stop.",
        "Send it to Acme Inc. in Oslo. | The rest stays.",
        "It was made by Acme Inc. | The price was high.",
        "See fig. 5 and No. 7 of the list. | Done.",
        "Is it on? | No. | It is off!",
        "The U.S. market grew. | J. R. Hall left.",
        'He said "stop." | Then he left.',
        "It ends (in brackets.) | Next.",
        "It is **bold.** | *Next* one.",
        "Wait... | Then go... on.",
        "node.js is fast. | See example.com for more.",
        "We meet at 5 p.m. | The room is free.",
        "We meet at 5 p.m. on Monday.",
        "Version 2.0.1 is out. | 3 people noticed.",
        "Apples, pears, etc. are fruit. | They rot.",
        "你好。 | 世界很大\uff01 | 对吗\uff1f",
        "One line\nand the next. | Then\nmore.",
        "No end at all",
    ],
)
def test_a_sentence_ends_where_a_reader_would_say_so(text: str) -> None:
    """The bars mark the boundaries."""
    expected = text.split(" | ")
    assert split(text.replace(" | ", " ")) == expected


def test_code_tables_headings_and_comments_have_no_sentences() -> None:
    text = "# Head. Line.\n\n```\ncode. Here.\n```\n\n| a. B | c |\n|---|---|\n\n<!-- no. No. -->\n\n---\n\nReal one.\n"
    assert split(text) == ["Real one."]


def test_list_items_are_told_apart_and_lose_their_marker() -> None:
    text = "Intro here is:\n\n- The limit is 500. It resets.\n- Postgres\n2. Do it now, please.\n"
    found = [(one.kind, one.complete, text[one.start : one.end]) for one in sentences(text)]
    assert found == [
        ("prose", True, "Intro here is:"),
        ("item", True, "The limit is 500."),
        ("item", False, "It resets."),
        ("item", False, "Postgres"),
        ("item", True, "Do it now, please."),
    ]


def test_a_quotes_mark_is_no_part_of_its_sentences() -> None:
    assert split("> First of all. Second\n> of it.\n") == ["First of all.", "Second\n> of it."]


@given(MARKDOWN)
def test_every_sentence_is_a_slice_without_white_space_around_it(text: str) -> None:
    at = 0
    for one in sentences(text):
        quoted = text[one.start : one.end]
        assert at <= one.start < one.end
        assert quoted == quoted.strip()
        at = one.end
    assert at <= len(text)


@given(MARKDOWN)
def test_a_sentence_cut_out_of_its_text_is_still_prose(text: str) -> None:
    """What is quoted alone (in a brief) does not turn into two, or fall apart, where it is one line of plain words."""
    for one in sentences(text):
        quoted = text[one.start : one.end]
        if quoted.replace(" ", "").isalpha():
            assert split(quoted) == [quoted]


@pytest.mark.parametrize("unit", [".", ". ", ".x", "a. ", '."', "- ", "> ", "`", "[", "|\n", "- a\n", "A. ", "<!--\n"])
def test_hostile_repetition_is_read_in_linear_time(unit: str) -> None:
    """Quadratic time would take minutes here, and the suite's patience with it."""
    text = unit * 50_000
    for one in sentences(text):
        assert one.start < one.end
