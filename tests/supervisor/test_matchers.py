"""What an argument must be: certain for a rule that allows, merely possible for a rule that forbids."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.supervisor.matchers import MATCHERS, compile_matchers, glob

YES, NO, DOUBT = (True, True), (False, False), (False, True)
"""(surely, perhaps)"""

TABLE: list[tuple[dict[str, Any], Any, tuple[bool, bool]]] = [
    ({"equals": "a"}, "a", YES),
    ({"equals": "a"}, "b", NO),
    ({"equals": "rm"}, "RM", DOUBT),
    ({"equals": "rm"}, " rm\n", DOUBT),
    ({"equals": "rm"}, "r\u200bm", DOUBT),
    ({"equals": "rm"}, "\uff52m", DOUBT),
    ({"equals": "admin"}, "аdmin", DOUBT),  # noqa: RUF001 - a Cyrillic letter, on purpose
    ({"equals": "admin"}, "Müller", NO),
    ({"equals": 1}, 1, YES),
    ({"equals": 1}, 1.0, YES),
    ({"equals": 1}, True, DOUBT),
    ({"equals": 1}, "1", DOUBT),
    ({"equals": True}, True, YES),
    ({"equals": True}, False, NO),
    ({"equals": True}, 1, DOUBT),
    ({"equals": None}, None, YES),
    ({"equals": [1, 2]}, [1, 2], YES),
    ({"equals": [1, 2]}, [2, 1], NO),
    ({"equals": {"a": 1, "b": 2}}, {"b": 2, "a": 1}, YES),
    ({"equals": [1]}, [True], NO),
    ({"equals": [1]}, [10**40], NO),
    ({"equals": {"a": 1}}, {"a": 1, "b": 2}, NO),
    ({"one_of": ["a", "b"]}, "b", YES),
    ({"one_of": ["a", "b"]}, "c", NO),
    ({"one_of": ["a", "b"]}, "B", DOUBT),
    ({"one_of": ["a", 1]}, "zzz", NO),
    ({"one_of": ["a"]}, None, DOUBT),
    ({"one_of": ["a", "b"]}, ["a", "b"], YES),
    ({"one_of": ["a", "b"]}, ["a", "c"], DOUBT),
    ({"one_of": ["a", "b"]}, ["c", "d"], NO),
    ({"one_of": ["a", "b"]}, [], (True, False)),
    ({"max": 10}, 10, YES),
    ({"max": 10}, 10.5, NO),
    ({"max": 10}, -5, YES),
    ({"max": 10}, True, DOUBT),
    ({"max": 10}, "5", DOUBT),
    ({"max": 10}, None, DOUBT),
    ({"max": 10}, float("nan"), DOUBT),
    ({"max": 10}, float("-inf"), DOUBT),
    ({"max": 10}, 10**400, NO),
    ({"max": 10}, [1, 11], DOUBT),
    ({"min": 0, "max": 10}, 5, YES),
    ({"min": 0, "max": 10}, -1, NO),
    ({"min": 100}, "1000000", DOUBT),
    ({"max_length": 3}, "abc", YES),
    ({"max_length": 3}, "abcd", NO),
    ({"max_length": 1}, ["a", "b"], NO),
    ({"max_length": 3}, 5, DOUBT),
    ({"matches": "report-*.md"}, "report-1.md", YES),
    ({"matches": "report-*.md"}, "report-1.md.exe", NO),
    ({"matches": "*drop table*"}, "x; DROP  TABLE y", DOUBT),
    ({"matches": "*drop table*"}, "nothing", NO),
    ({"matches": "a*"}, 5, DOUBT),
    ({"path_under": "out"}, ["out/a", "etc/b"], DOUBT),
    ({"email_domain": "a.test"}, ["x@a.test", "y@a.test"], YES),
    ({"email_domain": "a.test"}, ["x@a.test", "y@b.test"], DOUBT),
    ({"email_domain": "a.test"}, [["x@a.test"]], DOUBT),
    ({"url_host": "a.test", "max_length": 20}, "https://a.test/" + "x" * 20, NO),
]


@pytest.mark.parametrize(("said", "value", "answers"), TABLE)
def test_matchers(said: dict[str, Any], value: Any, answers: tuple[bool, bool]) -> None:
    matchers = compile_matchers(said)
    assert (all(m.surely(value) for m in matchers), all(m.perhaps(value) for m in matchers)) == answers


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ({}, "is not a matcher"),
        ("out/", "is not a matcher"),
        (["a"], "is not a matcher"),
        ({"path_undr": "x"}, "Did you mean 'path_under'"),
        ({"max": True}, "max: True is not a number"),
        ({"min": "5"}, "min: '5' is not a number"),
        ({"max": float("nan")}, "max: nan is not a number"),
        ({"max_length": -1}, "max_length: -1 is not a whole number"),
        ({"one_of": "abc"}, "one_of: 'abc' is not a list"),
        ({"one_of": []}, "one_of: .* is not a list"),
        ({"one_of": [date(2024, 1, 1)]}, "is a date, which no argument can equal; if it is a text, quote it"),
        ({"equals": float("nan")}, "is a float, which no argument can equal"),
        ({"equals": {"a": [{1: 2}]}}, "is a dict, which no argument can equal"),
        ({"matches": 5}, "matches: 5 is not a pattern"),
        ({"matches": ""}, "matches: '' is not a pattern"),
        ({"path_under": 5}, "path_under: 5 is not a plain path"),
        ({"url_host": "https://x"}, "url_host: 'https://x' is not a host"),
    ],
)
def test_what_is_no_matcher_is_refused(said: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        compile_matchers(said)


SETTINGS: dict[str, Any] = {
    "path_under": "out", "url_host": "a.test", "email_domain": "a.test", "one_of": ["a", 1, None], "matches": "*a*b*",
    "max": 5, "min": 5, "equals": {"a": [1]}, "max_length": 3,
}  # fmt: skip
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def test_every_matcher_stands_in_these_tests() -> None:
    assert set(SETTINGS) == set(MATCHERS)


@given(json)
def test_whatever_surely_fits_also_perhaps_fits_and_nothing_raises(value: Any) -> None:
    for name, setting in SETTINGS.items():
        (matcher,) = compile_matchers({name: setting})
        sure, maybe = matcher.surely(value), matcher.perhaps(value)
        assert not sure or maybe or value == []


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("a", "a", True), ("a", "ab", False), ("*", "", True), ("a*", "a", True), ("a*b", "ab", True),
        ("a*a", "a", False), ("a*b*c", "axbyc", True), ("a*b*c", "acb", False),
        ("**", "x", True), ("*.md", "x.md", True),
        ("[a]", "a", False), ("a?", "ab", False), (".*", "x", False), ("ab*bc", "abc", False),
    ],
)  # fmt: skip
def test_only_the_star_is_special(pattern: str, text: str, fits: bool) -> None:
    assert glob(pattern)(text) is fits


def test_a_hostile_pattern_takes_linear_time() -> None:
    """What makes backtracking explode (many stars, nearly matching text) is answered at once."""
    assert not glob("*a" * 300 + "b")("a" * 90_000)
