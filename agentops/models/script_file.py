"""Scripts in files: YAML or JSON, checked, as a `ScriptedModel`. The format is in `agentops.models.scripted`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agentops.errors import ModelFailed, WorkspaceError
from agentops.kernel.chat import ToolUse, Usage
from agentops.messages import encode
from agentops.models.prices import parse_price
from agentops.models.scripted import FREE, Reply, Rule, ScriptedModel, When

__all__ = ["load_script"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Tool(_Strict):
    name: str
    arguments: Any = {}
    id: str = ""


class _Error(_Strict):
    text: str
    transient: bool = False
    status: int | None = None
    retry_after: float | None = Field(default=None, ge=0)


class _Usage(_Strict):
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cached_input_tokens: int = Field(default=0, ge=0)
    reasoning_tokens: int = Field(default=0, ge=0)


class _Reply(_Strict):
    text: str = ""
    json_: Any = Field(default=msgspec.UNSET, alias="json")
    tools: list[_Tool] = []
    error: _Error | None = None
    delay: float = Field(default=0.0, ge=0)
    usage: _Usage | None = None
    finish: Literal["stop", "length", "tools", "refused"] | None = None


class _When(_Strict):
    contains: str | list[str] = []
    system: str = ""
    last: str = ""
    schema_: str = Field(default="", alias="schema")
    tool: str = ""
    turn: int | None = None


class _Rule(_Strict):
    when: _When
    replies: list[_Reply | str]
    then: Literal["stop", "repeat"] = "stop"


class _Script(_Strict):
    price: Any = None
    rules: list[_Rule] = []
    replies: list[_Reply | str] = []


def load_script(path: Path, name: str) -> ScriptedModel:
    """The script in a file; a `WorkspaceError` says what is wrong with it, and where."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))  # JSON is YAML
        script = _Script.model_validate({"replies": raw} if isinstance(raw, list) else raw)
    except (OSError, UnicodeDecodeError) as error:
        raise WorkspaceError(
            f"the script {path} cannot be read: {error}", hint="scripted/PATH takes a path to a YAML or JSON file."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise WorkspaceError(f"the script {path} is no valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its root"
        raise WorkspaceError(f"the script {path} is wrong at {where}: {first['msg']}") from error
    rules = [
        Rule(_when(rule.when), [_reply(reply, name) for reply in rule.replies], rule.then) for rule in script.rules
    ]
    return ScriptedModel(
        [_reply(reply, name) for reply in script.replies],
        rules=rules,
        name=name,
        price=FREE if script.price is None else parse_price(script.price, f"{path}: price"),
    )


def _when(told: _When) -> When:
    contains = [told.contains] if isinstance(told.contains, str) else told.contains
    return When(
        contains=tuple(contains),
        system=told.system,
        last=told.last,
        schema=told.schema_,
        tool=told.tool,
        turn=told.turn,
    )


def _reply(told: _Reply | str, name: str) -> Reply:
    if isinstance(told, str):
        return Reply(text=told)
    usage: Usage | msgspec.UnsetType | None = msgspec.UNSET
    if "usage" in told.model_fields_set:
        usage = Usage(**told.usage.model_dump()) if told.usage else None
    return Reply(
        text=told.text if told.json_ is msgspec.UNSET else encode(told.json_).decode(),
        uses=tuple(_use(tool, number) for number, tool in enumerate(told.tools)),
        error=_error(told.error, name) if told.error else None,
        delay=told.delay,
        usage=usage,
        finish=told.finish,
    )


def _use(told: _Tool, number: int) -> ToolUse:
    arguments = told.arguments if isinstance(told.arguments, str) else encode(told.arguments).decode()
    return ToolUse(id=told.id or f"use_{number}", name=told.name, arguments=arguments)


def _error(told: _Error, name: str) -> ModelFailed:
    return ModelFailed(
        told.text, transient=told.transient, status=told.status, retry_after=told.retry_after, model=name
    )
