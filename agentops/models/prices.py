"""What a model costs: from the user's own declaration, else from the genai-prices table, else unknown.

Unknown is None and never zero: a budget in money refuses a model without a price. Nothing here goes to the network;
the table is the one inside the installed genai-prices package, and ``Price.source`` names its version.

The table knows more than a `Price` can say, so where one rate must stand for several the dearer one is taken: a budget
may then stop a run early, never late.

- *Writes to a cache that the provider keeps by itself* (OpenAI's newer models) cost more than plain input: the rate
  for input is the dearer of the two.
- *Rates by time of day*: the dearest of them.
- *Rates by length of prompt* are the exception, for the dearer rate is twice the plain one and rarely applies: the
  plain rate holds up to a length, and `Quote.up_to` says which; providers refuse longer prompts.
- *Charges per request* cannot be said per token: unknown.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

import msgspec

from agentops.errors import InvalidInput
from agentops.kernel.chat import Price

__all__ = ["Quote", "declared_price", "find_price", "parse_price", "parse_prices"]

_HINT = (
    "Write dollars per million tokens, as in {input: 0.25, output: 2.00, cached_input: 0.025}, "
    "or the word free for an endpoint of your own."
)
_FIELDS = ("input", "output", "cached_input")


class Quote(msgspec.Struct, frozen=True):
    """A price and how far it reaches: up to so many input tokens in one call; None: any number."""

    price: Price
    up_to: int | None = None


def _micro(dollars: Decimal) -> int:
    """Micro-dollars, rounded up."""
    return int((dollars * 1_000_000).to_integral_value(rounding=ROUND_CEILING))


def _declared_rate(value: Any, where: str) -> int:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise InvalidInput(f"{where} is {value!r}, not a number of dollars", hint=_HINT)
    return _micro(Decimal(str(value)))


def parse_price(value: Any, where: str) -> Price:
    """A price that a user wrote: ``free``, or a mapping in dollars per million tokens.

    ``where`` names the place for the error, such as ``prices.openai/my-model``.
    """
    if value == "free":
        return Price(input=0, output=0, source="declared free")
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where} is {value!r}, not a price", hint=_HINT)
    unknown = [str(key) for key in value if key not in _FIELDS]
    if unknown:
        raise InvalidInput(f"{where} has no field {unknown[0]!r}; it has {', '.join(_FIELDS)}", hint=_HINT)
    for field in ("input", "output"):
        if field not in value:
            raise InvalidInput(f"{where} does not say what {field} costs", hint=_HINT)
    cached = value.get("cached_input")
    return Price(
        input=_declared_rate(value["input"], f"{where}.input"),
        output=_declared_rate(value["output"], f"{where}.output"),
        cached_input=None if cached is None else _declared_rate(cached, f"{where}.cached_input"),
        source="declared",
    )


def parse_prices(value: Any, where: str = "prices") -> dict[str, Price]:
    """The ``prices`` of a workspace file or playbook: prices by full model name, or by ``provider/*``."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{where} is {value!r}, not a mapping from model names to prices", hint=_HINT)
    return {str(name): parse_price(price, f"{where}.{name}") for name, price in value.items()}


def declared_price(name: str, declared: Mapping[str, Price]) -> Price | None:
    """What the user declared for this model: its own entry, else that of the longest ``prefix*`` that fits."""
    if name in declared:
        return declared[name]
    fitting = [key for key in declared if key.endswith("*") and name.startswith(key[:-1])]
    return declared[max(fitting, key=len)] if fitting else None


def find_price(name: str, base_url: str, declared: Mapping[str, Price]) -> Quote | None:
    """The price of ``provider/model`` as served at ``base_url``; None where nobody knows it.

    The table is asked by address, not by model name alone: the same model costs something else elsewhere.
    """
    own = declared_price(name, declared)
    if own is not None:
        return Quote(own)
    return _table_price(name.partition("/")[2], base_url)


def _table_price(model: str, base_url: str) -> Quote | None:
    from genai_prices import Usage, __version__, calc_price

    try:
        found = calc_price(Usage(input_tokens=0, output_tokens=0), model, provider_api_url=base_url)
    except LookupError:
        return None
    rates = _rates(found)
    if any("requests" in key for key in rates) or "input_mtok" not in rates or "output_mtok" not in rates:
        return None
    plain, up_to = rates["input_mtok"]
    limits = [reach for _, reach in rates.values() if reach is not None]
    written = rates.get("cache_write_mtok", (plain, up_to))[0] if found.provider.id == "openai" else plain
    cached = rates.get("cache_read_mtok")
    price = Price(
        input=_micro(max(plain, written)),
        output=_micro(rates["output_mtok"][0]),
        cached_input=None if cached is None else _micro(cached[0]),
        source=f"genai-prices {__version__}",
    )
    return Quote(price, min(limits) if limits else None)


def _rates(found: Any) -> dict[str, tuple[Decimal, int | None]]:
    """Rates by key, each with the number of input tokens up to which it holds; the dearest where hours differ."""
    from genai_prices.types import TimeOfDateConstraint

    sets = [found.model_price]
    conditional = found.model.prices
    if isinstance(conditional, list) and any(isinstance(c.constraint, TimeOfDateConstraint) for c in conditional):
        sets += [c.prices for c in conditional]
    rates: dict[str, tuple[Decimal, int | None]] = {}
    for prices in sets:
        for key, value in vars(prices).items():
            if value is None:
                continue
            tiers = getattr(value, "tiers", None)
            rate = (value.base, tiers[0].start) if tiers else (Decimal(getattr(value, "base", value)), None)
            if key not in rates or rate[0] > rates[key][0]:
                rates[key] = rate
    return rates
