"""The ledger's law: settled + reserved <= limit, in every scope, at every moment, whatever happens."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from agentops.kernel.gate import Amount
from agentops.supervisor.budget import ONE_TOOL_CALL, Ledger, Scope
from agentops.supervisor.limits import UNITS, Limits

small = st.integers(0, 12)
amounts = st.builds(Amount, small, small, small, small) | st.just(ONE_TOOL_CALL)
limit = st.none() | st.integers(0, 60)
limits = st.builds(Limits, limit, limit, limit, limit)


class LedgerMachine(RuleBasedStateMachine):
    """Reservations, settlements and releases in any order, over scopes nested in any way, against a plain model."""

    open_keys = Bundle("open_keys")

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Ledger(Limits(money=100, tokens=100, model_calls=100, tool_calls=100))
        self.held: dict[str, tuple[Scope, Amount]] = {}
        self.charged: list[tuple[Scope, Amount]] = []
        self.overruns: list[tuple[Scope, Amount]] = []
        self.count = 0

    @rule(name=st.sampled_from("abcdef"), below=st.sampled_from(["run", *"abcdef"]), limits=limits)
    def open_scope(self, name: str, below: str, limits: Limits) -> None:
        known = self.ledger.scopes.get(name)
        left = None if known is None else self.ledger.left(known)
        scope = self.ledger.open(name, limits, self.ledger.scopes.get(below))
        assert known in {None, scope}
        assert left in (None, self.ledger.left(scope)), "opening a scope again changed what it has left"

    @rule(target=open_keys, scope=st.sampled_from(["run", *"abcdef"]), amount=amounts)
    def reserve(self, scope: str, amount: Amount) -> object:
        found = self.ledger.scopes.get(scope, self.ledger.root)
        left = self.ledger.left(found)
        blocked = any(rest is not None and rest < 0 for column in found.columns for rest in (m.left for m in column))
        fits = all(rest is None or getattr(amount, unit) <= rest for unit, rest in left.items())
        self.count += 1
        key = f"agent/{self.count}"
        checked = self.ledger.check(found, amount)
        refused = self.ledger.reserve(key, found, amount)
        assert (refused is None) is (fits and not blocked)
        assert (refused and refused.what) == (checked and checked.what)
        if refused is not None:
            return multiple()
        self.held[key] = (found, amount)
        return key

    @rule(key=consumes(open_keys), actual=st.none() | amounts)
    def settle(self, key: str, actual: Amount | None) -> None:
        scope, reserved = self.held.pop(key)
        charge = self.ledger.settle(key, actual)
        assert charge is not None
        assert charge.settled == (reserved if actual is None else actual)
        over = [max(0, getattr(charge.settled, unit) - getattr(reserved, unit)) for unit in UNITS]
        assert (charge.overrun is not None) is any(over)
        assert charge.overrun is None or [getattr(charge.overrun, unit) for unit in UNITS] == over
        self.charged.append((scope, charge.settled))
        if charge.overrun is not None:
            self.overruns.append((scope, charge.overrun))
        assert self.ledger.settle(key) is None, "settled twice"

    @rule(key=consumes(open_keys))
    def release(self, key: str) -> None:
        del self.held[key]
        assert self.ledger.release(key)
        assert not self.ledger.release(key)

    @invariant()
    def every_meter_is_the_sum_of_what_is_below_it(self) -> None:
        for scope in self.ledger.scopes.values():
            for meter in scope.meters:
                settled = sum(getattr(amount, meter.unit) for at, amount in self.charged if _is_under(at, scope))
                held = sum(getattr(amount, meter.unit) for at, amount in self.held.values() if _is_under(at, scope))
                assert (meter.settled, meter.reserved) == (settled, held)

    @invariant()
    def nothing_is_over_its_limit_but_by_declared_overrun(self) -> None:
        for scope in self.ledger.scopes.values():
            for meter in scope.meters:
                if meter.limit is not None:
                    over = sum(getattr(amount, meter.unit) for at, amount in self.overruns if _is_under(at, scope))
                    assert meter.settled + meter.reserved <= meter.limit + over

    @invariant()
    def a_child_never_has_more_left_than_its_parent(self) -> None:
        for scope in self.ledger.scopes.values():
            if scope.parent is not None:
                own, above = self.ledger.left(scope), self.ledger.left(scope.parent)
                for unit, rest in above.items():
                    assert rest is None or (own[unit] is not None and own[unit] <= rest)  # type: ignore[operator]


def _is_under(scope: Scope | None, above: Scope) -> bool:
    while scope is not None:
        if scope is above:
            return True
        scope = scope.parent
    return False


TestLedgerLaws = LedgerMachine.TestCase
TestLedgerLaws.settings = settings(max_examples=60, stateful_step_count=40)


@pytest.mark.parametrize("seed", range(5))
def test_a_thousand_interleaved_effects_never_overrun(seed: int) -> None:
    """A thousand agents reserve and settle in a random order; not one moment is above any limit."""
    chance = random.Random(seed)  # noqa: S311 - the same orders each time
    ledger = Ledger(Limits(money=15_000, tokens=60_000, model_calls=350, tool_calls=390))
    team = ledger.open("playbook:team", Limits(tokens=25_000))
    agents = [ledger.open(f"agent:{n}", Limits(model_calls=90), team if n % 2 else None) for n in range(10)]
    open_keys: list[str] = []
    admitted = 0
    for number in range(1_000):
        amount = ONE_TOOL_CALL if number % 2 else Amount(chance.randrange(200), chance.randrange(900), model_calls=1)
        if ledger.reserve(str(number), chance.choice(agents), amount) is None:
            open_keys.append(str(number))
            admitted += 1
        while open_keys and chance.random() < 0.45:
            key = open_keys.pop(chance.randrange(len(open_keys)))
            held = ledger.reserved(key)
            assert held is not None
            if chance.random() < 0.2:
                ledger.release(key)
            else:
                ledger.settle(key, Amount(held.money // 2, held.tokens // 3, held.model_calls, held.tool_calls))
        for scope in ledger.scopes.values():
            assert all(meter.left is None or meter.left >= 0 for meter in scope.meters)
    assert 200 < admitted < 1_000
    for key in open_keys:
        ledger.settle(key)
    assert all(meter.reserved == 0 for scope in ledger.scopes.values() for meter in scope.meters)


def test_ten_at_once_share_a_limit_of_three() -> None:
    ledger = Ledger(Limits(model_calls=3))
    answers = [ledger.reserve(f"agent/{n}", ledger.root, Amount(model_calls=1)) for n in range(10)]
    assert [answer is None for answer in answers] == [True] * 3 + [False] * 7


def test_a_refusal_says_what_was_asked_and_what_there_is() -> None:
    ledger = Ledger(Limits(tokens=50_000, money=500_000))
    ledger.reserve("a", ledger.root, Amount(tokens=48_000))
    ledger.settle("a")
    ledger.reserve("b", ledger.root, Amount(tokens=1_700, money=490_000))
    refused = ledger.reserve("c", ledger.root, Amount(tokens=1_200))
    assert refused is not None
    assert refused.what == (
        "budget 'run' cannot cover this call: 1,200 tokens asked, 300 left of 50,000 (48,000 settled, 1,700 reserved)"
    )
    assert "--budget tokens=50900" in refused.hint
    facts = {"scope": "run", "unit": "tokens", "limit": 50_000, "settled": 48_000, "reserved": 1_700, "asked": 1_200}
    assert refused.facts == facts
    money = ledger.reserve("d", ledger.root, Amount(money=12_000))
    assert money is not None
    assert "$0.012 asked, $0.01 left of $0.50 ($0.00 settled, $0.49 reserved)" in money.what
    assert "--budget money=0.502" in money.hint


def test_a_refused_reservation_takes_nothing_from_any_scope() -> None:
    ledger = Ledger(Limits(tool_calls=5))
    child = ledger.open("agent:a", Limits(tokens=100), ledger.open("playbook:p", Limits(tokens=50)))
    refused = ledger.reserve("a", child, Amount(tokens=60, tool_calls=1))
    assert refused is not None
    assert refused.scope == "playbook:p"
    assert "'playbook:p'" in refused.hint
    assert all(meter.reserved == 0 for scope in ledger.scopes.values() for meter in scope.meters)


def test_an_overrun_is_charged_reported_and_blocks_everything_below_it() -> None:
    ledger = Ledger(Limits(tokens=100))
    child = ledger.open("agent:a", Limits())
    ledger.reserve("a", child, Amount(tokens=90, model_calls=1))
    charge = ledger.settle("a", Amount(tokens=130, model_calls=1))
    assert charge is not None
    assert charge.overrun == Amount(tokens=40)
    refused = ledger.reserve("b", child, ONE_TOOL_CALL)
    assert refused is not None
    assert "is overrun, so it covers nothing more: 130 tokens used of 100" in refused.what
    assert ledger.left(child)["tokens"] == 0


def test_an_overrun_within_the_limit_blocks_nothing() -> None:
    ledger = Ledger(Limits(tokens=100))
    ledger.reserve("a", ledger.root, Amount(tokens=10))
    charge = ledger.settle("a", Amount(tokens=20))
    assert charge is not None
    assert charge.overrun == Amount(tokens=10)
    assert ledger.reserve("b", ledger.root, Amount(tokens=80)) is None


@pytest.mark.parametrize("actual", [None, Amount(tokens=-1), Amount(money=-5, tokens=3)])
def test_usage_that_is_missing_or_impossible_is_charged_as_reserved(actual: Amount | None) -> None:
    ledger = Ledger(Limits())
    ledger.reserve("a", ledger.root, Amount(money=7, tokens=9, model_calls=1))
    charge = ledger.settle("a", actual)
    assert charge is not None
    assert charge.settled == Amount(money=7, tokens=9, model_calls=1)


def test_a_key_holds_one_reservation_and_negative_amounts_none() -> None:
    ledger = Ledger(Limits())
    assert ledger.reserve("a", ledger.root, Amount(tokens=1)) is None
    assert "already holds" in str(ledger.reserve("a", ledger.root, Amount(tokens=1)))
    assert "negative" in str(ledger.reserve("b", ledger.root, Amount(tokens=-1)))
    assert "negative" in str(ledger.check(ledger.root, Amount(tokens=-1)))
    assert "a" in ledger
    assert "b" not in ledger


def test_late_usage_of_an_effect_that_was_given_up_changes_nothing() -> None:
    ledger = Ledger(Limits(tokens=10))
    ledger.reserve("a", ledger.root, Amount(tokens=10))
    ledger.release("a")
    assert ledger.settle("a", Amount(tokens=99)) is None
    assert ledger.left(ledger.root)["tokens"] == 10


@pytest.mark.parametrize("unit", UNITS)
def test_a_budget_of_zero_is_legal_and_stops_at_once(unit: str) -> None:
    ledger = Ledger(Limits(**{unit: 0}))
    refused = ledger.reserve("a", ledger.root, Amount(1, 1, 1, 1))
    assert refused is not None
    assert refused.unit == unit


def test_time_runs_from_the_first_use_of_each_scope() -> None:
    second = 1_000_000
    ledger = Ledger(Limits(seconds=100))
    child = ledger.open("agent:a", Limits(seconds=10))
    ledger.begin(ledger.root, 0)
    assert ledger.late(child, 50 * second) is None
    assert ledger.seconds_left(child, 55 * second) == 5
    refused = ledger.late(child, 60 * second)
    assert refused is not None
    assert (refused.scope, refused.unit, refused.limit) == ("agent:a", "seconds", 10)
    run = ledger.late(ledger.root, 100 * second)
    assert run is not None
    assert "budget 'run' is out of time: 100.000 seconds have passed of 100" in run.what


def test_a_budget_of_no_seconds_stops_at_once() -> None:
    ledger = Ledger(Limits(seconds=0))
    assert ledger.late(ledger.root, 123) is not None
    assert ledger.seconds_left(ledger.root, 123) == 0
