"""The whole gate, on proposals made by hand: permission, then guardrails, then budget."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import BudgetExceeded, GuardrailBlocked, PermissionDenied, PolicyError, UnknownPrice
from agentops.kernel.chat import ChatMessage, ModelRequest, Price, Usage
from agentops.kernel.gate import Admission, Amount, Charge, Gate, Proposal, ToolDeclaration
from agentops.messages import encode
from agentops.supervisor.budget import ONE_TOOL_CALL
from agentops.supervisor.config import Config
from agentops.supervisor.guardrails import Guardrail, Verdict, ask, block, guardrail, passed, redact
from agentops.supervisor.limits import UNITS, Limits
from agentops.supervisor.supervisor import Supervisor

SECOND = 1_000_000
KEY = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"
MODEL = "openai/gpt-test"
PRICE = Price(input=1_000_000, output=10_000_000)
"""A micro-dollar for a token in, ten for a token out: sums that a person can do."""
SEARCH = ToolDeclaration("search", "Searches.", {"type": "object", "properties": {"query": {}}}, "pure")


def supervisor(*guards: Guardrail, **config: Any) -> Supervisor:
    config.setdefault("policy", {"allow": ["search"]})
    config.setdefault("prices", {MODEL: PRICE})
    named = tuple(guard.name for guard in guards)
    return Supervisor.from_config(Config(**{"guardrails": named, **config}), guardrails=guards)


def tool(name: str = "search", agent: str = "writer", *, n: int = 1, at: int = 0, **more: Any) -> Proposal:
    arguments = more.pop("arguments", {"query": "x"})
    kind = more.pop("kind", "tool")
    return Proposal(f"{agent}/1/0.{n}", kind, name, agent, encode(arguments), at, SEARCH, **more)


def model(
    text: str = "", tokens: int = 1_000, *, name: str = MODEL, agent: str = "writer", n: int = 1, **more: Any
) -> Proposal:
    request = ModelRequest(name, (ChatMessage("user", text),), tokens)
    return Proposal(f"{agent}/1/0.{n}", "model", name, agent, b"", more.pop("at", 0), None, request, **more)


INPUT = 24
"""What the estimate counts for an empty prompt: its frame."""


# --- permission ----------------------------------------------------------------------------------------------------


def test_it_is_a_gate() -> None:
    gate: Gate = supervisor()
    assert gate.stages == frozenset()


def test_what_is_allowed_goes_through_by_a_named_rule_with_its_reservation() -> None:
    found = supervisor().admit(tool())
    assert (found.verdict, found.rule, found.reserved) == ("allow", "allow:search", ONE_TOOL_CALL)


def test_what_no_rule_allows_is_denied_and_reserves_nothing() -> None:
    gate = supervisor(limits=Limits(tool_calls=1))
    found = gate.admit(tool("send_email"))
    assert (found.verdict, found.rule) == ("deny", "default-deny")
    assert isinstance(found.error, PermissionDenied)
    assert found.error.facts == {"tool": "send_email", "agent": "writer", "rule": "default-deny"}
    assert "allow: [{tool: send_email}]" in found.error.hint
    assert gate.left("writer")["tool_calls"] == 1


def test_what_is_asked_for_waits_and_is_reserved_once_approved() -> None:
    gate = supervisor(policy={"ask": [{"tool": "search", "because": "it costs"}]}, limits=Limits(tool_calls=1))
    found = gate.admit(tool())
    assert (found.verdict, found.rule, found.because, found.reserved) == ("ask", "ask:search", "it costs", None)
    assert gate.left("writer")["tool_calls"] == 1
    found = gate.admit(tool(approved="ann"))
    assert (found.verdict, found.rule, found.because) == ("allow", "ask:search", "approved by ann")
    assert gate.left("writer")["tool_calls"] == 0


def test_an_approval_opens_nothing_that_is_denied() -> None:
    gate = supervisor(policy={"ask": ["search"], "deny": ["search"]})
    assert gate.admit(tool(approved="ann")).verdict == "deny"


def test_nobody_is_asked_about_what_no_budget_covers() -> None:
    gate = supervisor(policy={"ask": ["search"]}, limits=Limits(tool_calls=0))
    assert gate.admit(tool()).rule == "budget:run"


def test_functions_need_a_rule_of_their_own() -> None:
    gate = supervisor(policy={"allow": ["*", "act:math.sqrt"]})
    assert gate.admit(tool("act:math.sqrt", kind="act")).verdict == "allow"
    assert gate.admit(tool("act:os.remove", kind="act", n=2)).verdict == "deny"


def test_a_tool_cannot_pass_for_a_function_nor_a_function_for_a_tool() -> None:
    gate = supervisor(policy={"allow": ["*", "act:*"]})
    assert gate.admit(tool("act:math.sqrt")).rule == "unknown-kind"
    assert gate.admit(tool("search", kind="act")).rule == "unknown-kind"


def test_a_person_may_always_be_asked() -> None:
    assert supervisor(policy={}).admit(tool("approve?", kind="person")).verdict == "allow"


def test_a_kind_that_nobody_knows_is_denied() -> None:
    assert supervisor().admit(tool(kind="rocket")).rule == "unknown-kind"


def test_tools_that_no_arguments_could_open_are_not_offered() -> None:
    gate = supervisor(
        policy={
            "allow": ["search", {"tool": "write", "args": {"path": {"path_under": "out"}}}, "send"],
            "ask": ["pay"],
            "deny": ["send", {"tool": "search", "args": {"query": {"matches": "*x*"}}}],
        }
    )
    tools = tuple(ToolDeclaration(name, "", {}, "pure") for name in ("search", "write", "send", "pay", "other"))
    assert gate.offers("writer", tools) == {"search", "write", "pay"}
    assert gate.offers("writer", tools) is gate.offers("writer", tools)


def test_a_supervisor_that_fails_denies_and_says_so() -> None:
    """Should anything below the gate raise after all, the answer is no."""
    gate = supervisor()
    gate.policy = None  # type: ignore[assignment]
    for proposal in (tool(), model()):
        found = gate.admit(proposal)
        assert (found.verdict, found.rule) == ("deny", "supervisor-failed")
        assert isinstance(found.error, GuardrailBlocked)
        assert "AttributeError" in found.error.what


# --- guardrails ----------------------------------------------------------------------------------------------------


def at(stage: str, look: Any, name: str = "mine") -> Guardrail:
    return guardrail(on=stage, name=name)(look)


def test_a_guardrail_stops_a_call_that_the_policy_allows() -> None:
    gate = supervisor(at("tool_call", lambda value: block("no x") if value["query"] == "x" else passed))
    found = gate.admit(tool())
    assert (found.verdict, found.rule, found.verdicts) == ("deny", "mine", (("mine", "block", "no x"),))
    assert isinstance(found.error, GuardrailBlocked)
    assert gate.admit(tool(n=2, arguments={"query": "y"})).verdict == "allow"


def test_what_a_guardrail_left_of_the_arguments_is_judged_again() -> None:
    """A guardrail may rewrite a path; it may not rewrite it into one that the policy does not allow."""
    policy = {"allow": [{"tool": "search", "args": {"query": {"path_under": "out"}}}]}
    gate = supervisor(at("tool_call", lambda _: redact({"query": "etc/x"}, "moved")), policy=policy)
    found = gate.admit(tool(arguments={"query": "out/x"}))
    assert (found.verdict, found.rule) == ("deny", "default-deny")
    gate = supervisor(at("tool_call", lambda _: redact({"query": "out/y"}, "moved")), policy=policy)
    found = gate.admit(tool(arguments={"query": "out/x"}))
    assert (found.verdict, found.arguments) == ("allow", b'{"query":"out/y"}')
    assert found.verdicts == (("mine", "redact", "moved"),)


def test_arguments_that_are_left_as_no_object_are_denied() -> None:
    gate = supervisor(at("tool_call", lambda _: redact("gone", "all of it")))
    assert gate.admit(tool()).rule == "mine"


def test_a_guardrail_may_ask_where_the_policy_allows() -> None:
    gate = supervisor(at("tool_call", lambda _: ask("looks odd")))
    found = gate.admit(tool())
    assert (found.verdict, found.rule, found.because) == ("ask", "mine", "looks odd")
    assert gate.admit(tool(approved="ann")).verdict == "allow"


def test_secrets_do_not_reach_a_tool() -> None:
    gate = supervisor(guardrails=("secrets",))
    found = gate.admit(tool(arguments={"query": KEY}))
    assert found.arguments == b'{"query":"[redacted:github-token]"}'
    denied = supervisor(policy={"allow": [{"tool": "search", "args": {"query": {"max_length": 3}}}]})
    assert KEY not in str(denied.admit(tool(arguments={"query": KEY})).error)


def test_a_prompt_is_sent_as_it_is_or_not_at_all() -> None:
    gate = supervisor(guardrails=("secrets",))
    found = gate.admit(model(f"use {KEY}"))
    assert (found.verdict, found.rule) == ("deny", "secrets")
    assert "a prompt is not changed on its way" in found.because
    assert gate.admit(model("use nothing")).verdict == "allow"
    asking = supervisor(at("prompt", lambda _: ask("sure?")), guardrails=("mine", "secrets"))
    assert asking.admit(model("hello")).verdict == "ask"
    assert asking.admit(model("hello", approved="ann")).because == "approved by ann"
    assert asking.admit(model(KEY, approved="ann")).rule == "secrets"


def test_a_question_where_nobody_can_be_asked_stops_the_value() -> None:
    gate = supervisor(at("output", lambda _: ask("may this leave?")))
    found = gate.screen("output", "", "output", "text")
    assert found.verdict == "ask"
    assert isinstance(found.error, GuardrailBlocked)
    assert "nobody is asked" in found.error.what


@pytest.mark.parametrize("arguments", [b"{", b"[]", b"[" * 50_000])
def test_guarded_arguments_must_be_an_object(arguments: bytes) -> None:
    gate = supervisor(guardrails=("size",))
    proposal = msgspec.structs.replace(tool(), arguments=arguments)
    assert gate.admit(proposal).rule == "malformed-arguments"


def test_ten_thousand_levels_and_ten_megabytes_of_arguments_are_denied() -> None:
    gate = supervisor(guardrails=("secrets", "hidden-unicode", "size"))
    for value in (b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", encode({"a": "x " * 5_000_000})):
        found = gate.admit(msgspec.structs.replace(tool(), arguments=value))
        assert (found.verdict, found.rule) == ("deny", "size")


# --- budgets -------------------------------------------------------------------------------------------------------


def test_a_tool_call_is_counted_once_and_one_that_did_not_happen_not_at_all() -> None:
    gate = supervisor(limits=Limits(tool_calls=2))
    gate.admit(tool(n=1))
    assert gate.settle("writer/1/0.1", None, happened=False) is None
    gate.admit(tool(n=2))
    charge = gate.settle("writer/1/0.2", None, happened=True)
    assert charge is not None
    assert (charge.settled, charge.overrun) == (ONE_TOOL_CALL, None)
    assert gate.left("writer")["tool_calls"] == 1


def test_a_model_call_reserves_its_worst_case_and_settles_what_it_used() -> None:
    gate = supervisor(limits=Limits(money=1_000_000, tokens=10_000, model_calls=5))
    found = gate.admit(model(tokens=1_000))
    assert found.reserved == Amount(money=INPUT + 10_000, tokens=INPUT + 1_000, model_calls=1)
    assert found.max_output_tokens == 0
    charge = gate.settle("writer/1/0.1", Usage(20, 100, reasoning_tokens=50), happened=True)
    assert charge is not None
    assert charge.settled == Amount(money=20 + 1_000, tokens=120, model_calls=1)
    assert gate.left("writer") == {
        "money": 1_000_000 - 1_020, "tokens": 10_000 - 120, "model_calls": 4, "tool_calls": None, "seconds": None,
    }  # fmt: skip


@pytest.mark.parametrize("usage", [None, Usage(-1, 5), Usage(5, -1), Usage(5, 5, -5), Usage(5, 5, 0, -1)])
def test_usage_that_is_missing_or_impossible_is_charged_as_reserved(usage: Usage | None) -> None:
    gate = supervisor()
    found = gate.admit(model())
    charge = gate.settle("writer/1/0.1", usage, happened=True)
    assert charge is not None
    assert (charge.settled, charge.overrun) == (found.reserved, None)


def test_usage_beyond_the_reservation_is_reported_and_stops_what_comes_next() -> None:
    gate = supervisor(limits=Limits(tokens=1_100))
    found = gate.admit(model(tokens=1_000))
    assert found.reserved is not None
    charge = gate.settle("writer/1/0.1", Usage(2_000, 1_000), happened=True)
    assert charge is not None
    assert charge.overrun == Amount(money=2_000 - INPUT, tokens=2_000 - INPUT)
    after = gate.admit(tool(n=2))
    assert after.rule == "budget:run"
    assert isinstance(after.error, BudgetExceeded)
    assert "is overrun" in after.error.what


@pytest.mark.parametrize(
    ("limits", "clamped"),
    [
        (Limits(tokens=INPUT + 300), 300),
        (Limits(money=INPUT + 10 * 200), 200),
        (Limits(money=INPUT + 10 * 200 + 9), 200),
        (Limits(tokens=INPUT + 64), 64),
        (Limits(tokens=INPUT + 1_000), 0),
        (Limits(tokens=INPUT + 5_000), 0),
    ],
)
def test_output_is_clamped_to_what_is_left(limits: Limits, clamped: int) -> None:
    found = supervisor(limits=limits).admit(model(tokens=1_000))
    assert (found.verdict, found.max_output_tokens) == ("allow", clamped)


@pytest.mark.parametrize(
    "limits", [Limits(tokens=INPUT + 63), Limits(money=INPUT + 639), Limits(tokens=0), Limits(money=0)]
)
def test_below_a_useful_output_the_call_is_refused(limits: Limits) -> None:
    found = supervisor(limits=limits).admit(model(tokens=1_000))
    assert (found.verdict, found.rule) == ("deny", "budget:run")
    assert isinstance(found.error, BudgetExceeded)
    assert found.error.exit_code == 3


def test_a_call_that_asks_for_little_may_have_little() -> None:
    assert supervisor(limits=Limits(tokens=INPUT + 5)).admit(model(tokens=5)).verdict == "allow"


def test_a_free_model_fits_into_no_money() -> None:
    gate = supervisor(limits=Limits(money=0), prices={MODEL: Price(0, 0)})
    assert gate.admit(model()).verdict == "allow"


def test_an_unknown_price_is_refused_and_never_free() -> None:
    found = supervisor(prices={}).admit(model())
    assert (found.verdict, found.rule) == ("deny", "unknown-price")
    assert isinstance(found.error, UnknownPrice)
    assert found.error.model == MODEL


def test_an_unknown_price_that_is_allowed_is_said_to_be_uncounted() -> None:
    gate = supervisor(prices={}, unknown_price="allow", limits=Limits(money=5))
    found = gate.admit(model())
    assert (found.verdict, found.rule) == ("allow", "any-model, price unknown: money not counted")
    gate.settle("writer/1/0.1", Usage(10, 10), happened=True)
    assert gate.left("writer")["money"] == 5


@pytest.mark.parametrize("tokens", [0, -5])
def test_a_request_for_no_output_is_denied(tokens: int) -> None:
    assert supervisor().admit(model(tokens=tokens)).rule == "malformed-request"


def test_a_model_that_the_policy_does_not_list_is_denied() -> None:
    gate = supervisor(policy={"models": ["offline/*"]})
    assert isinstance(gate.admit(model()).error, PermissionDenied)


def test_time_is_a_budget() -> None:
    gate = supervisor(limits=Limits(seconds=10))
    gate.begin(100 * SECOND)
    assert gate.admit(tool(at=109 * SECOND)).verdict == "allow"
    assert gate.left("writer")["seconds"] == 1
    for proposal in (tool(n=2, at=110 * SECOND), model(n=3, at=110 * SECOND)):
        found = gate.admit(proposal)
        assert isinstance(found.error, BudgetExceeded)
        assert (found.error.unit, found.error.limit, found.error.scope) == ("seconds", 10, "run")
    asking = supervisor(limits=Limits(seconds=0), policy={"ask": ["search"]})
    assert asking.admit(tool()).verdict == "deny"


def test_time_that_the_run_lay_idle_is_not_its_own() -> None:
    gate = supervisor(limits=Limits(seconds=10), agents={"writer": Limits(seconds=5)})
    gate.begin(0)
    gate.admit(tool(at=2 * SECOND))
    gate.postpone(3_600 * SECOND)
    assert gate.left("writer")["seconds"] == 5
    assert gate.left("critic")["seconds"] == 8
    assert gate.admit(tool(n=2, at=3_606 * SECOND)).verdict == "allow"
    assert gate.admit(tool(n=3, at=3_607 * SECOND)).rule == "budget:agent:writer"
    assert gate.admit(tool(agent="critic", at=3_609 * SECOND)).verdict == "allow"
    assert gate.admit(tool(agent="critic", n=2, at=3_610 * SECOND)).rule == "budget:run"


def test_an_agent_has_a_budget_within_the_runs() -> None:
    gate = supervisor(
        limits=Limits(tool_calls=3), agents={"writer": Limits(tool_calls=2), "critic": Limits(tool_calls=9)}
    )
    verdicts = [gate.admit(tool(agent=agent, n=n)).rule for n, agent in enumerate(["writer"] * 3 + ["critic"] * 2)]
    assert verdicts == ["allow:search", "allow:search", "budget:agent:writer", "allow:search", "budget:run"]


def test_a_playbook_that_is_called_spends_within_its_own_budget_and_its_callers() -> None:
    gate = supervisor(
        limits=Limits(tool_calls=5),
        nested={"compare.": Limits(tool_calls=3), "compare.inner.": Limits(tool_calls=1)},
    )
    order = ["compare.inner.a", "compare.inner.b", "compare.a", "compare.b", "compare.c", "comparer", "x", "y"]
    rules = [gate.admit(tool(agent=agent)).rule for agent in order]
    assert rules == [
        "allow:search", "budget:playbook:compare.inner", "allow:search", "allow:search", "budget:playbook:compare",
        "allow:search", "allow:search", "budget:run",
    ]  # fmt: skip


def test_children_spend_what_their_parent_may_spend() -> None:
    """An agent cannot get round its budget by making others, nor they by making more."""
    gate = supervisor(agents={"boss": Limits(tool_calls=3)})
    gate.spawned("worker-1", "boss")
    gate.spawned("worker-2", "worker-1")
    gate.spawned("free", "somebody")
    rules = [gate.admit(tool(agent=agent)).verdict for agent in ("boss", "worker-1", "worker-2", "free")]
    assert rules == ["allow"] * 4
    assert gate.admit(tool(agent="worker-2", n=2)).rule == "budget:agent:boss"
    assert gate.admit(tool(agent="free", n=2)).verdict == "allow"


def test_an_effect_is_reserved_once_per_attempt() -> None:
    gate = supervisor()
    assert gate.admit(tool()).verdict == "allow"
    assert gate.admit(tool()).verdict == "deny"
    assert gate.admit(msgspec.structs.replace(tool(), effect="writer/1/0.1#2")).verdict == "allow"


def test_settling_what_was_never_admitted_changes_nothing() -> None:
    gate = supervisor(limits=Limits(tokens=5))
    assert gate.settle("nobody/1/0.1", Usage(5, 5), happened=True) is None
    assert gate.left("writer")["tokens"] == 5


# --- configuration -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"guardrails": ("secret",)}, "no guardrail 'secret'\n  Did you mean 'secrets'"),
        ({"guardrails": ("size", "size")}, "two guardrails are called 'size'"),
        ({"minimum_output": 0}, "minimum_output is 0"),
        ({"prices": {MODEL: Price(-1, 5)}}, "the price of 'openai/gpt-test' is negative"),
        ({"policy": {"alow": []}}, "there is no key 'alow'"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        supervisor(**config)


def test_a_guardrail_cannot_take_the_name_of_one_of_the_house() -> None:
    with pytest.raises(PolicyError, match="two guardrails called 'secrets'"):
        supervisor(at("input", lambda _: passed, "secrets"))


def test_a_configuration_survives_json() -> None:
    config = Config(
        limits=Limits(money=5, seconds=1.5), agents={"a": Limits(tokens=1)}, nested={"p.": Limits()},
        policy={"allow": ["search"]}, prices={MODEL: PRICE}, guardrails=("size",), unknown_price="allow",
    )  # fmt: skip
    assert msgspec.json.decode(encode(config), type=Config) == config


# --- laws ----------------------------------------------------------------------------------------------------------

CONFIG = Config(
    limits=Limits(money=60_000, tokens=30_000, model_calls=40, tool_calls=60, seconds=900),
    agents={"writer": Limits(tool_calls=20, money=20_000), "critic": Limits(tokens=4_000)},
    nested={"team.": Limits(tool_calls=15, tokens=9_000)},
    policy={
        "allow": ["search", {"tool": "write", "args": {"query": {"path_under": "out"}}}],
        "ask": ["pay"],
        "deny": [{"tool": "*", "agents": ["guest"]}],
    },
    prices={MODEL: PRICE},
    guardrails=("secrets", "hidden-unicode", "size", "mine"),
)


def mine() -> Guardrail:
    @guardrail(on=("tool_call", "prompt"), name="mine")
    def look(value: Any) -> Verdict:
        return block("four") if "4" in str(value) else ask("seven") if "7" in str(value) else passed

    return look


def drive(seed: int) -> tuple[list[Admission], Supervisor, list[Charge]]:
    """A thousand effects of seven agents, admitted and settled in an order drawn from ``seed``."""
    chance = random.Random(seed)  # noqa: S311 - the same orders each time
    gate = Supervisor.from_config(CONFIG, guardrails=[mine()])
    gate.begin(0)
    answers, opened, charges = [], [], []
    for n in range(1_000):
        agent = chance.choice(["writer", "critic", "guest", "team.a", "team.b", "x", "y"])
        query = chance.choice(["out/1", "etc/2", KEY, "3", "4", "7", "a\u200bb"])
        approved = chance.choice(["", "", "ann"])
        if chance.random() < 0.5:
            made = model(query, chance.choice([5, 400, 2_000]), agent=agent, n=n, at=n * SECOND, approved=approved)
        else:
            name = chance.choice(["search", "write", "pay", "other"])
            made = tool(name, agent, n=n, at=n * SECOND, approved=approved, arguments={"query": query})
        answers.append(gate.admit(made))
        if answers[-1].verdict == "allow":
            opened.append(made.effect)
        while opened and chance.random() < 0.4:
            usage = chance.choice([None, Usage(10, 5), Usage(300, 200, 100), Usage(-1, 3)])
            effect = opened.pop(chance.randrange(len(opened)))
            charge = gate.settle(effect, usage, happened=chance.random() < 0.8)
            charges += [] if charge is None else [charge]
    return answers, gate, charges


@pytest.mark.parametrize("seed", range(3))
def test_no_budget_is_overrun_and_every_answer_names_its_rule(seed: int) -> None:
    answers, gate, charges = drive(seed)
    verdicts = {answer.verdict for answer in answers}
    assert verdicts == {"allow", "ask", "deny"}
    for answer in answers:
        assert answer.rule
        assert (answer.error is not None) is (answer.verdict == "deny")
        assert (answer.reserved is not None) is (answer.verdict == "allow")
        assert answer.rule != "supervisor-failed"
    for scope in gate.ledger.scopes.values():
        for meter in scope.meters:
            over = sum(getattr(charge.overrun, meter.unit) for charge in charges if charge.overrun is not None)
            assert meter.limit is None or meter.settled + meter.reserved <= meter.limit + over


def test_the_same_calls_in_the_same_order_get_the_same_answers() -> None:
    def told(answers: list[Admission]) -> list[Any]:
        return [(a.verdict, a.rule, a.because, a.reserved, a.arguments, a.verdicts, str(a.error)) for a in answers]

    assert told(drive(7)[0]) == told(drive(7)[0])


@given(
    st.binary(max_size=40), st.text(max_size=10), st.text(max_size=10), st.sampled_from(["tool", "act", "model", "?"])
)
def test_no_proposal_makes_it_raise_or_go_through_unnamed(arguments: bytes, name: str, agent: str, kind: Any) -> None:
    gate = Supervisor.from_config(CONFIG, guardrails=[mine()])
    found = gate.admit(Proposal("e", kind, name, agent, arguments, 0))
    assert found.verdict == "deny"
    assert found.rule not in {"", "supervisor-failed"}


def test_units_of_the_ledger_are_those_of_amounts() -> None:
    assert Amount.__struct_fields__ == UNITS
