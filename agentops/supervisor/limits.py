"""What a budget may say: `Limits`, and how people write them.

Money is integer micro-dollars inside and dollars outside: ``money=0.50`` is 500,000. Floats never touch it on the way,
so ten times ten cents is a dollar.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec

from agentops.errors import PolicyError
from agentops.kernel.suggest import nearest

__all__ = ["UNITS", "Limits", "dollars", "parse_budget", "parse_limits", "quantity"]

UNITS: Final = ("money", "tokens", "model_calls", "tool_calls")
"""The units that are reserved and settled; ``seconds`` only pass."""

_MOST: Final = 10**15
"""Above this, a number is a mistake: a billion dollars, or a quadrillion tokens."""
_DOLLARS: Final = re.compile(r"\$?([0-9]{1,12}(?:\.[0-9]{1,12})?)")
_COUNT: Final = re.compile(r"[0-9]{1,16}|[0-9]{1,3}(?:_[0-9]{3}){1,5}")
_SPAN: Final = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d|)")
_SECONDS: Final = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_HINTS: Final = {
    "money": "Write US dollars, as in money=0.50.",
    "seconds": "Write seconds, as in seconds=90, or with units: seconds=5m, seconds=1h30m.",
}


class Limits(msgspec.Struct, frozen=True, omit_defaults=True):
    """The limits of one budget. None is no limit; 0 is legal and stops at the first thing that would need any.

    ``money`` is in micro-dollars. ``seconds`` count from the start of what the budget is over (of a run: its first
    delivery; of an agent: its first effect). Raises `PolicyError` where a limit makes no sense.
    """

    money: int | None = None
    tokens: int | None = None
    model_calls: int | None = None
    tool_calls: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for unit in UNITS:
            value = getattr(self, unit)
            if value is not None and (type(value) is not int or not 0 <= value <= _MOST):
                raise _wrong(unit, value, "a whole number from 0")
        seconds = self.seconds
        if seconds is not None and (
            type(seconds) not in {int, float} or not math.isfinite(seconds) or not 0 <= seconds <= _MOST / 10**6
        ):
            raise _wrong("seconds", seconds, "a number from 0")

    def updated(self, other: Limits) -> Limits:
        """These limits, with those that ``other`` sets in their place: a flag over what a playbook says."""
        return msgspec.structs.replace(self, **dict(_set(other)))

    def tightened(self, other: Limits) -> Limits:
        """The tighter of both, unit by unit."""
        own = dict(_set(self))
        return msgspec.structs.replace(self, **{unit: min(limit, own.get(unit, limit)) for unit, limit in _set(other)})


def _set(limits: Limits) -> list[tuple[str, Any]]:
    return [(unit, limit) for unit in limits.__struct_fields__ if (limit := getattr(limits, unit)) is not None]


def parse_budget(said: str | Iterable[str]) -> Limits:
    """Limits from ``NAME=VALUE`` texts: ``--budget money=0.50 --budget tokens=20000``, or both with a comma between.

    Raises `PolicyError` for an unknown name, one given twice, and a value that is none.
    """
    items = said.split(",") if isinstance(said, str) else [part for text in said for part in text.split(",")]
    found: dict[str, str] = {}
    for item in items:
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not name or not value:
            raise PolicyError(f"budget {item!r} is not NAME=VALUE", hint="Write it as in --budget money=0.50.")
        if name in found:
            raise PolicyError(f"budget {name!r} is given twice: {found[name]} and {value}", hint="Keep one of them.")
        found[name] = value
    return parse_limits(found)


def parse_limits(said: Mapping[str, Any], where: str = "budget") -> Limits:
    """Limits from a mapping as it stands in a playbook: dollars, whole numbers, seconds; null is no limit.

    ``where`` names the place in errors. Raises `PolicyError`.
    """
    if not isinstance(said, Mapping):
        raise PolicyError(f"{where}: {str(said)[:60]!r} is not a mapping", hint="Write it as in {money: 0.50}.")
    made: dict[str, Any] = {}
    for name, value in said.items():
        if name not in Limits.__struct_fields__:
            hint = nearest(str(name), Limits.__struct_fields__)
            raise PolicyError(f"{where}: there is no budget in {name!r}", hint=hint, path=[str(name)])
        if value is not None:
            made[name] = _PARSERS.get(name, _count)(name, value)
    return Limits(**made)


def _money(unit: str, value: Any) -> int:
    """Micro-dollars of dollars: a text, an int, or a float as YAML makes it (by its shortest decimal form)."""
    if isinstance(value, float) and math.isfinite(value):
        text = format(Decimal(repr(value)), "f")
    elif isinstance(value, Decimal) and value.is_finite():
        text = format(value, "f")
    else:
        text = str(value).strip() if type(value) in {int, str} else ""
    match = _DOLLARS.fullmatch(text)
    if match is None:
        raise _wrong(unit, value, "an amount of US dollars from 0")
    micro = Decimal(match[1]) * 1_000_000
    if micro != micro.to_integral_value():
        raise _wrong(unit, value, "whole micro-dollars (at most six decimals)")
    return int(micro)


def _count(unit: str, value: Any) -> int:
    text = str(value).strip() if type(value) in {int, str} else ""
    if not _COUNT.fullmatch(text):
        raise _wrong(unit, value, "a whole number from 0")
    return int(text)


def _seconds(unit: str, value: Any) -> float:
    if type(value) in {int, float}:
        return value  # type: ignore[no-any-return]  # checked by Limits
    text = value.strip() if isinstance(value, str) else ""
    parts = _SPAN.findall(text)
    if not parts or "".join(map("".join, parts)) != text or any(not part[1] for part in parts[:-1]):
        raise _wrong(unit, value, "a length of time from 0")
    return math.fsum(float(number) * _SECONDS[name] for number, name in parts)


_PARSERS: Final[dict[str, Callable[[str, Any], int | float]]] = {"money": _money, "seconds": _seconds}


def _wrong(unit: str, value: Any, wanted: str) -> PolicyError:
    hint = _HINTS.get(unit, f"Write a whole number, as in {unit}=20000.")
    return PolicyError(f"budget {unit}={str(value)[:60]} is not {wanted}", hint=hint, unit=unit)


def dollars(micro: int) -> str:
    """``$0.50``, ``$0.000125``: two to six decimals, exactly."""
    whole, rest = divmod(abs(micro), 1_000_000)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro < 0 else ''}${whole:,}.{decimals}"


def quantity(unit: str, amount: float) -> str:
    """An amount as people read it: ``$0.50``, ``1,200 tokens``, ``1 tool call``."""
    if unit == "money":
        return dollars(int(amount))
    noun = unit.replace("_", " ")
    return f"{amount:,} {noun.removesuffix('s') if amount == 1 else noun}"
