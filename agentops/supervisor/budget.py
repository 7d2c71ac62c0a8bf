"""The ledger: what every budget has settled and holds reserved, so that no concurrency can overrun it.

Budgets nest: a run's is over those of the playbooks that it calls, and these are over those of agents. A reservation
is checked against every scope from the innermost to the outermost before anything is taken from any of them; so at
every moment, for every scope and unit, ``settled + reserved <= limit``. The one exception is declared: an effect
whose *actual* use went beyond its reservation (a provider that bills more than its own limit). That is charged in
full, reported as overrun, and blocks every further reservation under a scope that it pushed over its limit.

Each operation costs one step per scope of the chain and unit asked for.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from agentops.errors import BudgetExceeded
from agentops.kernel.gate import Amount, Charge
from agentops.supervisor.limits import UNITS, Limits, dollars, quantity

__all__ = ["ONE_TOOL_CALL", "Ledger", "Meter", "Scope"]

ONE_TOOL_CALL: Final = Amount(tool_calls=1)
"""What every tool call takes. The ledger knows this very object, and does the least for it."""

_Parts: TypeAlias = tuple[tuple[int, int], ...]
"""An amount, taken apart: ``(index of the unit, quantity)`` of each that is not zero."""

_ONE_PART: Final[_Parts] = ((UNITS.index("tool_calls"), 1),)
_ONE_CHARGE: Final = Charge(settled=ONE_TOOL_CALL)


def _parts(amount: Amount) -> _Parts:
    if amount is ONE_TOOL_CALL:
        return _ONE_PART
    whole = (amount.money, amount.tokens, amount.model_calls, amount.tool_calls)
    return tuple((index, value) for index, value in enumerate(whole) if value)


def _negative(amount: Amount) -> bool:
    return amount.money < 0 or amount.tokens < 0 or amount.model_calls < 0 or amount.tool_calls < 0


class Meter:
    """One unit of one scope: its limit (None: no limit), and what of it is settled and reserved."""

    __slots__ = ("limit", "reserved", "scope", "settled", "unit")

    def __init__(self, scope: str, unit: str, limit: int | None) -> None:
        self.scope = scope
        self.unit = unit
        self.limit = limit
        self.settled = 0
        self.reserved = 0

    @property
    def left(self) -> int | None:
        """What can still be reserved; negative after an overrun; None: any amount."""
        return None if self.limit is None else self.limit - self.settled - self.reserved


class Scope:
    """One budget. ``columns`` holds, by unit, its own meter and those of all scopes above it, innermost first."""

    __slots__ = ("columns", "meters", "name", "parent", "seconds", "started", "timed")

    def __init__(self, name: str, limits: Limits, parent: Scope | None) -> None:
        self.name = name
        self.parent = parent
        self.meters = tuple(Meter(name, unit, getattr(limits, unit)) for unit in UNITS)
        above = parent.columns if parent is not None else ((),) * len(UNITS)
        self.columns: tuple[tuple[Meter, ...], ...] = tuple(
            (meter, *column) for meter, column in zip(self.meters, above, strict=True)
        )
        self.seconds = limits.seconds
        self.started: int | None = None
        timed = parent.timed if parent is not None else ()
        self.timed: tuple[Scope, ...] = timed if limits.seconds is None else (self, *timed)
        """This scope and those above it, as far as they limit time."""


class Ledger:
    """All budgets of a run, and every reservation that is open, by the key of the effect that holds it.

    Nothing here raises: a reservation that does not fit comes back as the `BudgetExceeded` that says why.
    """

    __slots__ = ("_open", "_overrun", "root", "scopes")

    def __init__(self, limits: Limits, name: str = "run") -> None:
        self.root = Scope(name, limits, None)
        self.scopes = {name: self.root}
        self._open: dict[str, tuple[Scope, _Parts, Amount]] = {}
        self._overrun = False

    def __contains__(self, key: object) -> bool:
        """Whether an effect holds a reservation under this key."""
        return key in self._open

    def open(self, name: str, limits: Limits, parent: Scope | None = None) -> Scope:
        """The scope called ``name``, made below ``parent`` (None: below the root) if there is none.

        Opening it again, with whatever limits, changes nothing: a budget is never reset, and never raised.
        """
        scope = self.scopes.get(name)
        if scope is None:
            scope = self.scopes[name] = Scope(name, limits, self.root if parent is None else parent)
        return scope

    def check(self, scope: Scope, amount: Amount) -> BudgetExceeded | None:
        """Why ``amount`` cannot be reserved now; None where it can. Takes nothing."""
        if _negative(amount):
            return _odd(scope, f"a negative amount was asked of budget {scope.name!r}: {amount}")
        return self._check(scope, _parts(amount))

    def reserve(self, key: str, scope: Scope, amount: Amount) -> BudgetExceeded | None:
        """Hold ``amount`` in this scope and in all above it, or in none: then the answer says why."""
        parts = _parts(amount)
        if key in self._open:
            return _odd(scope, f"effect {key} already holds a reservation in budget {self._open[key][0].name!r}")
        if parts is not _ONE_PART and _negative(amount):
            return _odd(scope, f"a negative amount was asked of budget {scope.name!r}: {amount}")
        refused = self._check(scope, parts)
        if refused is not None:
            return refused
        columns = scope.columns
        for index, asked in parts:
            for meter in columns[index]:
                meter.reserved += asked
        self._open[key] = (scope, parts, amount)
        return None

    def settle(self, key: str, actual: Amount | None = None) -> Charge | None:
        """Charge what the effect really used, and give back the rest; None where nothing is reserved under ``key``.

        ``actual`` None, or negative anywhere: nobody knows, so it is charged as reserved.
        """
        held = self._open.pop(key, None)
        if held is None:
            return None
        scope, parts, reserved = held
        columns = scope.columns
        if actual is None or actual == reserved or _negative(actual):
            for index, asked in parts:
                for meter in columns[index]:
                    meter.reserved -= asked
                    meter.settled += asked
            return _ONE_CHARGE if parts is _ONE_PART else Charge(settled=reserved)
        for index, asked in parts:
            for meter in columns[index]:
                meter.reserved -= asked
        for index, used in _parts(actual):
            for meter in columns[index]:
                meter.settled += used
        overrun = _beyond(actual, reserved)
        if overrun is not None:
            self._overrun = True
        return Charge(settled=actual, overrun=overrun)

    def release(self, key: str) -> bool:
        """Give a reservation back whole: its effect did not happen. False where there is none."""
        held = self._open.pop(key, None)
        if held is None:
            return False
        scope, parts, _ = held
        for index, asked in parts:
            for meter in scope.columns[index]:
                meter.reserved -= asked
        return True

    def reserved(self, key: str) -> Amount | None:
        """What the effect ``key`` holds."""
        held = self._open.get(key)
        return None if held is None else held[2]

    def left(self, scope: Scope) -> dict[str, int | None]:
        """By unit, what the tightest budget from this scope upwards leaves; None: unlimited; never below 0."""
        found: dict[str, int | None] = {}
        for unit, column in zip(UNITS, scope.columns, strict=True):
            rests = [rest for meter in column if (rest := meter.left) is not None]
            found[unit] = max(0, min(rests)) if rests else None
        return found

    def begin(self, scope: Scope, at: int) -> None:
        """Start the clock of this scope and of those above it, where it does not run yet; ``at`` in microseconds."""
        for timed in scope.timed:
            if timed.started is None:
                timed.started = at

    def postpone(self, microseconds: int) -> None:
        """Move every running clock on: so long the run lay idle, interrupted or waiting for a person."""
        for scope in self.scopes.values():
            if scope.started is not None:
                scope.started += microseconds

    def late(self, scope: Scope, at: int) -> BudgetExceeded | None:
        """Why it is too late for anything more in this scope; starts clocks that do not run yet."""
        self.begin(scope, at)
        for timed in scope.timed:
            passed = (at - (timed.started or 0)) / 1_000_000
            if timed.seconds is not None and passed >= timed.seconds:
                return _out_of_time(timed, passed)
        return None

    def seconds_left(self, scope: Scope, at: int) -> int | None:
        """Whole seconds until the first deadline from this scope upwards; None: there is none."""
        rests = [
            (timed.seconds or 0) - (0 if timed.started is None else (at - timed.started) / 1_000_000)
            for timed in scope.timed
        ]
        return max(0, int(min(rests))) if rests else None

    def _check(self, scope: Scope, parts: _Parts) -> BudgetExceeded | None:
        if self._overrun:
            blocked = _blocked(scope)
            if blocked is not None:
                return _overrun(blocked)
        columns = scope.columns
        for index, asked in parts:
            for meter in columns[index]:
                limit = meter.limit
                if limit is not None and asked > limit - meter.settled - meter.reserved:
                    return _exceeded(meter, asked)
        return None


def _beyond(actual: Amount, reserved: Amount) -> Amount | None:
    over = Amount(
        max(0, actual.money - reserved.money),
        max(0, actual.tokens - reserved.tokens),
        max(0, actual.model_calls - reserved.model_calls),
        max(0, actual.tool_calls - reserved.tool_calls),
    )
    return over if _parts(over) else None


def _blocked(scope: Scope) -> Meter | None:
    for column in scope.columns:
        for meter in column:
            left = meter.left
            if left is not None and left < 0:
                return meter
    return None


def _facts(meter: Meter, asked: int) -> dict[str, str | int | None]:
    return {
        "scope": meter.scope,
        "unit": meter.unit,
        "limit": meter.limit,
        "settled": meter.settled,
        "reserved": meter.reserved,
        "asked": asked,
    }


def _plain(unit: str, amount: int) -> str:
    return dollars(amount) if unit == "money" else f"{amount:,}"


def _state(meter: Meter) -> str:
    settled, reserved = _plain(meter.unit, meter.settled), _plain(meter.unit, meter.reserved)
    return f"{settled} settled, {reserved} reserved"


def _exceeded(meter: Meter, asked: int) -> BudgetExceeded:
    unit, limit = meter.unit, meter.limit or 0
    left = _plain(unit, max(0, limit - meter.settled - meter.reserved))
    return BudgetExceeded(
        f"budget {meter.scope!r} cannot cover this call: {quantity(unit, asked)} asked, "
        f"{left} left of {_plain(unit, limit)} ({_state(meter)})",
        hint=_hint(meter.scope, unit, meter.settled + meter.reserved + asked),
        **_facts(meter, asked),
    )


def _overrun(meter: Meter) -> BudgetExceeded:
    limit, used = meter.limit or 0, meter.settled + meter.reserved
    return BudgetExceeded(
        f"budget {meter.scope!r} is overrun, so it covers nothing more: {quantity(meter.unit, used)} used of "
        f"{_plain(meter.unit, limit)} ({_state(meter)}), because an effect used more than was reserved for it",
        hint=_hint(meter.scope, meter.unit, used),
        **_facts(meter, 0),
    )


def _hint(scope: str, unit: str, needed: int) -> str:
    value = dollars(needed).removeprefix("$").replace(",", "") if unit == "money" else str(needed)
    if scope == "run":
        return f"It would fit with `--budget {unit}={value}`; what comes after it will need more."
    return (
        f"Raise {unit} in the playbook's budget for {scope!r} to {value} or more; what the run itself may use is "
        f"set by `--budget {unit}=...`."
    )


def _out_of_time(scope: Scope, passed: float) -> BudgetExceeded:
    limit = scope.seconds or 0
    return BudgetExceeded(
        f"budget {scope.name!r} is out of time: {passed:,.3f} seconds have passed of {limit:,g}",
        hint="Give it more with `--budget seconds=...`."
        if scope.name == "run"
        else f"Raise seconds in the playbook's budget for {scope.name!r}.",
        scope=scope.name,
        unit="seconds",
        limit=limit,
        settled=passed,
        reserved=0,
        asked=0,
    )


def _odd(scope: Scope, what: str) -> BudgetExceeded:
    """A reservation that a correct caller never asks for: refused like any other."""
    return BudgetExceeded(
        what,
        hint="Report this: each effect is proposed once, and asks for amounts from 0.",
        scope=scope.name,
        unit="",
        limit=None,
        settled=0,
        reserved=0,
        asked=0,
    )
