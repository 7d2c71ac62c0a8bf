"""Prices: declared, looked up, or unknown."""

from __future__ import annotations

from decimal import Decimal
from importlib.metadata import version
from typing import Any

import pytest

from agentops.errors import InvalidInput
from agentops.kernel.chat import Price, Usage
from agentops.models.prices import find_price, parse_price, parse_prices

OPENAI = "https://api.openai.com/v1"


def test_a_known_model_has_the_price_of_the_table_and_names_it() -> None:
    quote = find_price("openai/gpt-4o-mini", OPENAI, {})
    assert quote is not None
    assert quote.price == Price(150_000, 600_000, 75_000, f"genai-prices {version('genai-prices')}")
    assert quote.up_to is None
    assert quote.price.cost(Usage(input_tokens=1_000_000, output_tokens=500_000)) == 450_000


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("openai/no-such-model", OPENAI),
        ("openai/gpt-4o-mini", "http://127.0.0.1:8080/v1"),
        ("openai/gpt-4o-mini", "https://gateway.example.com/v1"),
    ],
)
def test_an_unknown_model_or_endpoint_has_no_price_rather_than_none_to_pay(name: str, url: str) -> None:
    assert find_price(name, url, {}) is None


def test_a_price_that_grows_with_the_prompt_says_how_far_it_reaches() -> None:
    quote = find_price("openai/gpt-5.4", OPENAI, {})
    assert quote is not None
    assert quote.up_to == 272_000


def test_where_hours_differ_the_dearest_counts() -> None:
    from genai_prices.data import providers
    from genai_prices.types import ModelPrice

    deepseek = next(provider for provider in providers if provider.id == "deepseek")
    chat = next(model for model in deepseek.models if model.id == "deepseek-chat")
    assert not isinstance(chat.prices, ModelPrice)
    rates = [c.prices.output_mtok for c in chat.prices]
    quote = find_price("openai/deepseek-chat", "https://api.deepseek.com/v1", {})
    assert quote is not None
    assert quote.price.output == max(int(rate * 1_000_000) for rate in rates if isinstance(rate, Decimal))


def test_writes_to_a_cache_that_the_provider_keeps_by_itself_are_reckoned_with() -> None:
    quote = find_price("openai/gpt-5.6-sol", OPENAI, {})
    assert quote is not None
    assert quote.price.cached_input is not None
    assert quote.price.input * 4 == quote.price.cached_input * 50  # 1.25 of plain input, cached input a tenth of it


def test_what_the_user_declares_comes_first_and_the_longest_pattern_wins() -> None:
    declared = parse_prices(
        {
            "openai/*": "free",
            "openai/gpt-*": {"input": 1, "output": 2},
            "openai/gpt-5-mini": {"input": 0.25, "output": 2.0, "cached_input": 0.025},
        }
    )
    quotes = [find_price(f"openai/{name}", OPENAI, declared) for name in ("llama", "gpt-4o", "gpt-5-mini")]
    assert [quote.price for quote in quotes if quote] == [
        Price(0, 0, source="declared free"),
        Price(1_000_000, 2_000_000, source="declared"),
        Price(250_000, 2_000_000, 25_000, "declared"),
    ]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("cheap", "p is 'cheap', not a price"),
        (None, "p is None, not a price"),
        ({"input": 1}, "does not say what output costs"),
        ({"input": 1, "output": 2, "inptu": 3}, "has no field 'inptu'"),
        ({"input": -1, "output": 2}, "p.input is -1"),
        ({"input": True, "output": 2}, "p.input is True"),
        ({"input": 1, "output": float("nan")}, "p.output is nan"),
        ({"input": 1, "output": "2"}, "p.output is '2'"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused_with_its_place(value: Any, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse_price(value, "p")


def test_prices_are_a_mapping_or_absent() -> None:
    assert parse_prices(None) == {}
    with pytest.raises(InvalidInput, match="not a mapping"):
        parse_prices(["free"])
