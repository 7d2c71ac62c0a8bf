"""A reference, a template or a condition means what it says, or is refused at the character that is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.playbook.evaluate import ABSENT, EvaluationError, fill, holds, why
from agentops.playbook.expressions import (
    Both,
    Compare,
    Condition,
    ExpressionError,
    Length,
    ListOf,
    Not,
    Ref,
    Template,
    Value,
    references,
    render,
)
from agentops.playbook.parser import MAX_LENGTH, MAX_NESTING, parse_condition, parse_template
from agentops.playbook.plan import Tree

A = Ref("a")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("a.b[0].c", Ref("a", ("b", 0, "c"))),
        ('a["x y"][-1]', Ref("a", ("x y", -1))),
        ("find-evidence.passages", Ref("find-evidence", ("passages",))),
        ("a.and.in", Ref("a", ("and", "in"))),
        ("${a.b} == true", Compare("==", Ref("a", ("b",)), Value(value=True))),
        ("a != 'it''s'", None),
        ("a != 'x'", Compare("!=", A, Value("x"))),
        ('a == "\\u00e9\\n"', Compare("==", A, Value("é\n"))),
        ("a<-1.5", Compare("<", A, Value(-1.5))),
        ("a>=2e3", Compare(">=", A, Value(2000.0))),
        ("a in ['x', 2, null]", Compare("in", A, ListOf((Value("x"), Value(2), Value(None))))),
        ("length(a.b) > 0", Compare(">", Length(Ref("a", ("b",))), Value(0))),
        ("length(${a})==0", Compare("==", Length(A), Value(0))),
        ("length == 3", Compare("==", Ref("length"), Value(3))),
        ("not a", Not(A)),
        ("not not a", Not(Not(A))),
        ("a and b or c", Both("or", (Both("and", (A, Ref("b"))), Ref("c")))),
        ("a and (b or c)", Both("and", (A, Both("or", (Ref("b"), Ref("c")))))),
        ("not (a or b)", Not(Both("or", (A, Ref("b"))))),
        ("  a\n and b ", Both("and", (A, Ref("b")))),
    ],
)
def test_a_condition_means_what_it_says(text: str, tree: Condition | None) -> None:
    if tree is None:
        with pytest.raises(ExpressionError, match="makes no sense here"):
            parse_condition(text)
    else:
        assert parse_condition(text) == tree


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("", 0, "the condition is empty"),
        ("   ", 0, "the condition is empty"),
        ("a = 1", 2, "'=' makes no sense here"),
        ("a && b", 2, "'&' makes no sense here"),
        ("a || b", 2, "'|' makes no sense here"),
        ("!a", 0, "'!' makes no sense here"),
        ("a + 1 == 2", 2, "'+' makes no sense here"),
        ("a b", 2, "'b' makes no sense here"),
        ("a ==", 4, "expected a value, found the end"),
        ("== 1", 0, "expected a value, found '=='"),
        ("(a", 2, "expected ')', found the end"),
        ("a)", 1, "')' makes no sense here"),
        ("a < b < c", 6, "comparisons cannot be chained"),
        ("(a) == b", 4, "a condition in parentheses cannot be compared"),
        ("a == (b)", 5, "expected a value, found '('"),
        ("a.b.", 4, "expected a field's name after '.'"),
        ("a[b]", 2, "'b' is no index"),
        ("a[1.5]", 2, "'1.5' is no index"),
        ("a['x'", 5, "expected ']'"),
        ("'abc", 0, '"\'" makes no sense here'),
        ('"\\x"', 0, "an escape in this text is malformed"),
        ('"\\ud800"', 0, "an escape in this text is malformed"),
        ("a == 007", 5, "'0' makes no sense here"),
        ("a == 1e999", 5, "too large a number"),
        ("open('x')", 0, "there is no function 'open'"),
        ("a.b('x')", 0, "there is no function 'a.b'"),
        ("length('x')", 7, "expected a reference"),
        ("a in [b]", 6, "expected a literal"),
        ("a in ['x' 'y']", 10, "expected ','"),
        ("__import__('os')", 0, "there is no function"),
        ("a if b else c", 2, "'if' makes no sense here"),
        ("lambda: 1", 6, "':' makes no sense here"),
        ("${a", 3, "expected '}'"),
        ("x" * (MAX_LENGTH + 1), 0, f"a condition of {MAX_LENGTH + 1} characters"),
        ("(" * 500 + "a", MAX_NESTING + 1, f"nested more than {MAX_NESTING} levels"),
        ("not " * 400 + "a", (MAX_NESTING + 1) * 4, f"nested more than {MAX_NESTING} levels"),
    ],
)
def test_what_does_not_parse_is_refused_at_the_character_where_it_stops_making_sense(
    text: str, offset: int, said: str
) -> None:
    with pytest.raises(ExpressionError, match=r".") as caught:
        parse_condition(text)
    assert said in caught.value.what
    assert caught.value.offset == offset


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("",)),
        ("plain $5 {x} $", ("plain $5 {x} $",)),
        ("${a}", (A,)),
        ("${ a.b }", (Ref("a", ("b",)),)),
        ("x ${a}${b} y", ("x ", A, Ref("b"), " y")),
        ("$${a}", ("${a}",)),
        ("${a}$${b}", (A, "${b}")),
        ("${a['}']}!", (Ref("a", ("}",)), "!")),
        ('${a["\\"}"]}', (Ref("a", ('"}',)),)),
    ],
)
def test_a_template_is_text_with_references_in_it(text: str, parts: tuple[str | Ref, ...]) -> None:
    assert parse_template(text) == Template(parts)


@pytest.mark.parametrize(
    ("text", "offset", "said"),
    [
        ("x ${a", 2, "'${' is not closed"),
        ("x ${}", 2, "the reference is empty"),
        ("x ${a b}", 6, "'b' makes no sense here"),
        ("${a == 1}", 4, "'==' makes no sense here"),
        ("${1}", 2, "expected a reference"),
        ("${f(x)}", 2, "there is no function 'f'"),
    ],
)
def test_a_template_is_refused_at_the_character_that_is_wrong(text: str, offset: int, said: str) -> None:
    with pytest.raises(ExpressionError, match=r".") as caught:
        parse_template(text)
    assert said in caught.value.what
    assert caught.value.offset == offset


def test_only_a_template_that_is_nothing_but_a_reference_keeps_a_value_whole() -> None:
    assert parse_template("${a}").whole == A
    assert parse_template("${a} ").whole is None
    assert parse_template("a").whole is None


# --- laws -------------------------------------------------------------------------------------------------------------

_names = st.from_regex(r"[a-z][a-z0-9]{0,4}(-[a-z0-9]{1,3})?", fullmatch=True).filter(
    lambda name: name not in {"and", "or", "not", "in", "true", "false", "null", "length"}
)
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
_refs = st.builds(Ref, _names, st.lists(_names | _texts | st.integers(-99, 99), max_size=3).map(tuple))
_values = st.builds(
    Value,
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | _texts
    | st.floats(allow_nan=False, allow_infinity=False),
)
_operands = _refs | _values | st.builds(Length, _refs) | st.builds(ListOf, st.lists(_values, max_size=3).map(tuple))
_compared = st.builds(Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in"]), _operands, _operands)
_conditions: st.SearchStrategy[Condition] = st.recursive(
    _operands | _compared,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(
            lambda word, parts: Both(word, tuple(part for part in parts)),
            st.sampled_from(["and", "or"]),
            st.lists(inner, min_size=2, max_size=3),
        )
    ),
    max_leaves=8,
)


@given(_conditions)
def test_a_condition_written_out_parses_to_itself(condition: Condition) -> None:
    assert parse_condition(render(condition)) == condition


@given(st.text(max_size=60))
def test_any_text_parses_or_is_refused_within_its_own_length(text: str) -> None:
    for parse in (parse_condition, parse_template):
        try:
            parse(text)
        except ExpressionError as error:
            assert 0 <= error.offset <= len(text)  # noqa: PT017 - either outcome is right


@given(st.text(st.sampled_from("ab.[]()'\"${}=!<> 01andornt-,\\"), max_size=50))
def test_text_near_the_language_parses_or_is_refused_within_its_own_length(text: str) -> None:
    test_any_text_parses_or_is_refused_within_its_own_length.hypothesis.inner_test(text)  # type: ignore[attr-defined]


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
)


@given(_conditions, st.dictionaries(_names, _json, max_size=4))
def test_a_condition_is_true_or_false_or_says_why_it_is_neither(condition: Condition, values: dict[str, Any]) -> None:
    try:
        assert holds(condition, values) in {True, False}
    except EvaluationError as error:
        assert error.what  # noqa: PT017 - either outcome is right
    assert isinstance(why(condition, values), str)


@given(_json)
def test_a_whole_reference_gives_the_value_itself(value: Any) -> None:
    assert fill(Template((A,)), {"a": value}) == value


# --- values -----------------------------------------------------------------------------------------------------------

VALUES: dict[str, Any] = {
    "inputs": {"n": 3, "name": "cat", "flag": True, "none": None},
    "step": {"items": [{"id": "x"}, {"id": "y"}], "score": 0.5, "empty": []},
}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("inputs.flag", True),
        ("not inputs.flag", False),
        ("inputs.n == 3.0", True),
        ("inputs.flag == 1", False),
        ("inputs.flag != 1", True),
        ("inputs.n == '3'", False),
        ("inputs.none == null", True),
        ("inputs.n > 2 and inputs.n <= 3", True),
        ("inputs.name < 'dog'", True),
        ("inputs.name in ['cat', 'dog']", True),
        ("inputs.n in [true, 4]", False),
        ("step.items[0].id == 'x' and step.items[-1].id == 'y'", True),
        ("length(step.items) == 2", True),
        ("length(step.empty) == 0", True),
        ("length(inputs.name) == 3", True),
        ("inputs.none == null or inputs.none.x == 1", True),
        ("inputs.none != null and inputs.none.x == 1", False),
        ("absent.accepted == null", True),
    ],
)
def test_comparisons_are_strict_and_later_parts_are_looked_at_only_when_they_matter(text: str, held: bool) -> None:
    assert holds(parse_condition(text), VALUES) is held


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inputs.name", 'inputs.name is "cat", not true or false'),
        ("inputs.n and true", "inputs.n is 3, not true or false"),
        ("inputs.n < 'x'", '3 and "x" have no order'),
        ("inputs.none < 1", "nothing has no order|null|have no order"),
        ("inputs.flag < 2", "true and 2 have no order"),
        ("length(inputs.n) > 0", "inputs.n has no length: it is 3"),
        ("inputs.n in 3", "'in' needs a list"),
        ("step.items[2].id == 1", r"step.items has no item \[2\]: it is a list of 2"),
        ("step.score.x == 1", "step.score has no field 'x': it is 0.5"),
        ("step.itms == 1", "step has no field 'itms': it is a mapping with 'items', 'score' and 'empty'"),
    ],
)
def test_a_value_that_an_expression_cannot_use_is_named(text: str, said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        holds(parse_condition(text), VALUES)


def test_the_reason_on_record_is_the_condition_with_what_it_saw() -> None:
    condition = parse_condition("inputs.n > 2 and length(step.items) == 2")
    assert why(condition, VALUES) == (
        "inputs.n > 2 and length(step.items) == 2: inputs.n is 3, length(step.items) is 2"
    )
    assert why(parse_condition("inputs.flag"), VALUES) == "inputs.flag is true"


def test_text_takes_scalars_and_refuses_what_has_no_text() -> None:
    template = parse_template("${inputs.name}: ${inputs.n}, ${step.score}, ${inputs.flag}")
    assert fill(template, VALUES) == "cat: 3, 0.5, true"
    with pytest.raises(EvaluationError, match=r"step\.items cannot stand inside text: it is a list of 2"):
        fill(parse_template("all ${step.items}"), VALUES)
    with pytest.raises(EvaluationError, match=r"inputs\.none cannot stand inside text: it is nothing"):
        fill(parse_template("no ${inputs.none}"), VALUES)


def test_a_field_whose_step_has_not_run_is_left_out() -> None:
    tree: dict[str, Tree] = {
        "a": Template((Ref("gone", ("x",)),)),
        "b": 1,
        "c": (Template((Ref("step", ("score",)),)),),
    }
    assert fill(tree, VALUES) == {"b": 1, "c": [0.5]}
    assert fill(Template((Ref("gone"),)), VALUES) is ABSENT


def test_every_reference_of_a_condition_is_found() -> None:
    found = references(parse_condition("a.x == b and not (length(c) > 1 or d in ['e'])"))
    assert [ref.root for ref in found] == ["a", "b", "c", "d"]
