"""The program in a tool's own process: it takes the limits upon itself, finds the function, calls it, answers.

It runs as ``python -I -B inside.py``. On standard input come a line of JSON (see ``Order`` in
`agentops.tools.isolated`) and behind it the arguments; on standard output goes one JSON object, ``{"result": ...}`` or
``{"error": {...}}``. What the function prints goes to standard error, so that it cannot pass for the answer.

The order of steps matters: limits first, then the import of the function's module (as the user that owns it), then, if
that is root, away with root, and only then the arguments, which may come from anybody.
"""

from __future__ import annotations

import asyncio
import ctypes
import importlib
import importlib.util
import inspect
import json
import os
import resource
import sys
import types
from contextlib import suppress
from importlib.machinery import ModuleSpec
from typing import Any, Final

_NO_NEW_PRIVILEGES: Final = 38  # numbers of prctl(2)
_KEEP_CAPABILITIES: Final = 8
_AMBIENT: Final = 47
_AMBIENT_RAISE: Final = 2
_READ_SEARCH: Final = 2  # CAP_DAC_READ_SEARCH
_CAPABILITY_VERSION: Final = 0x20080522


def main() -> None:
    """Serve the one call."""
    line, _, arguments = sys.stdin.buffer.read().partition(b"\n")
    order = json.loads(line)
    answers = os.dup(1)  # not inherited by what the function starts
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    try:
        take_limits(order["limits"])
        tool = _find(order)
        if order["user"]:
            leave_root(order["user"], reads=order["keep_reading"])
        answer = b'{"result":' + _call(tool, order, arguments) + b"}"
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever the function raises is its answer
        answer = json.dumps({"error": _told(error)}).encode()
    with os.fdopen(answers, "wb") as stream:
        stream.write(answer)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # no waiting for threads that the function left behind


def take_limits(limits: dict[str, int]) -> None:
    """The limits of this process and of all that it starts; what this machine does not know is left out."""
    hard = {"CPU": limits["cpu_seconds"] + 1}
    soft = {
        "CPU": limits["cpu_seconds"],
        "AS": limits["memory_bytes"],
        "FSIZE": limits["file_bytes"],
        "NOFILE": limits["open_files"],
        "NPROC": limits["processes"],
        "CORE": 0,
    }
    for name, wanted in soft.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is None or wanted < 0:
            continue
        _, allowed = resource.getrlimit(kind)
        top = hard.get(name, wanted)
        if allowed != resource.RLIM_INFINITY:
            top = min(top, allowed)
        with suppress(ValueError, OSError):  # macOS knows some names and refuses their use
            resource.setrlimit(kind, (min(wanted, top), top))
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)


def leave_root(user: int, *, reads: bool) -> bool:
    """Become a user that nobody else is; whether that worked. ``reads``: keep the right to read what root may.

    That right is kept only where Python itself lies in a folder that is root's alone and could not run otherwise.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        if reads:
            libc.prctl(_KEEP_CAPABILITIES, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
    except OSError:  # a container that has no such user; `isolation_report` says so
        return False
    if reads:
        bit = 1 << _READ_SEARCH
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
        data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        libc.capset(ctypes.byref(header), ctypes.byref(data))
        libc.prctl(_AMBIENT, _AMBIENT_RAISE, _READ_SEARCH, 0, 0)
    return True


def _find(order: dict[str, Any]) -> Any:
    """The tool, by its module's and its own name."""
    sys.path[:] = order["path"]
    for name, folders in order["packages"]:  # packages that were made, not found: a workspace's agents
        package = types.ModuleType(name)
        package.__path__ = folders
        package.__spec__ = ModuleSpec(name, None, is_package=True)
        sys.modules[name] = package
    name = order["module"]
    if name == "__main__":
        spec = importlib.util.spec_from_file_location("_agentops_main", order["file"])
        if spec is None or spec.loader is None:
            raise ImportError(f"{order['file']} cannot be imported")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
    else:
        module = importlib.import_module(name)
    return getattr(module, order["tool"])


def _call(tool: Any, order: dict[str, Any], arguments: bytes) -> bytes:
    from pathlib import Path

    from agentops.kernel.tool import PERFORMING, ToolContext
    from agentops.tools import confinement

    confinement.INSIDE.append(order["confinement"])
    context = {**order["context"], "workspace": Path(order["context"]["workspace"])}
    PERFORMING.set(ToolContext(**{**context, "data": Path(context["data"])}))
    result = tool.function(**tool.perform_arguments(arguments))
    if inspect.iscoroutine(result):
        result = asyncio.run(result)
    encoded: bytes = tool.returns.encode(result)
    return encoded


def _told(error: BaseException) -> dict[str, str]:
    text = getattr(error, "what", None) or str(error)
    return {"type": type(error).__name__, "text": str(text)[:4000], "hint": str(getattr(error, "hint", ""))[:1000]}


if __name__ == "__main__":
    main()
