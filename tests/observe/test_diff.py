"""Two runs are put in line by agent and cause; when something happened does not count."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from agentops.observe.diff import Compared, compare_paths, fields
from tests.observe.library import Enquire, Weigh, kept, play, write_documents

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


async def _compared(folder: Path, one: Weigh, other: Weigh) -> Compared:
    a, b = kept(await play(folder, one, other))
    return compare_paths(a.path, b.path)


async def test_the_same_question_twice_differs_in_nothing(tmp_path: Path) -> None:
    found = await _compared(tmp_path, Weigh(("leaf", "bean")), Weigh(("leaf", "bean")))
    assert (found.changes, found.output) == ([], ())
    assert found.same == 4


async def test_a_step_that_differs_is_told_field_by_field_under_who_took_it(tmp_path: Path) -> None:
    found = await _compared(tmp_path, Weigh(("leaf", "bean")), Weigh(("leaf", "cup")))
    start, decision, *calls = found.changes
    assert [(field.path, field.a, field.b) for field in start.fields] == [("body.names[1]", "bean", "cup")]
    assert [change.under for change in calls] == [("weigher",)]
    assert ("arguments.name", "bean", "cup") in [(field.path, field.a, field.b) for field in calls[0].fields]
    assert (decision.step.kind, decision.of) == ("decided", "both")
    assert [field.path for field in found.output] == ["output.grams"]


async def test_an_inserted_step_is_one_change_and_not_a_change_of_all_behind_it(tmp_path: Path) -> None:
    """The tare is weighed first, which gives every later step of that turn another path."""
    found = await _compared(tmp_path, Weigh(("leaf", "bean")), Weigh(("leaf", "bean"), tare="cup"))
    kinds = [(change.of, change.step.kind, change.step.facts.get("name")) for change in found.changes]
    assert kinds == [("both", "start", None), ("b", "tool", "weigh")]
    assert found.same == 3


async def test_two_enquiries_with_agents_side_by_side_are_the_same_whenever_answers_came(tmp_path: Path) -> None:
    documents = str(write_documents(tmp_path / "documents"))
    a, b, c = kept(await play(tmp_path, *(Enquire("tea coffee degrees ground", documents) for _ in range(3))))
    assert a.path.at != b.path.at
    found = compare_paths(b.path, c.path)
    assert (found.changes, found.output) == ([], ())
    index = compare_paths(a.path, b.path).changes
    assert [change.step.facts["name"] for change in index] == ["index_documents"], "which found nothing new"


@given(JSON, JSON)
def test_values_differ_in_some_field_exactly_if_they_are_not_the_same_json(one: object, other: object) -> None:
    assert bool(fields(one, other)) == (repr(_sorted(one)) != repr(_sorted(other)))


def _sorted(value: object) -> object:
    """Nulls that stand for what is not there are left out, as `fields` takes them."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value) if value[key] is not None}
    if isinstance(value, list):
        kept = [_sorted(each) for each in value]
        while kept and kept[-1] is None:
            kept.pop()
        return kept
    return value
