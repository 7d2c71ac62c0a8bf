"""Comparing two runs: their decision paths side by side, aligned by agent and cause, never by clock.

Two turns correspond if the messages that caused them do; within a turn, steps are put in line by what they are (a
question to the same agent, a call of the same tool), so that one inserted step does not make everything behind it look
different. When something happened, and in which order things side by side came to pass, is not compared: that is what
differs between any two runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any, Final, Literal

import msgspec

from agentops.observe.steps import Step

__all__ = ["Change", "Compared", "Field", "compare_paths", "fields"]

_CLOCK: Final = frozenset({"seconds", "started", "ended", "turn", "agents"})
"""Facts that are of the clock, or that name a place and not a thing."""
_COSTS: Final = frozenset({"usage", "tokens", "money"})
"""Facts that the table of costs shows."""
_CALLS: Final = frozenset({"tool", "model", "act", "person", "denied"})
_MESSAGES: Final = frozenset({"start", "external", "ask", "send", "publish"})


class Field(msgspec.Struct, frozen=True):
    """One value that differs; ``path`` is written like ``body.claims[2].text``. What is not there is None."""

    path: str
    a: Any
    b: Any


class Change(msgspec.Struct, frozen=True):
    """One step that is not the same in both runs.

    ``of`` is ``a`` or ``b`` for a step that only this run has, and ``both`` for one that differs in ``fields``.
    """

    of: Literal["a", "b", "both"]
    under: tuple[str, ...]
    """The agents from the run's first to the one that did it: who asked whom."""
    a: Step | None
    b: Step | None
    fields: tuple[Field, ...] = ()

    @property
    def step(self) -> Step:
        """The step, as A has it if A has it."""
        step = self.a if self.a is not None else self.b
        if step is None:
            msg = "a change is of a step"
            raise ValueError(msg)
        return step

    def plain(self) -> dict[str, Any]:
        """As JSON: without what stands below the steps."""
        return {
            "of": self.of,
            "under": list(self.under),
            "kind": self.step.kind,
            "agent": self.step.agent,
            "a": None if self.a is None else {"id": self.a.id, "facts": self.a.facts},
            "b": None if self.b is None else {"id": self.b.id, "facts": self.b.facts},
            "fields": [msgspec.to_builtins(field) for field in self.fields],
        }


class Compared(msgspec.Struct, frozen=True):
    """Two runs, step by step: how many steps are the same, and every other in the order of A's path."""

    same: int
    changes: list[Change]
    output: tuple[Field, ...]
    """Where the outputs (or the errors that stand in their place) differ."""


def compare_paths(a: Step, b: Step) -> Compared:
    """Compare the decision paths of two runs, as `agentops.observe.path.decision_path` makes them."""
    walk = _Walk()
    walk.below(a, b, ())
    return Compared(walk.same, walk.changes, tuple(fields(_end(a), _end(b))))


def _end(root: Step) -> dict[str, Any]:
    """How a run ended; nothing: it has not."""
    return next((each.facts for each in root.steps if each.kind == "finished"), {})


