"""Guardrails: functions that look at a value and pass it, redact it, block it, or ask a person.

::

    @guardrail(on=("input", "tool_call"), name="no-competitors")
    def no_competitors(value: Any) -> Verdict:
        return block("names a competitor") if "Initech" in str(value) else passed

A guardrail is pure: no I/O, no clock, no chance; it runs again on replay and must say the same. It sees plain JSON
values (the fields of a message as a mapping, a tool's arguments as a mapping) and gets a copy, so that it can change
nothing unseen. It fails closed: one that raises, or answers with anything but a `Verdict`, blocks.

Guardrails of a stage stand in the order in which they were given; each sees what those before it left. A block ends
it; a question for a person is kept while the others look, for one of them may still block.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal, get_args

import msgspec

from agentops.errors import GuardrailBlocked, PolicyError
from agentops.kernel.gate import Screening, Stage
from agentops.kernel.suggest import nearest
from agentops.messages import decode, encode
from agentops.supervisor.redact import Redactor

__all__ = ["Guardrail", "Guardrails", "Verdict", "ask", "block", "guardrail", "passed", "redact"]

STAGES: Final = frozenset(get_args(Stage))
_LONGEST_REASON: Final = 500
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{4,}")
_CLEAN: Final = Redactor()


class Verdict(msgspec.Struct, frozen=True):
    """What a guardrail says of a value. Make it with `passed`, `redact`, `block` or `ask`."""

    kind: Literal["pass", "redact", "ask", "block"]
    reason: str = ""
    value: Any = None
    """Of ``redact``: the plain JSON value to go on with."""


passed: Final = Verdict("pass")
"""Nothing to say against it."""


def redact(value: Any, reason: str) -> Verdict:
    """Go on with ``value`` (plain JSON) in place of what was seen."""
    return Verdict("redact", reason, value)


def block(reason: str) -> Verdict:
    """Go no further; ``reason`` is what the agent and the record are told."""
    return Verdict("block", reason)


def ask(reason: str) -> Verdict:
    """Let a person decide. Only at ``tool_call`` and ``prompt`` can one be asked; elsewhere this blocks."""
    return Verdict("ask", reason)


class Guardrail(msgspec.Struct, frozen=True):
    """A function on values, with its name and where it stands."""

    name: str
    stages: frozenset[str]
    look: Callable[[Any], Any]
    shares: bool = False
    """Only for our own: it is known to change nothing, so it need not be given a copy."""

    def __call__(self, value: Any) -> Verdict:
        """Its verdict on a value, and never an exception."""
        try:
            said = self.look(value if self.shares else decode(encode(value)))
        except (KeyboardInterrupt, SystemExit, MemoryError):
            raise  # not about the value: the delivery ends here, unrecorded, and nothing has left
        except BaseException as error:  # noqa: BLE001 - whatever it raised, the answer is no, and says so
            return block(f"the guardrail itself failed: {_told(error)}")
        return _checked(said)


def guardrail(*, on: str | Iterable[str], name: str = "") -> Callable[[Callable[[Any], Verdict]], Guardrail]:
    """Declare a function of one plain JSON value as a guardrail on these stages.

    ``on``: of ``input, message, prompt, model_output, tool_call, tool_result, output``. ``name``: how playbooks and
    records call it; default: the function's, with hyphens. Raises `PolicyError` for a declaration that cannot work.
    """
    stages = frozenset([on] if isinstance(on, str) else on)

    def declare(function: Callable[[Any], Verdict]) -> Guardrail:
        called = name or getattr(function, "__name__", "").strip("_").replace("_", "-")
        if not called or called.startswith("<"):
            raise PolicyError(
                f"guardrail {function!r} has no name", hint='Give it one: @guardrail(on=..., name="...").'
            )
        for stage in sorted(stages - STAGES):
            raise PolicyError(f"guardrail {called!r}: there is no stage {stage!r}", hint=nearest(stage, STAGES))
        if not stages:
            raise PolicyError(f"guardrail {called!r} stands nowhere", hint="Name stages: " + ", ".join(sorted(STAGES)))
        if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
            hint = "A guardrail is a plain function. What takes time or I/O belongs into a tool."
            raise PolicyError(f"guardrail {called!r} is not a plain function", hint=hint)
        return Guardrail(called, stages, function)

    return declare


def _told(error: BaseException) -> str:
    """An exception's type and text, without addresses, which differ from run to run."""
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - an exception that cannot say what it is; its type still can
        text = f"(its text failed with {type(broken).__name__})"
    return _ADDRESS.sub("0x...", f"{type(error).__name__}: {text}")


def _checked(said: Any) -> Verdict:
    """The verdict, if it is one that can be used; else a block saying why."""
    if not isinstance(said, Verdict):
        if inspect.iscoroutine(said):
            said.close()
        return block(f"the guardrail itself failed: it answered with a {type(said).__name__}, not with a verdict")
    if said.kind not in {"pass", "redact", "ask", "block"} or type(said.reason) is not str:
        return block("the guardrail itself failed: its verdict is none of pass, redact, ask, block with a reason")
    if said.kind != "redact":
        return said
    try:
        return Verdict("redact", said.reason, decode(encode(said.value)))
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        return block(f"the guardrail itself failed: what it left is not plain JSON: {_told(error)}")


class Guardrails:
    """All guardrails of a run, by stage."""

    __slots__ = ("_at", "stages")

    def __init__(self, guardrails: Iterable[Guardrail]) -> None:
        self._at: dict[str, list[Guardrail]] = {}
        names: set[str] = set()
        for each in guardrails:
            if each.name in names:
                raise PolicyError(f"two guardrails are called {each.name!r}", hint="Give one of them another name.")
            names.add(each.name)
            for stage in each.stages:
                self._at.setdefault(stage, []).append(each)
        self.stages: frozenset[Any] = frozenset(self._at)

    def screen(self, stage: Stage, agent: str, name: str, value: Any) -> Screening:
        """What the guardrails of this stage say of a value; never raises."""
        verdicts: list[tuple[str, str, str]] = []
        kind: Literal["pass", "redact", "ask", "block"] = "pass"
        for each in self._at.get(stage, ()):
            said = each(value)
            if said.kind == "pass":
                continue
            reason = _CLEAN.text(said.reason[:_LONGEST_REASON])
            verdicts.append((each.name, said.kind, reason))
            if said.kind == "block":
                return Screening("block", value, tuple(verdicts), blocked(each.name, reason, stage, agent, name))
            if said.kind == "redact":
                value = said.value
            if kind != "ask":
                kind = said.kind
        return Screening(kind, value, tuple(verdicts))


def blocked(guard: str, reason: str, stage: str, agent: str, name: str) -> GuardrailBlocked:
    """The error of a value that goes no further."""
    whose = f" of {agent!r}" if agent else ""
    return GuardrailBlocked(
        f"guardrail {guard!r} blocked the {stage.replace('_', ' ')} {name!r}{whose}: {reason}",
        hint="Change what it objects to, or the guardrails that the playbook lists.",
        rule=guard,
        stage=stage,
        reason=reason,
        agent=agent,
        name=name,
    )
