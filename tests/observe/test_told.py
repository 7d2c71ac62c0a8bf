"""Values as people see them: short, safe, never more columns than there are."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.observe import told

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


@given(st.text())
def test_what_a_terminal_would_act_on_or_hide_never_gets_through(text: str) -> None:
    shown = told.visible(text)
    assert not any(ord(character) < 32 or 0x7F <= ord(character) < 0xA0 for character in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200e\u200f\ufeff")
    shown.encode("utf-8")


@given(st.text(alphabet=string.printable.strip() + " äßé漢字"))
def test_what_is_visible_stays_as_it_is(text: str) -> None:
    assert told.visible(text) == text


@given(st.text(), st.integers(1, 200))
def test_a_clipped_text_takes_at_most_the_columns_it_may(text: str, width: int) -> None:
    assert told.columns(told.clip(told.visible(text), width)) <= width


@given(JSON, st.integers(20, 200))
def test_any_value_fits_its_room_and_is_one_line(thing: object, width: int) -> None:
    shown = told.value(thing, width)
    assert told.columns(shown) <= width
    assert "\n" not in shown


def test_lines_of_a_page_stay_lines() -> None:
    assert told.visible("a\nb\x1b\tc", lines=True) == "a\nb\\x1b\tc"


@pytest.mark.parametrize(
    ("micro", "shown"),
    [(0, "$0.00"), (1, "$0.000001"), (1500, "$0.0015"), (1_234_560_000, "$1,234.56"), (500_000, "$0.50")],
)
def test_money_is_told_in_dollars_and_to_the_last_micro_dollar(micro: int, shown: str) -> None:
    assert told.money(micro) == shown


@pytest.mark.parametrize(
    ("micro", "shown"),
    [(900, "1 ms"), (999_400, "999 ms"), (1_500_000, "1.5 s"), (61_000_000, "1 min 1 s"), (7_260_000_000, "2 h 1 min")],
)
def test_a_length_of_time_is_told_in_the_unit_that_people_would_use(micro: int, shown: str) -> None:
    assert told.duration(micro) == shown
