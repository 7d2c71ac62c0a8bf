"""What people may write as a budget, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import PolicyError
from agentops.supervisor.limits import Limits, dollars, parse_budget, parse_limits, quantity


@pytest.mark.parametrize(
    ("said", "limits"),
    [
        ("money=0.50", Limits(money=500_000)),
        ("money=$1", Limits(money=1_000_000)),
        ("money=0.000001", Limits(money=1)),
        ("money=0", Limits(money=0)),
        ("tokens=50000", Limits(tokens=50_000)),
        ("tokens=50_000", Limits(tokens=50_000)),
        (" tokens = 5 , tool_calls=0 ", Limits(tokens=5, tool_calls=0)),
        ("model_calls=3", Limits(model_calls=3)),
        ("seconds=90", Limits(seconds=90)),
        ("seconds=1.5", Limits(seconds=1.5)),
        ("seconds=250ms", Limits(seconds=0.25)),
        ("seconds=5m", Limits(seconds=300)),
        ("seconds=1h30m", Limits(seconds=5400)),
    ],
)
def test_budgets_are_written_as_people_write_them(said: str, limits: Limits) -> None:
    assert parse_budget(said) == limits


@pytest.mark.parametrize(
    "said",
    [
        "money=-1", "money=NaN", "money=inf", "money=1e3", "money=0.0000001", "money=", "money=1,5,0", "money=€5",
        "money=99999999999", "money=1_0", "tokens=-1", "tokens=1.5", "tokens=true", "tokens=1e3", "tokens=5__0",
        "tokens=99999999999999999999", "tokens=٣", "seconds=-1", "seconds=nan", "seconds=5 minutes", "seconds=m",
        "seconds=5x", "seconds=1 30m", "token=5", "money", "=5", "", "tokens=1,tokens=2",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(said: str) -> None:
    with pytest.raises(PolicyError, match=r"budget"):
        parse_budget(said)


@pytest.mark.parametrize("value", [True, False, float("nan"), float("inf"), -0.01, [1], {}, Decimal("NaN"), "1.0.0"])
@pytest.mark.parametrize("unit", Limits.__struct_fields__)
def test_no_unit_takes_what_is_no_quantity(unit: str, value: Any) -> None:
    with pytest.raises(PolicyError, match=unit):
        parse_limits({unit: value})


@pytest.mark.parametrize("value", [True, -1, 1.0, "5", 10**16])
def test_limits_made_by_a_program_are_checked_too(value: Any) -> None:
    with pytest.raises(PolicyError, match="tokens"):
        Limits(tokens=value)


def test_an_unknown_name_gets_a_suggestion() -> None:
    with pytest.raises(PolicyError, match="Did you mean 'tool_calls'"):
        parse_budget("toolcalls=3")


def test_several_texts_make_one_budget() -> None:
    assert parse_budget(["money=0.10", "tokens=7"]) == Limits(money=100_000, tokens=7)


def test_a_yaml_number_is_taken_by_its_decimal_form_not_by_its_binary_one() -> None:
    assert parse_limits({"money": 0.1}) == Limits(money=100_000)
    assert parse_limits({"money": 1e-05}) == Limits(money=10)
    assert parse_limits({"money": None}) == Limits()


@pytest.mark.parametrize("said", [None, 5, "money=1", ["money"]])
def test_a_budget_in_a_playbook_is_a_mapping(said: Any) -> None:
    with pytest.raises(PolicyError, match=r"steps\.2\.budget: .* is not a mapping"):
        parse_limits(said, "steps.2.budget")


def test_a_flag_replaces_and_a_nested_budget_tightens() -> None:
    playbook = Limits(money=500_000, tokens=1000)
    assert playbook.updated(Limits(tokens=9000)) == Limits(money=500_000, tokens=9000)
    assert playbook.tightened(Limits(tokens=9000, seconds=5)) == Limits(money=500_000, tokens=1000, seconds=5)


def test_limits_survive_json() -> None:
    limits = Limits(money=1, seconds=2.5)
    assert msgspec.json.decode(msgspec.json.encode(limits), type=Limits) == limits


@given(st.integers(0, 10**15))
def test_money_is_shown_exactly(micro: int) -> None:
    shown = dollars(micro)
    assert Decimal(shown.removeprefix("$").replace(",", "")) * 1_000_000 == micro


def test_quantities_read_well() -> None:
    assert [quantity("tokens", 1200), quantity("tool_calls", 1)] == ["1,200 tokens", "1 tool call"]
    assert [dollars(500_000), dollars(125), dollars(0), dollars(-1_500_000)] == [
        "$0.50",
        "$0.000125",
        "$0.00",
        "-$1.50",
    ]
