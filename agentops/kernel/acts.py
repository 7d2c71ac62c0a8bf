"""``self.act``: any function as an effect, without a tool having been written for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agentops.errors import AgentDefinitionError, MessageInvalid
from agentops.kernel.effects import EffectKind, EffectOp
from agentops.kernel.gate import EffectClass
from agentops.messages import decode, encode

__all__ = ["act_effect"]


def act_effect(function: Callable[..., Any], args: tuple[Any, ...], effect: EffectClass) -> EffectOp:
    """The effect of calling ``function(*args)``; refuses what could not be named, or recorded."""
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", "")
    if not module or not name or "<" in name or getattr(function, "__closure__", None):
        msg = f"act cannot call {function!r}: it has no name of its own, or holds variables that are not on record"
        raise AgentDefinitionError(msg, hint="Use a function defined at the top of a module, and pass what it needs.")
    try:
        arguments = encode({"args": list(args)})
    except (TypeError, ValueError) as error:
        msg = f"act {module}.{name}: an argument cannot be recorded: {error}"
        raise MessageInvalid(msg, hint="Pass plain values: text, numbers, lists, mappings, messages.") from error
    kind = EffectKind("act", f"act:{module}.{name}", decode, effect, perform=function)
    return EffectOp(kind, arguments)
