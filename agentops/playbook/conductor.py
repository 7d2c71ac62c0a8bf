"""The conductor: the agent that runs the steps of a playbook.

It is an agent like any other and does everything by the public face: it asks agents, awaits tools, gathers what runs
side by side, and puts every way taken and every round decided on record with `Agent.decide`. So a playbook needs no
engine of its own: recording, replay, budgets and permissions are those of any agent. As a caller of tools it bears the
playbook's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, ClassVar

from agentops.errors import MessageInvalid, RunError
from agentops.kernel.agent import Agent, handles
from agentops.messages import Codec, Message, decode, encode
from agentops.playbook.evaluate import EvaluationError, fill, holds, why
from agentops.playbook.expressions import Condition
from agentops.playbook.inputs import value_problem
from agentops.playbook.plan import Branch, Call, Let, Loop, Parallel, Step, Tree
from agentops.playbook.problems import Place
from agentops.playbook.program import AskAgent, Bound, CallTool, PlaybookInputs, Program, RunPlaybook
from agentops.playbook.scope import INPUTS, certain

__all__ = ["Conductor", "conductor_of"]

Values = dict[str, Any]
"""Results so far, as plain JSON values, by step id; ``inputs`` among them."""


class Conductor(Agent):
    """Runs the steps of a playbook."""

    program: ClassVar[Program]

    @handles
    async def on_inputs(self, inputs: PlaybookInputs) -> Any:
        """Run all steps; the answer is the playbook's output."""
        plan = self.program.plan
        values: Values = {INPUTS: inputs.values}
        await self._sequence(plan.steps, values)
        return self._filled(plan.output, values, ("output",))

    async def _sequence(self, steps: Sequence[Step], values: Values) -> Any:
        """Run steps one after another; the result of the last."""
        result: Any = None
        for step in steps:
            result = values[step.id] = await self._step(step, values)
        return result

    async def _step(self, step: Step, values: Values) -> Any:
        match step:
            case Call():
                return await self._call(step, values)
            case Let():
                return self._filled(step.value, values, (*step.place, "value"))
            case Parallel():
                return await self._parallel(step, values)
            case Branch():
                return await self._branch(step, values)
            case Loop():
                return await self._loop(step, values)

    async def _parallel(self, step: Parallel, values: Values) -> Any:
        """Each arm sees what there was before it, and nothing of the others until all are done."""
        arms = [dict(values) for _ in step.steps]
        results = await self.gather(*(self._sequence([one], arm) for one, arm in zip(step.steps, arms, strict=True)))
        for one, arm in zip(step.steps, arms, strict=True):
            values.update((ident, arm[ident]) for ident in certain([one]))
        return {one.id: result for one, result in zip(step.steps, results, strict=True)}

    async def _branch(self, step: Branch, values: Values) -> Any:
        then, because = self._judged(step.when, values, (*step.place, "when"))
        way = self.decide(
            f"Which way at step {step.id!r}?",
            options=("then", "else"),
            chosen="then" if then else "else",
            because=because,
        )
        return await self._sequence(step.then if way == "then" else step.otherwise, values)

    async def _loop(self, step: Loop, values: Values) -> Any:
        """Rounds until the condition holds, or until there have been as many as were allowed."""
        for ident in certain(step.steps):
            values.pop(ident, None)  # what an earlier pass of a loop around this one left
        for number in range(1, step.at_most + 1):
            await self._sequence(step.steps, values)
            done, because = self._judged(step.until, values, (*step.place, "repeat", "until"))
            last = number == step.at_most
            other = "give up" if last else "another round"
            self.decide(
                f"Is step {step.id!r} done after round {number} of {step.at_most}?",
                options=("done", other),
                chosen="done" if done else other,
                because=because,
            )
            if done or last:
                return {"rounds": number, "accepted": done}
        return None  # unreachable: a loop has at least one round

    # --- calls ------------------------------------------------------------------------------------------------

    async def _call(self, step: Call, values: Values) -> Any:
        given = self._filled(step.input, values, (*step.place, "input"))
        answer = await self._answer(step, self.program.calls[step.id], given)
        return decode(encode(answer))

    def _answer(self, step: Call, bound: Bound, given: Any) -> Awaitable[Any]:
        match bound:
            case AskAgent(agent, codec):
                return self.ask(agent, self._message(step, codec, given))
            case CallTool(tool):
                return tool(**given)
            case RunPlaybook():
                return self.ask(bound.conductor, self._inputs(step, bound, given))

    def _message(self, step: Call, codec: Codec, given: Any) -> Message:
        try:
            message: Message = codec.decode(encode(given))
        except MessageInvalid as error:
            msg = f"{self._where((*step.place, 'input'))}: step {step.id!r}: {error.what}"
            hint = (
                f"Agent {step.target!r} takes a {codec.name}; look at what the step that the value came from returned."
            )
            raise MessageInvalid(msg, hint=hint, step=step.id) from error
        return message

    def _inputs(self, step: Call, called: RunPlaybook, given: Mapping[str, Any]) -> PlaybookInputs:
        """The inputs of a called playbook, with its defaults; types are known only now where a value's was not."""
        values = {**called.defaults, **given}
        for name, spec in called.plan.inputs.items():
            optional = not spec.required and spec.default is None
            if values[name] is None and optional:
                continue
            if problem := value_problem(spec, values[name]):
                msg = f"{self._where((*step.place, 'input', name))}: step {step.id!r}: the input {name!r} {problem}"
                raise MessageInvalid(msg, hint=f"Playbook {called.plan.name!r} declares it.", step=step.id)
        return PlaybookInputs(values={name: values[name] for name in called.plan.inputs})

    # --- expressions ------------------------------------------------------------------------------------------

    def _filled(self, tree: Tree, values: Values, place: Place) -> Any:
        try:
            return fill(tree, values)
        except EvaluationError as error:
            raise self._failed(error, place) from error

    def _judged(self, condition: Condition, values: Values, place: Place) -> tuple[bool, str]:
        try:
            return holds(condition, values), why(condition, values)
        except EvaluationError as error:
            raise self._failed(error, place) from error

    def _failed(self, error: EvaluationError, place: Place) -> RunError:
        return RunError(
            f"{self._where((*place, *error.place), error.offset)}: {error.what}",
            hint="Make the step before it return what is used here, or ask first with 'when'.",
        )

    def _where(self, place: Place, offset: int | None = None) -> str:
        """Playbook and line: not the file's path, which another machine that replays the run need not have."""
        plan = self.program.plan
        mark = plan.source.mark(place, offset=offset)
        return f"playbook {plan.name!r}, line {mark.line}, column {mark.column}"


def conductor_of(program: Program) -> type[Conductor]:
    """The conductor's class for one playbook: a specification, as every agent's class is."""
    body = {"name": program.plan.name, "program": program, "__doc__": program.plan.description, "__module__": __name__}
    return type("Conductor", (Conductor,), body)
