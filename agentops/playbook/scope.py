"""Which results a step can see, and why it cannot see the others.

A step sees the inputs, the steps before it, and those inside a ``parallel`` or a ``repeat`` before it. It does not
see into a branch from outside (it may not have run: the branch's own id has the value of whichever way was taken), nor
beside itself in a ``parallel``. Inside a ``repeat`` it also sees later steps of the same body: their results of the
round before, of which there are none in the first round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agentops.kernel.suggest import nearest
from agentops.playbook.expressions import Ref
from agentops.playbook.graph import circle, data_graph
from agentops.playbook.plan import Branch, Loop, Parallel, Plan, Step, children, steps_of

__all__ = ["INPUTS", "Blind", "Scope", "Sight", "certain"]

INPUTS = "inputs"
"""The root of references to the playbook's inputs."""


@dataclass(frozen=True, slots=True)
class Blind:
    """Why a reference cannot be followed, and what to do."""

    what: str
    hint: str
    circle: bool = False
    """Whether it is a circle of steps: worth saying once, not at each of them."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be seen at one point: ``now`` has run; ``before`` ran in the round before, if there was one."""

    now: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()

    def after(self, step: Step) -> Scope:
        """What can be seen behind a step."""
        seen = self.now | frozenset(certain([step]))
        return Scope(seen, self.before - seen)

    def inside(self, loop: Loop) -> Scope:
        """What can be seen at the start of a loop's body."""
        return Scope(self.now, self.before | frozenset(certain(loop.steps)))


def certain(steps: Sequence[Step]) -> list[str]:
    """The ids that surely have a result once ``steps`` have run: all but those inside branches."""
    found: list[str] = []
    for step in steps:
        found.append(step.id)
        if isinstance(step, Parallel | Loop):
            found.extend(certain(step.steps))
    return found


class Sight:
    """The steps of one plan with their positions, to explain what cannot be seen."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.steps = {step.id: step for step in steps_of(plan.steps)}
        self.order = {ident: number for number, ident in enumerate(self.steps)}
        self.data = data_graph(plan)
        self.above: dict[str, list[tuple[Step, int]]] = {}
        """By id: the steps that a step is inside of, outermost first, each with the number of the list in it."""
        self._note(plan.steps, [])

    def _note(self, steps: Sequence[Step], above: list[tuple[Step, int]]) -> None:
        for step in steps:
            self.above[step.id] = above
            for number, inner in enumerate(children(step)):
                self._note(inner, [*above, (step, number)])

    def look(self, ref: Ref, scope: Scope, user: str) -> Blind | None:
        """None where ``ref`` can be seen from the step ``user`` (empty: the playbook's output)."""
        if ref.root == INPUTS or ref.root in scope.now or ref.root in scope.before:
            return None
        if ref.root not in self.steps:
            return self._unknown(ref, scope)
        if ref.root == user:
            hint = "Only inside 'repeat' can a step see a result of before."
            return Blind(f"step {user!r} uses its own result", hint)
        if any(step.id == ref.root for step, _ in self.above.get(user, ())):
            return Blind(f"step {user!r} is inside {ref.root!r} and runs before it is done", "Use a step before it.")
        return self._beside(ref.root, user) or self._in_branch(ref.root, user) or self._later(ref.root, user)

    def _unknown(self, ref: Ref, scope: Scope) -> Blind:
        if ref.root in self.plan.inputs:
            return Blind(f"there is no step {ref.root!r}, but there is an input", f"Write inputs.{ref.root}.")
        if ref.root.casefold() in {"true", "false", "null", "none", "yes", "no"}:
            return Blind(f"there is no step {ref.root!r}", "Truth values are true and false; nothing is null.")
        seen = sorted(scope.now | scope.before, key=lambda ident: self.order[ident])
        return Blind(f"there is no step {ref.root!r}", nearest(ref.root, [INPUTS, *seen]))

    def _beside(self, used: str, user: str) -> Blind | None:
        shared: Step | None = None
        for (left, number), (right, other) in zip(self.above[used], self.above.get(user, []), strict=False):
            if left.id != right.id or number != other:
                break
            shared = left
        if not isinstance(shared, Parallel):
            return None
        what = f"step {user!r} runs side by side with {used!r} and cannot use its result"
        return Blind(what, f"Move it behind the parallel step {shared.id!r}.")

    def _in_branch(self, used: str, user: str) -> Blind | None:
        mine = [(step.id, number) for step, number in self.above.get(user, ())]
        for step, number in self.above[used]:
            if isinstance(step, Branch) and (step.id, number) not in mine:
                way = "else" if number else "then"
                what = f"step {used!r} may not have run: it stands under '{way}' of {step.id!r}"
                return Blind(what, f"Use {step.id!r}: its value is that of the last step of whichever way was taken.")
        return None

    def _later(self, used: str, user: str) -> Blind:
        way = circle(self.data, user, used)
        if way:
            start = min(way, key=self.order.__getitem__)
            at = way.index(start)
            ring = [start, *reversed(way[at + 1 :] + way[:at]), start]
            what = f"steps use each other in a circle: {' uses '.join(ring)}"
            hint = "Only 'repeat' may go round: put these steps under it, with 'until' and 'at_most'."
            return Blind(what, hint, circle=True)
        return Blind(f"step {used!r} runs after {user!r}", "Change their order, or put both under 'repeat'.")
