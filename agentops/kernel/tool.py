"""Tools: functions that act on the world, declared with what repeating them would mean.

::

    @tool(effect="pure")
    async def search_documents(query: str, limit: int = 8) -> list[Passage]:
        '''Find passages that bear on a query.'''

From that declaration follow the schema that a model is offered, the check of arguments, what happens after a crash,
and what the supervisor may ask. Called inside an agent's handler, a tool makes an effect: ``await`` it. Called
anywhere else, it is its function.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Generic, NoReturn, ParamSpec, Protocol, TypeVar, overload

import msgspec

from agentops.errors import AgentDefinitionError, MessageInvalid, RunError
from agentops.kernel.effects import WORLD, EffectKind, EffectOp
from agentops.kernel.gate import EffectClass, ToolDeclaration
from agentops.kernel.isolation import Isolation, Limits
from agentops.messages import Codec, codec, encode, json_schema

__all__ = ["PERFORMING", "Tool", "ToolContext", "tool", "tool_context"]

P = ParamSpec("P")
R = TypeVar("R")


class ToolContext(msgspec.Struct, frozen=True):
    """What a tool may know about the call that it serves; see `tool_context`."""

    run: str
    effect: str
    """The effect's id, a path in its run."""
    key: str
    """The idempotency key: ``run/effect``, the same when the call is repeated after a crash."""
    workspace: Path
    """The workspace's folder."""
    data: Path
    """The folder for the workspace's own data (journal, index)."""


PERFORMING: ContextVar[ToolContext | None] = ContextVar("agentops_performing", default=None)


def tool_context() -> ToolContext:
    """The call being served. Outside a run: a `RunError`, for a tool that needs it cannot be used there."""
    context = PERFORMING.get()
    if context is None:
        msg = "no tool is being performed here"
        raise RunError(msg, hint="Call the tool from an agent's handler, or hand it what it needs as arguments.")
    return context


