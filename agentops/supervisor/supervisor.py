"""The `Supervisor`: permission, then guardrails, then budget, for every effect of a run; behind the kernel's `Gate`.

It is a pure function of its `Config` and of the calls made to it, in their order. It never raises while judging:
should a part of it fail after all, the effect is denied by the rule ``supervisor-failed``, and the reason names what
failed. Nothing is reserved for an effect that is denied or asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from agentops.errors import PermissionDenied, PolicyError
from agentops.kernel.chat import Price, Usage
from agentops.kernel.gate import Admission, Amount, Charge, Proposal, Screening, Stage, ToolDeclaration
from agentops.kernel.suggest import nearest
from agentops.messages import encode
from agentops.supervisor.budget import ONE_TOOL_CALL, Ledger, Scope
from agentops.supervisor.config import Config
from agentops.supervisor.denials import Verdicts, asking, broken, denied, forbidden, unknown_price
from agentops.supervisor.estimate import count_request, fit_output, worst_case
from agentops.supervisor.guardrails import Guardrail, Guardrails, blocked
from agentops.supervisor.policy import MALFORMED, NO_OBJECT, Docket, Policy, Ruling, read_arguments
from agentops.supervisor.stock import STOCK
from agentops.supervisor.tally import Tally

__all__ = ["Supervisor"]

_PERSON: Final = Admission(verdict="allow", rule="person")


class _Seat:
    """What is known of one agent: its budget, and the rules about it, by tool."""

    __slots__ = ("dockets", "offers", "scope")

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.dockets: dict[str, Docket] = {}
        self.offers: dict[tuple[str, ...], frozenset[str]] = {}


class Supervisor:
    """A gate made of a policy, guardrails and budgets. Make it with `from_config`; one per run.

    ``policy.digest`` names the policy, ``ledger`` holds what every budget has left, ``tally`` what rules have counted.
    """

    __slots__ = tuple("_bases _granted _guarded _guards _now _priced _seats config ledger policy stages tally".split())

    def __init__(self, config: Config, policy: Policy, guards: Guardrails) -> None:
        self.config = config
        self.policy = policy
        self.ledger = Ledger(config.limits)
        self.tally = Tally()
        self.stages: frozenset[Stage] = guards.stages
        self._guarded = "tool_call" in guards.stages
        self._guards = guards
        self._seats: dict[str, _Seat] = {}
        self._bases: dict[str, Scope] = {}
        self._granted: dict[str, Admission] = {}
        self._priced: dict[str, Price | None] = {}
        self._now = 0

    @classmethod
    def from_config(
        cls,
        config: Config,
        *,
        guardrails: Iterable[Guardrail] = (),
        known_tools: Iterable[ToolDeclaration] | None = None,
        policy: Policy | None = None,
    ) -> Supervisor:
        """A supervisor for one run; raises `PolicyError` where the configuration cannot work.

        ``guardrails``: the user's own; those that ``config`` names are taken from them and from the stock.
        ``known_tools``: makes rules about others an error. ``policy``: already compiled from ``config.policy``, where
        its errors should say file and line.
        """
        known = {**STOCK}
        for each in guardrails:
            if known.setdefault(each.name, each) is not each:
                raise PolicyError(f"there are two guardrails called {each.name!r}", hint="Give yours another name.")
        for name in config.guardrails:
            if name not in known:
                raise PolicyError(f"there is no guardrail {name!r}", hint=nearest(name, known), guardrail=name)
        if config.minimum_output < 1:
            raise PolicyError(f"minimum_output is {config.minimum_output}, not a number from 1")
        for model, price in config.prices.items():
            if min(price.input, price.output, price.cached_input or 0) < 0:
                raise PolicyError(f"the price of {model!r} is negative: {price}", hint="Free is 0.")
        compiled = policy or Policy.from_mapping(config.policy, known_tools=known_tools)
        return cls(config, compiled, Guardrails(known[name] for name in config.guardrails))

    # --- the gate ------------------------------------------------------------------------------------------------

    def begin(self, at: int) -> None:
        """Start the run's clock, ``at`` in microseconds since 1970; without it, the first proposal does."""
        self._now = at
        self.ledger.begin(self.ledger.root, at)

    def postpone(self, microseconds: int) -> None:
        """The run lay idle for so long; no budget of seconds counts that time."""
        self._now += microseconds
        self.ledger.postpone(microseconds)

    def admit(self, proposal: Proposal) -> Admission:
        """Judge one proposal; where the answer is ``allow``, its reservation is held until `settle`."""
        try:
            match proposal.kind:
                case "tool" | "act":
                    return self._admit_call(proposal)
                case "model":
                    return self._admit_model(proposal)
                case "person":
                    return _PERSON
            return denied("unknown-kind", PermissionDenied(f"there is no effect of kind {proposal.kind!r}"))
        except MemoryError:
            raise  # not about the proposal: the delivery ends here, unrecorded, and nothing has left
        except Exception as error:  # noqa: BLE001 - a gate is total: whatever fails, the answer is no, and says why
            return broken(proposal, error)

    def settle(self, effect: str, usage: Usage | None, *, happened: bool) -> Charge | None:
        """Settle an admitted effect. ``usage`` None, or impossible: charged as reserved; not happened: released."""
        ledger = self.ledger
        if not happened:
            ledger.release(effect)
            self.tally.release(effect)
            self._priced.pop(effect, None)
            return None
        if usage is None:
            self._priced.pop(effect, None)
            return ledger.settle(effect)
        return ledger.settle(effect, self._actual(effect, usage))

    def screen(self, stage: Stage, agent: str, name: str, value: Any) -> Screening:
        """Have the guardrails of ``stage`` look at a plain JSON value.

        Only admission can wait for a person, so a guardrail that asks for one here stops the value: with an error.
        """
        screening = self._guards.screen(stage, agent, name, value)
        if screening.verdict != "ask":
            return screening
        guard, reason = asking(screening.verdicts)
        reason = f"{reason} (it asks for a person, and at this stage nobody is asked)"
        return msgspec.structs.replace(screening, error=blocked(guard, reason, stage, agent, name))

    def offers(self, agent: str, tools: tuple[ToolDeclaration, ...]) -> frozenset[str]:
        """The names of those tools that some rule could open to this agent."""
        seat = self._seat(agent)
        names = tuple(tool.name for tool in tools)
        found = seat.offers.get(names)
        if found is None:
            found = frozenset(name for name in names if not self._docket(seat, name, agent).hopeless)
            seat.offers[names] = found
        return found

    def left(self, agent: str) -> dict[str, int | None]:
        """What the tightest budget over this agent leaves, by unit; ``money`` in micro-dollars; None: unlimited.

        ``seconds`` are as of the last delivery that proposed anything.
        """
        scope = self._seat(agent).scope
        return {**self.ledger.left(scope), "seconds": self.ledger.seconds_left(scope, self._now)}

    def spawned(self, agent: str, parent: str) -> None:
        """``parent`` made ``agent``: where the parent has a budget of its own, the child spends from it too."""
        scope = self._seat(parent).scope
        if agent not in self._seats and (scope.name == f"agent:{parent}" or parent in self._bases):
            self._bases.setdefault(agent, scope)

    # --- tools and functions -------------------------------------------------------------------------------------

    def _admit_call(self, proposal: Proposal) -> Admission:
        agent, name = proposal.agent, proposal.name
        self._now = proposal.at
        seat = self._seats.get(agent) or self._seat(agent)
        docket = seat.dockets.get(name)
        if docket is None:
            if (proposal.kind == "act") is not name.startswith("act:"):
                ruling = Ruling("deny", "unknown-kind", "by its name it is of another kind")
                return denied(ruling.rule, forbidden(proposal, ruling))
            docket = self._docket(seat, name, agent)
        ruling = docket.fixed or docket.judge(proposal.arguments, proposal.tool)
        if ruling.verdict == "deny":
            return denied(ruling.rule, forbidden(proposal, ruling))
        if self._guarded:
            return self._guarded_call(proposal, seat, docket, ruling)
        if ruling.quotas:
            return self._counted(proposal, seat, ruling)
        if ruling.verdict == "ask":
            return self._asked(proposal, seat, ruling)
        refused = self._reserve(proposal, seat, ONE_TOOL_CALL)
        return refused or self._granted.get(ruling.rule) or self._grant(ruling)

    def _guarded_call(self, proposal: Proposal, seat: _Seat, docket: Docket, ruling: Ruling) -> Admission:
        """Permission is given; now the guardrails, and permission again for what they left of the arguments."""
        given = read_arguments(proposal.arguments)
        if given is None:
            return denied(MALFORMED, forbidden(proposal, NO_OBJECT))
        seen = self._guards.screen("tool_call", proposal.agent, proposal.name, given)
        if seen.error is not None:
            return denied(str(seen.error.facts["rule"]), seen.error, seen.verdicts)
        arguments = None
        if seen.value is not given:
            if type(seen.value) is not dict:
                guard, reason = seen.verdicts[-1][0], "what it left of the arguments is no JSON object"
                error = blocked(guard, reason, "tool_call", proposal.agent, proposal.name)
                return denied(guard, error, seen.verdicts)
            arguments = encode(seen.value)
            ruling = docket.judge(arguments, proposal.tool)
            if ruling.verdict == "deny":
                return denied(ruling.rule, forbidden(proposal, ruling), seen.verdicts)
        if seen.verdict == "ask" and ruling.verdict == "allow":
            ruling = Ruling("ask", *asking(seen.verdicts), quotas=ruling.quotas)
        admission = self._counted(proposal, seat, ruling)
        return msgspec.structs.replace(admission, arguments=arguments, verdicts=seen.verdicts)

    def _counted(self, proposal: Proposal, seat: _Seat, ruling: Ruling) -> Admission:
        """Allow or ask, as far as the limits of rules go; whatever goes through counts towards them."""
        quotas = ruling.quotas
        ruling = self.tally.checked(ruling)
        if ruling.verdict == "deny":
            return denied(ruling.rule, forbidden(proposal, ruling))
        if ruling.verdict == "ask":
            admission = self._asked(proposal, seat, ruling)
        else:
            admission = self._reserve(proposal, seat, ONE_TOOL_CALL) or self._grant(ruling)
        if quotas and admission.verdict == "allow":
            self.tally.count(proposal.effect, quotas)
        return admission

    def _asked(self, proposal: Proposal, seat: _Seat, ruling: Ruling) -> Admission:
        """A person has to agree, or has agreed. Nobody is asked about what no budget covers."""
        if not proposal.approved:
            refused = self.ledger.late(seat.scope, proposal.at) or self.ledger.check(seat.scope, ONE_TOOL_CALL)
            if refused is not None:
                return denied(f"budget:{refused.scope}", refused)
            return Admission(verdict="ask", rule=ruling.rule, because=ruling.because)
        refusal = self._reserve(proposal, seat, ONE_TOOL_CALL)
        because = f"approved by {proposal.approved}"
        return refusal or Admission(verdict="allow", rule=ruling.rule, because=because, reserved=ONE_TOOL_CALL)

    def _grant(self, ruling: Ruling) -> Admission:
        made = Admission(verdict="allow", rule=ruling.rule, because=ruling.because, reserved=ONE_TOOL_CALL)
        self._granted[ruling.rule] = made
        return made

    # --- models --------------------------------------------------------------------------------------------------

    def _admit_model(self, proposal: Proposal) -> Admission:
        self._now = proposal.at
        request, ruling = proposal.request, self.policy.judge_model(proposal.name)
        if ruling.verdict != "deny" and (request is None or request.max_output_tokens < 1):
            asked = "nothing" if request is None else f"{request.max_output_tokens} output tokens"
            ruling = Ruling("deny", "malformed-request", f"it asks for {asked}")
        if ruling.verdict == "deny" or request is None:
            return denied(ruling.rule, forbidden(proposal, ruling))
        price = self.config.prices.get(proposal.name)
        if price is None and self.config.unknown_price != "allow":
            return denied("unknown-price", unknown_price(proposal, self.ledger.root.meters[0]))
        verdicts: Verdicts = ()
        if "prompt" in self.stages:
            seen = self._guards.screen("prompt", proposal.agent, proposal.name, msgspec.to_builtins(request.messages))
            verdicts, stopped = seen.verdicts, self._prompt_stopped(proposal, seen)
            if stopped is not None:
                return stopped
        seat = self._seats.get(proposal.agent) or self._seat(proposal.agent)
        wanted, counted = request.max_output_tokens, count_request(request)
        least = min(wanted, self.config.minimum_output)
        output = max(least, fit_output(wanted, counted, self.ledger.left(seat.scope), price))
        amount = worst_case(counted, output, price)
        refused = self._reserve(proposal, seat, amount)
        if refused is not None:
            return refused if not verdicts else msgspec.structs.replace(refused, verdicts=verdicts)
        self._priced[proposal.effect] = price
        return Admission(
            verdict="allow",
            rule=ruling.rule if price is not None else f"{ruling.rule}, price unknown: money not counted",
            because=f"approved by {proposal.approved}" if proposal.approved else "",
            reserved=amount,
            max_output_tokens=output if output < wanted else 0,
            verdicts=verdicts,
        )

    def _prompt_stopped(self, proposal: Proposal, seen: Screening) -> Admission | None:
        """What becomes of a prompt that guardrails did not pass. A prompt is sent as it is or not at all."""
        if seen.verdict == "pass":
            return None
        if seen.error is not None:
            return denied(str(seen.error.facts["rule"]), seen.error, seen.verdicts)
        redacting = next(((guard, reason) for guard, kind, reason in seen.verdicts if kind == "redact"), None)
        if redacting is not None:
            reason = f"a prompt is not changed on its way, so it is not sent ({redacting[1]})"
            error = blocked(redacting[0], reason, "prompt", proposal.agent, proposal.name)
            return denied(redacting[0], error, seen.verdicts)
        if proposal.approved:
            return None
        guard, reason = asking(seen.verdicts)
        return Admission(verdict="ask", rule=guard, because=reason, verdicts=seen.verdicts)

    def _actual(self, effect: str, usage: Usage) -> Amount | None:
        """What was used; None where the figures cannot be."""
        reserved = self.ledger.reserved(effect)
        price = self._priced.pop(effect, None)
        figures = (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.reasoning_tokens)
        if reserved is None or min(figures) < 0:
            return None
        return Amount(
            money=0 if price is None else price.cost(usage),
            tokens=usage.input_tokens + usage.output_tokens,
            model_calls=reserved.model_calls,
            tool_calls=reserved.tool_calls,
        )

    # --- budgets -------------------------------------------------------------------------------------------------

    def _reserve(self, proposal: Proposal, seat: _Seat, amount: Amount) -> Admission | None:
        """Hold the amount; else the denial that says which budget does not cover it."""
        scope = seat.scope
        late = self.ledger.late(scope, proposal.at) if scope.timed else None
        refused = late or self.ledger.reserve(proposal.effect, scope, amount)
        return None if refused is None else denied(f"budget:{refused.scope}", refused)

    def _seat(self, agent: str) -> _Seat:
        seat = self._seats.get(agent)
        if seat is None:
            seat = self._seats[agent] = _Seat(self._scope(agent))
        return seat

    def _scope(self, agent: str) -> Scope:
        """The innermost budget over this agent: its own, that of its playbook or parent, or the run's."""
        scope = self._bases.get(agent)
        if scope is None:
            scope = self.ledger.root
            for prefix in sorted((p for p in self.config.nested if agent.startswith(p)), key=len):
                scope = self.ledger.open(f"playbook:{prefix.rstrip('./:-')}", self.config.nested[prefix], scope)
        limits = self.config.agents.get(agent)
        return scope if limits is None else self.ledger.open(f"agent:{agent}", limits, scope)

    def _docket(self, seat: _Seat, tool: str, agent: str) -> Docket:
        docket = seat.dockets.get(tool)
        if docket is None:
            docket = self.policy.docket(tool, agent)
            if len(seat.dockets) < 1024:  # a model may invent names without end
                seat.dockets[tool] = docket
        return docket
