"""Typed inputs: from the text of ``-i name=value``, or from values of a program, to what a playbook declared.

``folder`` and ``file`` become absolute paths of something that is there and can be read; a relative one counts from
where the caller stands (the working directory of the command line), a playbook's own default from the workspace.
Whatever does not fit raises `InvalidInput` that names the input, what was given and what is wanted; all inputs that
are missing are named at once.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from agentops.errors import InvalidInput
from agentops.kernel.suggest import nearest
from agentops.playbook.plan import Plan
from agentops.playbook.problems import listing
from agentops.playbook.schema import InputSpec
from agentops.playbook.shape_errors import told

__all__ = ["MAX_TEXT", "default_problem", "parse_assignments", "resolve_inputs", "resolve_one", "value_problem"]

MAX_TEXT: Final = 1_000_000
"""The longest text that an input may be, in characters."""

_TRUTH: Final = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)
_WANTED: Final = {
    "text": "text",
    "folder": "the path of a folder",
    "file": "the path of a file",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "choice": "one of its choices",
}


def parse_assignments(given: Iterable[str]) -> dict[str, str]:
    """``["question=How?", ...]`` as a mapping; `InvalidInput` where there is no ``=`` or a name comes twice."""
    found: dict[str, str] = {}
    for each in given:
        name, sign, value = each.partition("=")
        name = name.strip()
        if not sign or not name:
            msg = f"the input {each!r} is not of the form NAME=VALUE"
            raise InvalidInput(msg, hint="For example: -i question='How are budgets enforced?'")
        if name in found:
            msg = f"the input {name!r} is given twice"
            raise InvalidInput(msg, hint="Give each input once.", input=name)
        found[name] = value
    return found


def resolve_inputs(plan: Plan, given: Mapping[str, Any], *, base: Path, workspace: Path) -> dict[str, Any]:
    """The value of every input that ``plan`` declares, in the order of the declaration.

    ``given`` holds texts, which are read as the declared type, or values that already have it. ``base`` is where
    relative paths count from, ``workspace`` where those of defaults do.
    """
    _refuse_unknown(plan, given)
    missing = [name for name, spec in plan.inputs.items() if spec.required and name not in given]
    if missing:
        plural = "s" if len(missing) > 1 else ""
        asked = "; ".join(f"{name}: {_described(plan.inputs[name])}" for name in missing)
        msg = f"playbook {plan.name!r} needs the input{plural} {listing(missing)}"
        hint = f"Give {asked}. For example: {' '.join(f'-i {name}=...' for name in missing)}"
        raise InvalidInput(msg, hint=hint, inputs=missing)
    found: dict[str, Any] = {}
    for name, spec in plan.inputs.items():
        value, where = (given[name], base) if name in given else (spec.default, workspace)
        found[name] = resolve_one(name, spec, value, where)
    return found


def resolve_one(name: str, spec: InputSpec, value: Any, base: Path) -> Any:
    """One input's value, checked and converted; raises `InvalidInput`. Optional inputs may be None."""
    if value is None and not spec.required and spec.default is None:
        return None
    return _read(name, spec, value, base)


def default_problem(name: str, spec: InputSpec) -> str:
    """What is wrong with the default of an input, apart from whether its path exists; empty: nothing."""
    if spec.required or spec.default is None:
        return ""
    why = value_problem(spec, spec.default)
    return f"the default of the input {name!r} {why}" if why else ""