class Tool(Generic[P, R]):
    """A declared tool. Made by `tool`."""

    def __init__(
        self,
        function: Callable[P, Any],
        *,
        effect: EffectClass,
        trusted: bool,
        timeout: float | None,
        retries: int,
        isolation: Isolation | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.function = function
        self.name = function.__name__
        self.timeout = timeout
        self.retries = retries
        self.is_async = inspect.iscoroutinefunction(function)
        self.isolation: Isolation = isolation or ("inline" if self.is_async else "thread")
        self.limits = limits or Limits()
        self.signature = inspect.signature(function)
        self._names = tuple(self.signature.parameters)
        self._effect: EffectClass = effect
        self._trusted = trusted
        self._arguments: Codec | None = None
        self._returns: Codec | None = None
        self._declaration: ToolDeclaration | None = None
        self._kind: EffectKind | None = None
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.__module__ = function.__module__
        self.__wrapped__ = function

    def __repr__(self) -> str:
        return f"<tool {self.name} ({self._effect})>"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        """Inside a handler: the effect, to be awaited. Elsewhere: the function's own coroutine, or its result."""
        world = WORLD.get()
        if world is not None:
            call = EffectOp(self._kind or self.kind, self._bind(args, kwargs))
            world.made(call)
            return typing.cast("Coroutine[Any, Any, R]", call)
        performing = PERFORMING.get()
        if performing is not None and self._effect != "pure":
            self._refuse_nested(performing)
        if self.isolation == "process":
            msg = f"tool {self.name} runs in a process of its own, which only a run gives it"
            hint = f"Await it in an agent's handler; {self.name}.function is the bare function, without isolation."
            raise RunError(msg, hint=hint, tool=self.name)
        return typing.cast("Coroutine[Any, Any, R]", self.function(*args, **kwargs))

    def _refuse_nested(self, performing: ToolContext) -> NoReturn:
        msg = f"tool {self.name} ({self._effect}) was called inside another tool, past the supervisor"
        hint = f"Let the agent call {self.name} itself, or share a plain function between the two tools."
        raise RunError(msg, hint=hint, effect=performing.effect, tool=self.name)

    def parse(self, arguments: str | bytes) -> EffectOp:
        """The call that a model wrote as JSON; `MessageInvalid` says which argument does not fit."""
        data = arguments.encode("utf-8", "replace") if isinstance(arguments, str) else arguments
        return EffectOp(self.kind, encode(self.arguments.decode(data or b"{}")))

    @property
    def arguments(self) -> Codec:
        """The codec of the arguments, one field for each parameter; unknown ones are refused."""
        if self._arguments is None:
            self._define()
        assert self._arguments is not None  # noqa: S101 - _define has just set it
        return self._arguments

    @property
    def returns(self) -> Codec:
        """The codec of the result."""
        if self._returns is None:
            self._define()
        assert self._returns is not None  # noqa: S101 - _define has just set it
        return self._returns

    @property
    def declaration(self) -> ToolDeclaration:
        """What the supervisor and a model are told about this tool."""
        if self._declaration is None:
            schema = json_schema(self.arguments.kind)
            reference = schema.pop("$ref", "").rpartition("/")[2]
            definitions = schema.pop("$defs", {})
            parameters = definitions.pop(reference, schema)
            if definitions:
                parameters["$defs"] = definitions
            parameters.pop("title", None)
            self._declaration = ToolDeclaration(
                name=self.name,
                description=inspect.cleandoc(self.function.__doc__ or ""),
                parameters=parameters,
                effect=self._effect,
                trusted=self._trusted,
            )
        return self._declaration

    def perform_arguments(self, arguments: bytes) -> dict[str, Any]:
        """Recorded arguments, decoded and checked, as keyword arguments of the function."""
        value = self.arguments.decode(arguments)
        return {name: getattr(value, name) for name in self._names}

    @property
    def kind(self) -> EffectKind:
        """What all calls of this tool have in common."""
        if self._kind is None:
            self._kind = EffectKind(
                "tool",
                self.name,
                self.returns.decode,
                self._effect,
                perform=self,
                tool=self.declaration,
                retries=self.retries,
                timeout=self.timeout,
            )
        return self._kind

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """The arguments as they will be recorded, checked against their types."""
        codec = self.arguments
        try:
            made = codec.kind(*args, **kwargs)
        except TypeError as error:
            msg = f"tool {self.name} cannot be called like that: {error}"
            hint = f"Its signature is {self.name}{self.signature}."
            raise MessageInvalid(msg, hint=hint, tool=self.name) from error
        data = codec.encode(made)
        codec.decode(data)
        return data

    def _define(self) -> None:
        """Turn the signature into a struct type, once; a parameter that cannot be one is an error."""
        try:
            hints = typing.get_type_hints(self.function, include_extras=True)
        except NameError as error:
            msg = f"tool {self.name}: an annotation names something unknown: {error}"
            raise AgentDefinitionError(
                msg, hint="Import it at the top of the module, not inside TYPE_CHECKING."
            ) from error
        fields: list[Any] = []
        for parameter in self.signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                msg = f"tool {self.name}: parameter *{parameter.name} cannot be offered to a model"
                raise AgentDefinitionError(msg, hint="Give each parameter a name and a type.")
            if parameter.name not in hints:
                msg = f"tool {self.name}: parameter {parameter.name!r} has no type"
                raise AgentDefinitionError(msg, hint=f"Write {parameter.name}: str, or what it is.")
            if parameter.kind is parameter.KEYWORD_ONLY:
                msg = f"tool {self.name}: parameter {parameter.name!r} is keyword-only"
                raise AgentDefinitionError(msg, hint="Leave out the *; models give every argument by name anyway.")
            field = (parameter.name, hints[parameter.name])
            fields.append(field if parameter.default is parameter.empty else (*field, _default(parameter.default)))
        if "return" not in hints:
            msg = f"tool {self.name} does not say what it returns"
            raise AgentDefinitionError(msg, hint="Annotate the result; it is decoded to that type on replay.")
        kind = msgspec.defstruct(self.name, fields, frozen=True, forbid_unknown_fields=True)
        self._arguments = codec(kind)
        self._returns = codec(hints["return"])


def _default(value: Any) -> Any:
    if isinstance(value, list | dict | set) and value:
        return msgspec.field(default_factory=lambda: type(value)(value))
    return value


def _check_isolation(function: types.FunctionType, isolation: Isolation | None, limits: Limits | None) -> None:
    """Refuse what could not be kept: a promise that is not kept in silence is worse than none."""
    name, is_async = function.__name__, inspect.iscoroutinefunction(function)
    if isolation not in {None, *typing.get_args(Isolation)}:
        msg = f"tool {name}: there is no isolation {isolation!r}"
        raise AgentDefinitionError(msg, hint=f"There are {', '.join(typing.get_args(Isolation))}.")
    if isolation == ("thread" if is_async else "inline"):
        msg = f"tool {name} is {'an async' if is_async else 'a plain'} function and cannot run {isolation}"
        raise AgentDefinitionError(msg, hint="inline is for async functions, thread for plain ones; or leave it out.")
    if isolation != "process" and limits is not None:
        msg = f"tool {name} has limits, but nothing keeps them"
        raise AgentDefinitionError(msg, hint='Limits go with isolation="process".')
    if isolation == "process" and function.__qualname__ != name:
        msg = f"tool {name} ({function.__qualname__}) cannot run in a process of its own"
        hint = "A fresh interpreter finds a function by its name: put it at the top level of its module."
        raise AgentDefinitionError(msg, hint=hint)


class _Declare(Protocol):
    """What turns a function into a tool that keeps its types."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Tool[P, R]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Tool[P, R]: ...


def tool(
    *,
    effect: EffectClass,
    trusted: bool = False,
    timeout: float | None = 60.0,
    retries: int = 0,
    isolation: Isolation | None = None,
    limits: Limits | None = None,
) -> _Declare:
    """Declare a function as a tool.

    ``effect`` says what repeating a call would mean (see `agentops.kernel.gate.EffectClass`); there is no default,
    because guessing it wrong repeats a payment. ``timeout`` is in seconds, None for none. ``retries`` is how often a
    failed call is made again; only of ``pure`` and ``idempotent`` tools. ``trusted``: whether its results may be
    believed like the user's own words. An async function runs on the event loop, a plain one in a worker thread; with
    ``isolation="process"`` either runs in a fresh interpreter, under ``limits`` (see `agentops.tools.isolated`).

    Raises `AgentDefinitionError` where the function has untyped parameters or no result type.
    """

    def declare(function: Callable[..., Any], /) -> Tool[..., Any]:
        if not isinstance(function, types.FunctionType):
            msg = f"@tool goes onto a function, not onto {function!r}"
            raise AgentDefinitionError(msg, hint="Wrap it in a function of your own.")
        if retries and effect not in ("pure", "idempotent"):
            msg = f"tool {function.__name__} is {effect} and asks for {retries} retries"
            raise AgentDefinitionError(msg, hint="Only pure and idempotent tools may be called again.")
        _check_isolation(function, isolation, limits)
        return Tool(
            function,
            effect=effect,
            trusted=trusted,
            timeout=timeout,
            retries=retries,
            isolation=isolation,
            limits=limits,
        )

    return typing.cast("_Declare", declare)
