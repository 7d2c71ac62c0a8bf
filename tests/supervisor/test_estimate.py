"""Before a model is called, its worst case is known."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentops.kernel.chat import ChatMessage, ModelRequest, Price, ToolOffer, ToolUse, Usage
from agentops.supervisor.estimate import count_request, count_text, fit_output, worst_case

rates = st.integers(0, 100_000_000)
prices = st.builds(Price, rates, rates, st.none() | rates)
sizes = st.integers(0, 1_000_000)


def request(**parts: object) -> ModelRequest:
    return ModelRequest("m", (ChatMessage("user", "hello"),), 100, **parts)  # type: ignore[arg-type]


def test_a_third_of_the_characters_rounded_up() -> None:
    assert [count_text(text) for text in ("", "a", "abc", "abcd")] == [0, 1, 1, 2]


def test_characters_outside_ascii_count_for_more_than_a_third() -> None:
    assert count_text("漢字" * 30) >= 60
    assert count_text("🙂" * 10) >= 10
    assert count_text("\ud800") >= 1


def test_everything_that_is_sent_is_counted() -> None:
    """Text, material, tool uses, tools and schema: each makes the estimate larger by at least its own size."""
    plain, long = count_request(request()), "x" * 3_000
    fuller = [
        request(schema={"description": long}),
        request(tools=(ToolOffer("t", long, {}),)),
        request(tools=(ToolOffer("t", "", {"title": long}),)),
        ModelRequest("m", (ChatMessage("user", "hello", material=long),), 100),
        ModelRequest("m", (ChatMessage("user", "hello"), ChatMessage("tool", long)), 100),
        ModelRequest("m", (ChatMessage("assistant", "hello", uses=(ToolUse("1", "t", long),)),), 100),
    ]
    assert all(count_request(each) >= plain + 1_000 for each in fuller)


@given(sizes, sizes, prices, st.data())
def test_no_usage_within_the_sizes_costs_more_than_the_worst_case(
    tokens: int, output: int, price: Price, data: st.DataObject
) -> None:
    used = Usage(
        data.draw(st.integers(0, tokens)), data.draw(st.integers(0, output)), data.draw(st.integers(0, 2 * tokens))
    )
    assert price.cost(used) <= worst_case(tokens, output, price).money


@given(st.integers(1, 100_000), sizes, prices, st.none() | sizes, st.none() | st.integers(0, 10**8))
def test_the_output_that_fits_is_the_most_that_fits(
    asked: int, counted: int, price: Price, tokens: int | None, money: int | None
) -> None:
    fits = fit_output(asked, counted, {"tokens": tokens, "money": money}, price)
    assert fits <= asked

    def covered(output: int) -> bool:
        amount = worst_case(counted, output, price)
        return (tokens is None or amount.tokens <= tokens) and (money is None or amount.money <= money)

    assert fits < 0 or covered(fits)
    assert fits == asked or not covered(max(fits, -1) + 1)


def test_without_a_price_only_tokens_count() -> None:
    assert worst_case(10, 5, None).money == 0
    assert fit_output(100, 10, {"tokens": None, "money": 0}, None) == 100