def value_problem(spec: InputSpec, value: Any) -> str:
    """Why a value is not of an input's type, judged by the value alone; empty: it is."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = {
        "text": isinstance(value, str),
        "folder": isinstance(value, str) and bool(value),
        "file": isinstance(value, str) and bool(value),
        "number": is_number,
        "integer": is_number and isinstance(value, int),
        "boolean": isinstance(value, bool),
        "choice": isinstance(value, str) and value in spec.choices,
    }
    if fits[spec.type]:
        return ""
    wanted = f"one of {listing(spec.choices)}" if spec.type == "choice" else _WANTED[spec.type]
    return f"must be {wanted}, not {told(value)}"


def _refuse_unknown(plan: Plan, given: Mapping[str, Any]) -> None:
    for name in given:
        if name not in plan.inputs:
            msg = f"playbook {plan.name!r} has no input {name!r}"
            raise InvalidInput(msg, hint=nearest(name, plan.inputs), input=name)


def _described(spec: InputSpec) -> str:
    wanted = f"one of {listing(spec.choices)}" if spec.type == "choice" else _WANTED[spec.type]
    return f"{spec.description.strip().rstrip('.')} ({wanted})" if spec.description.strip() else wanted


def _read(name: str, spec: InputSpec, value: Any, base: Path) -> Any:
    """One value, checked and converted."""
    if isinstance(value, str):
        _refuse_unsound(name, value)
    match spec.type:
        case "text":
            return _text(name, spec, value)
        case "choice":
            return _choice(name, spec, value)
        case "boolean":
            found = _TRUTH.get(value.strip().casefold()) if isinstance(value, str) else value
            return found if isinstance(found, bool) else _fail(name, spec, value)
        case "integer" | "number":
            return _number(name, spec, value)
        case "folder":
            return str(_folder(name, spec, value, base))
        case "file":
            return str(_file(name, spec, value, base))


def _fail(name: str, spec: InputSpec, value: Any, hint: str = "") -> Any:
    msg = f"the input {name!r} must be {_WANTED[spec.type]}, not {told(value)}"
    raise InvalidInput(msg, hint=hint, input=name)


def _refuse_unsound(name: str, value: str) -> None:
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        msg = f"the input {name!r} holds a NUL character or bytes that are not UTF-8"
        raise InvalidInput(msg, hint="Give it as UTF-8 text.", input=name)


def _text(name: str, spec: InputSpec, value: Any) -> str:
    if not isinstance(value, str):
        _fail(name, spec, value)
    if spec.required and not value.strip():
        msg = f"the input {name!r} is empty"
        raise InvalidInput(msg, hint=f"Give {_described(spec)}.", input=name)
    if len(value) > MAX_TEXT:
        msg = f"the input {name!r} has {len(value)} characters, more than {MAX_TEXT}"
        raise InvalidInput(msg, hint="Put long text into a file, and index its folder.", input=name)
    return str(value)


def _choice(name: str, spec: InputSpec, value: Any) -> str:
    if value not in spec.choices:
        msg = f"the input {name!r} cannot be {value!r}"
        raise InvalidInput(msg, hint=f"It is one of {listing(spec.choices)}.", input=name)
    return str(value)


def _number(name: str, spec: InputSpec, value: Any) -> int | float:
    number = value
    if isinstance(value, str):
        try:
            number = json.loads(value)
        except ValueError:
            _fail(name, spec, value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        _fail(name, spec, value)
    if spec.type == "integer" and not isinstance(number, int):
        _fail(name, spec, value)
    return float(number) if spec.type == "number" and isinstance(number, float) else number


def _path(name: str, spec: InputSpec, value: Any, base: Path) -> Path:
    if isinstance(value, Path):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        _fail(name, spec, value)
    try:
        return Path(os.path.normpath(base / Path(value).expanduser()))
    except RuntimeError:  # no home folder for '~'
        return _fail(name, spec, value, "Write the path without '~'.")  # type: ignore[no-any-return]


def _stated(name: str, path: Path, what: str, hint: str) -> InvalidInput:
    return InvalidInput(f"the input {name!r}: {path} {what}", hint=hint, input=name, path=str(path))


def _folder(name: str, spec: InputSpec, value: Any, base: Path) -> Path:
    path = _path(name, spec, value, base)
    try:
        with os.scandir(path) as entries:
            empty = next(entries, None) is None
    except FileNotFoundError:
        raise _stated(name, path, "does not exist", "Give the path of a folder.") from None
    except NotADirectoryError:
        raise _stated(name, path, "is not a folder", f"Give the folder that it is in: {path.parent}") from None
    except OSError as error:
        hint = "Check the path and its permissions."
        raise _stated(name, path, f"cannot be read: {error.strerror or error}", hint) from error
    if empty:
        raise _stated(name, path, "is empty", "Put documents into it, or give another folder.")
    return path


def _file(name: str, spec: InputSpec, value: Any, base: Path) -> Path:
    path = _path(name, spec, value, base)
    if path.is_dir():
        raise _stated(name, path, "is a folder", "Give the path of a file in it.")
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise _stated(name, path, "does not exist", "Give the path of a file.") from None
    except OSError as error:
        hint = "Check the path and its permissions."
        raise _stated(name, path, f"cannot be read: {error.strerror or error}", hint) from error
    return path
