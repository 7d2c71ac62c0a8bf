"""``self.act``: any function as an effect, without a tool having been written for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from agentops.errors import AgentDefinitionError, MessageInvalid
from agentops.kernel.effects import EffectKind, EffectOp
from agentops.kernel.gate import EffectClass
from agentops.messages import codec, decode

__all__ = ["WORKSPACE_MODULES", "act_effect"]

WORKSPACE_MODULES: Final = "_agentops_workspace_"
"""What the names of modules begin with that were loaded from a workspace's folder of agents."""


def act_effect(function: Callable[..., Any], args: tuple[Any, ...], effect: EffectClass) -> EffectOp:
    """The effect of calling ``function(*args)``; refuses what could not be named, or recorded."""
    module = (getattr(function, "__module__", None) or "").removeprefix(WORKSPACE_MODULES)
    if module != getattr(function, "__module__", ""):
        module = module.partition(".")[2]  # of a workspace's module, its file: the same wherever the workspace lies
    name = getattr(function, "__qualname__", "")
    if not module or not name or "<" in name or getattr(function, "__closure__", None):
        msg = f"act cannot call {function!r}: it has no name of its own, or holds variables that are not on record"
        raise AgentDefinitionError(msg, hint="Use a function defined at the top of a module, and pass what it needs.")
    try:
        arguments = codec(dict[str, Any]).encode({"args": list(args)})
    except MessageInvalid as error:
        msg = f"act {module}.{name}: an argument cannot be recorded: {error.what}"
        raise MessageInvalid(msg, hint="Pass plain values: text, numbers, lists, mappings, messages.") from error
    kind = EffectKind("act", f"act:{module}.{name}", decode, effect, perform=function)
    return EffectOp(kind, arguments)
