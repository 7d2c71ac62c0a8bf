"""Says in a playbook's own words, and at its own lines, what pydantic found wrong with its shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from agentops.kernel.suggest import nearest
from agentops.playbook.problems import Place, Problems
from agentops.playbook.schema import STEP_KINDS, AgentUse, InputSpec, PlaybookModel, Repeat
from agentops.playbook.yaml_source import YamlSource

__all__ = ["shape_problems", "told"]

_STEP_LISTS: Final = frozenset({"steps", "parallel", "then", "else"})
_NAME_HINT: Final = "Use lower-case words joined by '-' or '_', such as 'find-evidence'."
_WANTED: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}


def told(value: Any) -> str:
    """A value as an error shows it: what it is, and its text where it is short."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value!r}" if len(value) <= 40 else f"the text {value[:40]!r}..."
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return repr(value)


def shape_problems(error: ValidationError, source: YamlSource, problems: Problems) -> None:
    """Add what ``error`` reports to ``problems``, each at its line and column."""
    for each in error.errors(include_url=False):
        place, is_key = _place(each["loc"])
        _Report(each, place, source, problems).add(is_key=is_key)


def _place(location: Sequence[str | int]) -> tuple[Place, bool]:
    """A location of pydantic's without what it adds: the kind of each step, and ``[key]``."""
    place: list[str | int] = []
    skip = False
    for part in location:
        if skip:
            skip = False
            continue
        if part == "[key]":
            return tuple(place), True
        place.append(part)
        skip = isinstance(part, int) and len(place) > 1 and _in_steps(tuple(place[:-1]))
    return tuple(place), False


def _in_steps(place: Place) -> bool:
    """Whether the list at ``place`` is one of steps: not one in an agent's own mapping."""
    return place[-1] in _STEP_LISTS and (len(place) == 1 or place[-2] == "repeat" or isinstance(place[-2], int))


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


class _Report:
    """One error of pydantic's, on its way to being a problem."""

    def __init__(self, error: ErrorDetails, place: Place, source: YamlSource, problems: Problems) -> None:
        self.error = error
        self.place = place
        self.source = source
        self.problems = problems

    def add(self, *, is_key: bool) -> None:
        kind = self.error["type"]
        if kind == "extra_forbidden":
            self._unknown_key()
        elif kind == "missing":
            self._missing_key()
        elif kind == "step_kind":
            self._no_kind()
        elif kind == "string_pattern_mismatch":
            what = f"{self._value(is_key=is_key)!r} is no name"
            self.problems.add(self.place, what, _NAME_HINT, key=is_key)
        elif kind in _WANTED:
            self._wrong_type(_WANTED[kind])
        else:
            self.problems.add(self.place, *self._other(), key=is_key)

    def _value(self, *, is_key: bool) -> Any:
        return self.place[-1] if is_key else self.error["input"]

    def _unknown_key(self) -> None:
        key = str(self.place[-1])
        what = f"unknown key {key!r} in {self._holder()}"
        self.problems.add(self.place, what, nearest(key, _keys(self._model())), key=True)

    def _missing_key(self) -> None:
        key = str(self.place[-1])
        near = [found for found in self.error["input"] if found not in _keys(self._model())]
        hint = nearest(key, near) if near else ""
        hint = f"Is {near[0]!r} a slip?" if hint.startswith("Did") else f"Add '{key}: ...'."
        self.problems.add(self.place[:-1], f"{self._holder()} needs the key {key!r}", hint)

    def _no_kind(self) -> None:
        slips = [key for key in self.error["input"] if nearest(key, STEP_KINDS).startswith("Did")]
        if slips:
            hint = nearest(slips[0], STEP_KINDS)
            self.problems.add((*self.place, slips[0]), f"unknown key {slips[0]!r} in a step", hint, key=True)
        else:
            self.problems.add(self.place, self.error["msg"], "For example: agent: writer")

    def _wrong_type(self, wanted: str) -> None:
        value = self.error["input"]
        what = f"{self._called()} must be {wanted}, not {told(value)}"
        self.problems.add(self.place, what, self._type_hint(value, wanted))

    def _type_hint(self, value: Any, wanted: str) -> str:
        if wanted == "text" and isinstance(value, bool | int | float):
            return "Put it in quotes if it is meant as text."
        if isinstance(value, str) and wanted == "true or false":
            return "Write true or false; yes, no, on and off are text here."
        if wanted == "a mapping" and value is None:
            return "Write its keys below it, indented, or leave it out."
        return ""

    def _other(self) -> tuple[str, str]:
        """What is wrong, and what to do, for whatever has no case of its own."""
        context = self.error.get("ctx", {})
        value = self.error["input"]
        match self.error["type"]:
            case "literal_error":
                known = [text.strip("'") for text in context["expected"].replace(" or ", ", ").split(", ")]
                return f"{self._called()} cannot be {told(value)}", nearest(str(value), known)
            case "greater_than_equal":
                return f"{self._called()} must be at least {context['ge']}, not {value}", ""
            case "less_than_equal":
                hint = "A loop must have an end that a person would wait for."
                return f"{self._called()} must be at most {context['le']}, not {value}", hint
            case "too_short":
                return f"{self._called()} is empty", "Give it at least one step, or remove it."
            case "string_too_short":
                return f"{self._called()} is empty", "Write it out, or remove the key."
            case "string_too_long":
                return f"{self._called()} has more than {context['max_length']} characters", ""
            case "reserved":
                return self.error["msg"], "Choose another id."
            case _:
                return self.error["msg"], ""

    def _called(self) -> str:
        named = [part for part in self.place if isinstance(part, str)]
        return f"{named[-1]!r}" if named else "the playbook"

    def _holder(self) -> str:
        """What the mapping at the place before the last is, for a person."""
        model = self._model()
        if model is PlaybookModel:
            return "the playbook"
        if model is InputSpec:
            return f"the input {self.place[-2]!r}"
        if model is AgentUse:
            return f"the agent {self.place[-2]!r}"
        if model is Repeat:
            return "'repeat'"
        ident = self.source.get(self.place[:-1]).get("id")
        return f"the step {ident!r}" if isinstance(ident, str) else "the step"

    def _model(self) -> type[BaseModel]:
        """The model of the mapping that the last part of the place is a key of."""
        holder = self.place[:-1]
        if not holder:
            return PlaybookModel
        if len(holder) == 2 and holder[0] == "inputs":
            return InputSpec
        if len(holder) == 2 and holder[0] == "agents":
            return AgentUse
        if holder[-1] == "repeat":
            return Repeat
        found = self.source.get(holder)
        return next(cls for kind, cls in STEP_KINDS.items() if kind in found)