def fields(old: Any, new: Any, path: str = "") -> list[Field]:
    """Where two JSON values differ, innermost."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = [*old, *(key for key in new if key not in old)]
        pairs = [(f"{path}.{key}" if path else str(key), old.get(key), new.get(key)) for key in keys]
    elif isinstance(old, list) and isinstance(new, list):
        pairs = [(f"{path}[{number}]", one, other) for number, (one, other) in enumerate(zip_longest(old, new))]
    else:
        return [] if old == new and isinstance(old, bool) is isinstance(new, bool) else [Field(path, old, new)]
    return [field for where, one, other in pairs for field in fields(one, other, where)]


class _Walk:
    """Goes down both trees at once."""

    def __init__(self) -> None:
        self.same = 0
        self.changes: list[Change] = []

    def below(self, a: Step, b: Step, under: tuple[str, ...]) -> None:
        """What stands below two corresponding steps."""
        left, right = _turns(a.steps), _turns(b.steps)
        for turn in sorted({*left, *right}):
            for one, other in _aligned(left.get(turn, []), right.get(turn, []), _LIKE):
                self.pair(one, other, under)

    def pair(self, a: Step | None, b: Step | None, under: tuple[str, ...]) -> None:
        """Two corresponding steps, or one that has none."""
        if a is None or b is None:
            self._only(a, b, under)
            return
        found = tuple(fields(_compared(a), _compared(b)))
        if found:
            self.changes.append(Change("both", under, a, b, found))
        else:
            self.same += 1
        self.below(a, b, _inside(a, under))

    def _only(self, a: Step | None, b: Step | None, under: tuple[str, ...]) -> None:
        self.changes.append(Change("a" if b is None else "b", under, a, b))
        for step in (a, b):
            for each in step.steps if step is not None else ():
                self._only(each if step is a else None, each if step is b else None, _inside(step, under))


def _inside(step: Step | None, under: tuple[str, ...]) -> tuple[str, ...]:
    """The agents above what stands below a step."""
    if step is None or step.kind not in _MESSAGES | {"turn"}:
        return under
    agent = str(step.facts.get("agent") or step.facts.get("to") or "")
    return (*under, agent) if agent else under


def _compared(step: Step) -> dict[str, Any]:
    """What of a step is compared. The answer to the run's first message is its output, which is compared by itself."""
    left_out = _CLOCK | _COSTS | ({"answer"} if step.kind == "start" else set())
    return {"kind": step.kind, **{name: fact for name, fact in step.facts.items() if name not in left_out}}


# --- putting in line ----------------------------------------------------------------------------------------------


def _turns(steps: Iterable[Step]) -> dict[int, list[Step]]:
    """Steps by the turn that took them, counted below this message, and within it in the order of their paths.

    In that order, what a branch did stands where it was started, whenever it was done. Steps that no turn took (a
    resumption, the recipients of something published) are together under -1; the run's end is not among them, as
    outputs are compared by themselves.
    """
    turns: dict[str, int] = {}
    found: dict[int, list[Step]] = {}
    for step in steps:
        if step.kind != "finished":
            turn = "" if step.kind == "turn" else step.id.rpartition("/")[0]
            found.setdefault(turns.setdefault(turn, len(turns)) if turn else -1, []).append(step)
    return {turn: sorted(each, key=_path) for turn, each in found.items()}


def _path(step: Step) -> tuple[str, tuple[int, ...]]:
    """The numbers of a step's path; before them, of a recipient, its name."""
    last = step.id.partition("#")[0].rpartition("/")[2]
    return step.agent if step.kind == "turn" else "", tuple(int(part) for part in last.split(".") if part.isdecimal())


def _aligned(
    a: Sequence[Step], b: Sequence[Step], like: Sequence[Callable[[Step], Any]]
) -> Iterator[tuple[Step | None, Step | None]]:
    """Pairs of corresponding steps, in order: by the first key as far as it goes, what lies between by the next."""
    if not like or not a or not b:
        yield from ((step, None) for step in a)
        yield from ((None, step) for step in b)
        return
    key, *rest = like
    matcher = SequenceMatcher(None, [key(step) for step in a], [key(step) for step in b], autojunk=False)
    for operation, i, j, k, n in matcher.get_opcodes():
        if operation == "equal":
            yield from zip(a[i:j], b[k:n], strict=True)
        else:
            yield from _aligned(a[i:j], b[k:n], rest)


def _alike(step: Step) -> tuple[Any, ...]:
    """The same step with the same content."""
    facts = step.facts
    said = [facts.get(name) for name in ("body", "arguments", "chosen", "because")]
    return (*_same_step(step), msgspec.json.encode(said, order="deterministic"))


def _same_step(step: Step) -> tuple[str, ...]:
    """The same step, whatever its content: a message of that type to that agent, a call of that tool."""
    facts = step.facts
    if step.kind in _MESSAGES:
        return ("message", str(facts.get("to") or facts.get("topic")), str(facts.get("type")))
    if step.kind in _CALLS:
        kind = str(facts["what"]) if step.kind == "denied" else step.kind
        return ("call", kind, "" if kind == "model" else str(facts.get("name")))
    return (step.kind, *(str(facts.get(name, "")) for name in ("question", "guardrail", "name", "agent")))


def _same_kind(step: Step) -> str:
    return "message" if step.kind in _MESSAGES else "call" if step.kind in _CALLS else step.kind


_LIKE: Final = (_alike, _same_step, _same_kind)
