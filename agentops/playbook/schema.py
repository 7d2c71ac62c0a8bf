"""The shape of a playbook, checked by pydantic: which keys there are, and what may stand under each.

This checks shape only. What the expressions mean, whether agents and tools exist and fit each other, is checked
afterwards on the `agentops.playbook.plan` made from it. Everything is strict: a number is not text, ``yes`` is not
true, an unknown key is an error.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

__all__ = [
    "MAX_NESTED_ROUNDS",
    "MAX_ROUNDS",
    "MAX_STEPS",
    "STEP_KINDS",
    "AgentStep",
    "AgentUse",
    "BranchStep",
    "InputSpec",
    "InputType",
    "ParallelStep",
    "PlaybookModel",
    "PlaybookStep",
    "Repeat",
    "RepeatStep",
    "Step",
    "ToolStep",
    "ValueStep",
]

MAX_ROUNDS: Final = 100
"""The most rounds that a ``repeat`` may declare."""

MAX_NESTED_ROUNDS: Final = 1000
"""The most rounds of a ``repeat`` inside others, all of theirs multiplied."""

MAX_STEPS: Final = 500
"""The most steps that a playbook may have, those inside others included."""

InputType = Literal["text", "folder", "file", "number", "integer", "boolean", "choice"]
"""What an input may be. ``folder`` and ``file`` are paths on this machine, and must exist."""

RESERVED: Final = frozenset({"inputs", "and", "or", "not", "in", "true", "false", "null", "length"})
"""Names that mean something in expressions, so that no step may bear them."""


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise PydanticCustomError("reserved", "{name} means something in expressions", {"name": repr(name)})
    return name


def _as_condition(value: Any) -> Any:
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else value


def _fields(value: Any) -> Any:
    if isinstance(value, dict | str):
        return value
    raise PydanticCustomError("fields", "an agent's input is a mapping of fields, or one reference such as ${step}")


Fields = Annotated[Any, AfterValidator(_fields)]
"""``{field: value}``, or a text that is one reference."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*([_-][a-z0-9]+)*$", max_length=64)]
"""Lower-case words joined by ``-`` or ``_``."""

StepId = Annotated[Name, AfterValidator(_not_reserved)]
Text = Annotated[str, Field(min_length=1)]
ConditionText = Annotated[str, BeforeValidator(_as_condition)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InputSpec(_Part):
    """One input. Without ``default`` it must be given; ``default: null`` makes it optional."""

    type: InputType = "text"
    description: str = ""
    default: Any = None
    choices: list[Text] = []

    @property
    def required(self) -> bool:
        """Whether a run must be given it."""
        return "default" not in self.model_fields_set

    @model_validator(mode="after")
    def _choices_go_with_choice(self) -> InputSpec:
        if self.type == "choice" and not self.choices:
            raise PydanticCustomError("choices", "an input of type 'choice' needs 'choices', a list of texts")
        if self.type != "choice" and self.choices:
            raise PydanticCustomError("choices", "'choices' goes with 'type: choice' only")
        if len(set(self.choices)) < len(self.choices):
            raise PydanticCustomError("choices", "'choices' names something twice")
        return self


class AgentUse(_Part):
    """An agent of the workspace under a name of this playbook's own, with what differs here.

    ``budget``: as `agentops.supervisor.limits.parse_limits` takes it, here and wherever it stands.
    """

    uses: Text
    instructions: Text | None = None
    model: Text | None = None
    budget: dict[str, Any] = {}


class _StepBase(_Part):
    id: StepId


class AgentStep(_StepBase):
    """Ask an agent. ``input``: the fields of its message, or one reference to a value of that shape."""

    agent: Text
    message: Text | None = None
    input: Fields = {}


class ToolStep(_StepBase):
    """Call a tool. ``input``: its arguments by name."""

    tool: Text
    input: dict[str, Any] = {}


class ValueStep(_StepBase):
    """Make a value out of others: to be the value of a branch, or to be used under one name."""

    value: Any


class ParallelStep(_StepBase):
    """Run steps side by side and go on when all are done."""

    parallel: Annotated[list[Step], Field(min_length=1)]


class BranchStep(_StepBase):
    """Run ``then`` where the condition holds, else ``else``."""

    when: ConditionText
    then: Annotated[list[Step], Field(min_length=1)]
    otherwise: Annotated[list[Step], Field(alias="else")] = []


class Repeat(_Part):
    """The body of a loop: run once, and again until the condition holds, at most so many times in all."""

    until: ConditionText
    at_most: Annotated[int, Field(ge=1, le=MAX_ROUNDS)]
    steps: Annotated[list[Step], Field(min_length=1)]


class RepeatStep(_StepBase):
    """Repeat steps until a condition holds."""

    repeat: Repeat


class PlaybookStep(_StepBase):
    """Run another playbook, by name or by path, as one step. ``budget`` limits it further."""

    playbook: Text
    input: dict[str, Any] = {}
    budget: dict[str, Any] = {}


STEP_KINDS: Final[dict[str, type[_StepBase]]] = {
    "agent": AgentStep,
    "tool": ToolStep,
    "parallel": ParallelStep,
    "when": BranchStep,
    "repeat": RepeatStep,
    "playbook": PlaybookStep,
    "value": ValueStep,
}
"""The kinds of step by the key that makes a step one."""


def _one_kind(value: Any) -> Any:
    """Exactly one key says what a step is."""
    if isinstance(value, _StepBase):
        return value
    if not isinstance(value, dict):
        raise PydanticCustomError("step_shape", "a step is a mapping with an 'id'")
    found = [kind for kind in STEP_KINDS if kind in value]
    names = {"names": ", ".join(repr(kind) for kind in found or STEP_KINDS)}
    if not found:
        raise PydanticCustomError("step_kind", "nothing says what this step does; it needs one of {names}", names)
    if len(found) > 1:
        raise PydanticCustomError("step_kinds", "a step does one thing, and this one has {names}", names)
    return value


def _kind(value: Any) -> str:
    if isinstance(value, _StepBase):
        return next(kind for kind, cls in STEP_KINDS.items() if isinstance(value, cls))
    return next(kind for kind in STEP_KINDS if kind in value)


Step: TypeAlias = Annotated[
    Annotated[AgentStep, Tag("agent")]
    | Annotated[ToolStep, Tag("tool")]
    | Annotated[ParallelStep, Tag("parallel")]
    | Annotated[BranchStep, Tag("when")]
    | Annotated[RepeatStep, Tag("repeat")]
    | Annotated[PlaybookStep, Tag("playbook")]
    | Annotated[ValueStep, Tag("value")],
    Discriminator(_kind),
    BeforeValidator(_one_kind),
]


class PlaybookModel(_Part):
    """A whole playbook."""

    playbook: Name
    description: str = ""
    inputs: dict[Name, InputSpec] = {}
    model: Text | None = None
    agents: dict[Name, AgentUse] = {}
    budget: dict[str, Any] = {}
    policy: dict[str, Any] | None = None
    guardrails: list[Text] = []
    unknown_price: Literal["refuse", "allow"] = "refuse"
    steps: Annotated[list[Step], Field(min_length=1)]
    output: Any


for _model in (ParallelStep, BranchStep, Repeat, RepeatStep, PlaybookModel):
    _model.model_rebuild()
