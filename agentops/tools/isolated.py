"""One call of a tool, in a process of its own: ``@tool(effect=..., isolation="process", limits=Limits(...))``.

Three processes in a row: agentops, the guard (`agentops.tools.guard`), and a fresh interpreter
(`agentops.tools.inside`), inside bubblewrap where the machine has it. Arguments go in and the result comes out as
JSON over pipes; there is no shell, and nothing of agentops's environment, folders or open files is handed on.

=====================  ==============================================================================================
at the limit of        what happens
=====================  ==============================================================================================
``timeout``            killed with all that it started; `ToolFailed`, as of any tool
``output_bytes``       killed; `ToolFailed`: an answer that was cut off is no answer
``cpu_seconds``        killed by the kernel, each process for itself; `ToolFailed`
``memory_bytes``       its next allocation fails (`MemoryError` in Python)
``file_bytes``         its write fails (`OSError`)
``open_files``         opening fails (`OSError`)
``processes``          starting a process or thread fails
=====================  ==============================================================================================

However it ends, no process of it is left and its working folder is gone. What a hostile function can still do on a
machine without bubblewrap is what its user can: read files, reach the network, kill its own guard.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.abc
import anyio.to_thread
import msgspec

from agentops.errors import MessageInvalid, ToolFailed
from agentops.kernel.isolation import Limits
from agentops.kernel.tool import Tool, ToolContext
from agentops.tools.confinement import (
    IsolationReport,
    bwrap_command,
    environment,
    isolation_report,
    python_readable,
    user_for,
)

__all__ = ["Finished", "run_guarded", "run_isolated"]

_HERE: Final = Path(__file__).resolve().parent
_PATIENCE: Final = 10.0
"""Seconds for the guard to kill everything before it is killed itself."""


class Order(msgspec.Struct, frozen=True):
    """What the process is told, apart from the arguments; read by `agentops.tools.inside`."""

    tool: str
    module: str
    file: str
    path: list[str]
    packages: list[tuple[str, list[str]]]
    limits: Limits
    user: int
    keep_reading: bool
    confinement: str
    context: dict[str, str]


class _Error(msgspec.Struct, frozen=True):
    type: str
    text: str
    hint: str


class _Answer(msgspec.Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class Finished(msgspec.Struct, frozen=True):
    """How a command ended. ``code``: its exit code, or 128 + the number of the signal that ended it."""

    code: int
    output: bytes
    printed: bytes
    overflow: bool
    """Whether it wrote more than it may, and was killed for it."""


async def run_isolated(tool: Tool[..., Any], arguments: bytes, context: ToolContext) -> Any:
    """Call a tool in a process of its own; its result, or `ToolFailed`. Being cancelled kills the process first."""
    report = await anyio.to_thread.run_sync(isolation_report)
    limits = tool.limits
    if limits.required and not report.confined:
        hint = "Install bubblewrap, or declare the tool without Limits(required=True)."
        raise _failed(tool, context, f"was not started: {report.text()}", hint=hint)
    async with _working_folder() as folder:
        user = user_for(folder)
        order = _order(tool, context, report, user)
        command = [sys.executable, "-I", "-B", str(_HERE / "inside.py")]
        if report.confined:
            reads = [*_package_of(tool), *limits.reads]
            command = [*bwrap_command(report, folder, reads, network=limits.network), *command]
        if user:
            os.chown(folder, user, user)
        given = msgspec.json.encode(order) + b"\n" + arguments
        finished = await run_guarded(command, given, folder, limits.output_bytes)
    return _result(tool, context, finished, report)


async def run_guarded(command: Sequence[str], given: bytes, folder: Path, output_bytes: int) -> Finished:
    """Run a command (its first word is a path) under the guard, which kills it whole when this ends or is cancelled."""
    life, ours = os.pipe()
    try:
        guard = [sys.executable, "-I", "-S", "-B", str(_HERE / "guard.py"), str(life), *command]
        process = await anyio.open_process(
            guard, cwd=folder, env=environment(folder), start_new_session=True, pass_fds=(life,)
        )
    except BaseException:  # whatever it is goes on; the pipe must not stay open
        os.close(ours)
        raise
    finally:
        os.close(life)
    kill = _Once(ours)
    output, printed = _Bounded(output_bytes, kill), _Bounded(output_bytes, kill)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_feed, process, given)
            tasks.start_soon(output.read, process.stdout)
            tasks.start_soon(printed.read, process.stderr)
            code = await process.wait()
            with anyio.move_on_after(1):  # what is in the pipes; a process that escaped may hold them open for ever
                await output.ended.wait()
                await printed.ended.wait()
            tasks.cancel_scope.cancel()
    finally:
        kill()
        with anyio.CancelScope(shield=True):
            with anyio.move_on_after(_PATIENCE):
                await process.wait()
            with suppress(ProcessLookupError):
                process.kill()
            await process.aclose()
    return Finished(code, bytes(output.data), bytes(printed.data), output.overflow or printed.overflow)


class _Once:
    """Closes a pipe, once."""

    def __init__(self, pipe: int) -> None:
        self._pipe: int | None = pipe

    def __call__(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            os.close(pipe)


class _Bounded:
    """Reads a stream up to a limit; beyond it, kills whoever writes."""

    def __init__(self, limit: int, kill: _Once) -> None:
        self.data = bytearray()
        self.overflow = False
        self.ended = anyio.Event()
        self._limit = limit
        self._kill = kill

    async def read(self, stream: anyio.abc.ByteReceiveStream | None) -> None:
        if stream is not None:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                while not self.overflow:
                    self.data += await stream.receive(65536)
                    if len(self.data) > self._limit:
                        del self.data[self._limit :]
                        self.overflow = True
                        self._kill()
        self.ended.set()


async def _feed(process: anyio.abc.Process, given: bytes) -> None:
    if process.stdin is not None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
            await process.stdin.send(given)
            await process.stdin.aclose()


@asynccontextmanager
async def _working_folder() -> AsyncIterator[Path]:
    """A new folder ``work`` in a new folder that is only ours; both are gone afterwards."""
    ours = await anyio.to_thread.run_sync(_make_folder)
    try:
        yield ours / "work"
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(_remove, ours)


def _make_folder() -> Path:
    ours = Path(tempfile.mkdtemp(prefix="agentops-tool-")).resolve()
    (ours / "work").mkdir(mode=0o700)
    ours.chmod(0o711)  # the process may be another user's
    return ours


def _remove(ours: Path) -> None:
    """Remove a folder that a tool has filled: with folders that may not be entered, or more levels than a path has.

    Each folder found is moved up to the top first, so that no path becomes long and nothing recurses. All processes
    that could interfere are dead by now.
    """
    waiting, moved = [ours / "work"], 0
    while waiting:
        folder = waiting.pop()
        with suppress(OSError):  # what cannot be removed is left to the machine's own cleaning of temporary folders
            folder.chmod(0o700)
            for each in list(folder.iterdir()):
                if each.is_symlink() or not each.is_dir():
                    each.unlink()
                    continue
                each.chmod(0o700)
                moved += 1
                waiting.append(each.rename(ours / str(moved)))
            folder.rmdir()
    with suppress(OSError):
        ours.rmdir()


def _order(tool: Tool[..., Any], context: ToolContext, report: IsolationReport, user: int) -> Order:
    module = sys.modules.get(tool.__module__)
    limits = tool.limits
    busy = 0 if user else _tasks_of_user()
    processes = limits.processes + busy if busy >= 0 else -1
    return Order(
        tool=tool.name,
        module=tool.__module__,
        file=str(Path(getattr(module, "__file__", None) or "").resolve()),
        path=[str(Path(each).resolve()) for each in sys.path],
        packages=_made_packages(tool.__module__),
        limits=msgspec.structs.replace(limits, processes=processes),
        user=user,
        keep_reading=bool(user) and not python_readable(),
        confinement=report.text(),
        context={name: str(getattr(context, name)) for name in context.__struct_fields__},
    )


def _tasks_of_user() -> int:
    """How many processes and threads this user has, for the kernel's limit counts them all; -1 where unknown."""
    user, count = str(os.getuid()), 0
    try:
        processes = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    except OSError:
        return -1
    for folder in processes:
        try:
            text = (folder / "status").read_text(encoding="utf-8", errors="replace")
            fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
            count += int(fields["Threads"]) if fields["Uid"].split()[0] == user else 0
        except (OSError, KeyError, ValueError):
            continue
    return count


def _made_packages(module: str) -> list[tuple[str, list[str]]]:
    """The packages above a module that no import could find again, as those of a workspace's agents."""
    found, parts = [], module.split(".")[:-1]
    for count in range(1, len(parts) + 1):
        name = ".".join(parts[:count])
        package = sys.modules.get(name)
        spec = getattr(package, "__spec__", None)
        if package is not None and spec is not None and spec.loader is None:
            found.append((name, [str(each) for each in getattr(package, "__path__", [])]))
    return found


def _package_of(tool: Tool[..., Any]) -> list[str]:
    """The folders of the top package that a tool's module belongs to; of a module by itself, its file."""
    top, _, inner = tool.__module__.partition(".")
    module = sys.modules.get(top if inner else tool.__module__)
    if inner:
        return [str(Path(each).resolve()) for each in getattr(module, "__path__", [])]
    file = getattr(module, "__file__", None)
    return [str(Path(file).resolve())] if file else []


def _result(tool: Tool[..., Any], context: ToolContext, finished: Finished, report: IsolationReport) -> Any:
    """The function's result; whatever else the process came to is an error."""
    limits = tool.limits
    if finished.overflow:
        what = f"wrote more than {limits.output_bytes:,} bytes and was killed"
        raise _failed(tool, context, what, hint="Return less, or raise Limits(output_bytes=...).")
    if finished.code or not finished.output:
        raise _failed(tool, context, _ending(finished, limits), hint=f"In its process, {report.text()}.")
    try:
        answer = msgspec.json.decode(finished.output, type=_Answer)
        if answer.error is None:
            return tool.returns.decode(bytes(answer.result))
    except (msgspec.MsgspecError, MessageInvalid, ValueError, RecursionError) as error:
        what = f"answered with something else than its result: {error}"
        raise _failed(tool, context, what, hint="Return what the annotation says.") from error
    said = answer.error
    hint = said.hint
    if said.type in {"ModuleNotFoundError", "FileNotFoundError", "PermissionError"} and not hint and report.confined:
        hint = "What it may read beside Python and its own package is named in Limits(reads=(...))."
    raise _failed(tool, context, f"raised {said.type}: {_plain(said.text)}", hint=_plain(hint), error=said.type)


def _ending(finished: Finished, limits: Limits) -> str:
    printed = _plain(finished.printed[-600:].decode("utf-8", "replace").strip())
    behind = f"; the last that it printed: {printed}" if printed else ""
    match finished.code:
        case 152:
            return f"used its {limits.cpu_seconds} seconds of CPU time and was killed{behind}"
        case 137:
            return f"was killed, as at its limit of {limits.cpu_seconds} CPU seconds or for want of memory{behind}"
        case code if code > 128:
            return f"was ended by signal {code - 128}{behind}"
        case code:
            return f"ended with exit code {code} and no answer{behind}"


def _plain(text: str) -> str:
    """Text from a process that nobody need trust: no control characters but line ends, and not without end."""
    return "".join(char if char.isprintable() or char == "\n" else "\N{REPLACEMENT CHARACTER}" for char in text)[:4000]


def _failed(tool: Tool[..., Any], context: ToolContext, what: str, *, hint: str, error: str = "") -> ToolFailed:
    return ToolFailed(
        f"tool {tool.name} {what}",
        hint=hint,
        effect=context.effect,
        name=tool.name,
        error=error,
        transient=tool.retries > 0,
    )
