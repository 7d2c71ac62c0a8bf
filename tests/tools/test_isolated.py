"""A tool in a process of its own: what it gets, what it may use, and that nothing of it remains."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from agentops.errors import AgentDefinitionError, RunError, ToolFailed
from agentops.kernel.agent import Agent, handles
from agentops.kernel.isolation import Limits
from agentops.kernel.tool import Tool, tool
from agentops.messages import encode
from agentops.runtime.runtime import Runtime
from agentops.tools import confinement
from agentops.tools.confinement import isolation_report
from agentops.tools.isolated import run_isolated
from tests.runtime.house import Go, Note, define
from tests.tools import hands
from tests.tools.performing import context

REPORT = isolation_report()
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell and limit all of this")


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Working folders are made where a test can look, and another user may pass (pytest's own are closed to all)."""
    with tempfile.TemporaryDirectory(prefix="agentops-test-") as name:
        folder = Path(name).resolve()
        folder.chmod(0o711)
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        yield folder


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


async def call(called: Tool[..., Any], **arguments: Any) -> Any:
    return await run_isolated(called, encode(arguments), context(Path("/nowhere")))


# --- what it gets -----------------------------------------------------------------------------------------------------


async def test_it_gets_its_arguments_a_clean_environment_and_an_empty_folder(temporary: Path) -> None:
    """What looks like a shell's is text like any other, and what it prints cannot pass for its answer."""
    os.environ["AGENTOPS_TEST_SECRET"] = "never handed on"
    words = ["; touch pwned #", "$(id)", "`id`", "| cat", "&& id", "a\nb", "'", '"', "--help", "*", "ü\u202e"]
    seen = await call(hands.look_around, words=words)
    del os.environ["AGENTOPS_TEST_SECRET"]
    assert seen.arguments == words
    assert seen.entries == []
    assert set(seen.environment) == {"PATH", "HOME", "TMPDIR", "LANG"}
    assert seen.environment["HOME"] == seen.folder
    assert Path(seen.folder).is_relative_to(temporary)
    assert seen.own_session
    assert seen.key == "r/a/1/0.1"
    assert names(temporary) == []


@needs_linux
async def test_it_does_not_run_as_root() -> None:
    if "ROOT" in REPORT.user or "root of" in REPORT.user:
        pytest.skip(REPORT.user)
    assert (await call(hands.look_around, words=[])).user != 0


async def test_async_functions_run_there_as_well() -> None:
    assert await call(hands.double, number=21) == 42


# --- what it answers --------------------------------------------------------------------------------------------------


async def test_what_it_raises_is_told_with_its_type_and_without_control_characters() -> None:
    with pytest.raises(ToolFailed, match="tool fail raised ValueError: not \ufffd\\[2J this") as caught:
        await call(hands.fail, text="not \x1b[2J this")
    assert (caught.value.error, caught.value.effect, caught.value.transient) == ("ValueError", "a/1/0.1", False)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("type", "something else than its result"),
        ("exit", "ended with exit code 3 and no answer"),
        ("signal", "was ended by signal 11"),
        ("system exit", "raised SystemExit: goodbye"),
    ],
)
async def test_an_end_without_an_answer_is_an_error(how: str, said: str) -> None:
    with pytest.raises(ToolFailed, match=said):
        await call(hands.answer_nonsense, how=how)


# --- what it may use --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["printed", "returned"])
async def test_endless_output_is_cut_off_and_an_error(where: str) -> None:
    with pytest.raises(ToolFailed, match="wrote more than 20,000 bytes and was killed"):
        await call(hands.write_endlessly, where=where)


async def test_endless_computing_is_ended_by_the_machine() -> None:
    with pytest.raises(ToolFailed, match="CPU"):
        await call(hands.compute_endlessly)


@needs_linux
async def test_memory_files_and_open_files_are_limited() -> None:
    assert await call(hands.take_too_much) == {
        "memory": "MemoryError",
        "file": "File too large",
        "open files": "Too many open files",
        "core": "(0, 0)",
    }


@needs_linux
async def test_a_fork_bomb_stops_at_the_limit_of_processes() -> None:
    if "not counted" in REPORT.user or "uncounted" in REPORT.user:
        pytest.skip(REPORT.user)
    assert 0 < await call(hands.fork_endlessly) <= hands.SMALL.processes


# --- that nothing remains ---------------------------------------------------------------------------------------------


async def _all_closed(beacon: int, writers: int) -> None:
    """Until each writer has said that it is there, and then until none holds the FIFO: its end is read."""

    def read() -> int:
        count = 0
        while data := os.read(beacon, 100):
            count += len(data)
        return count

    with anyio.fail_after(60):
        assert await anyio.to_thread.run_sync(read, abandon_on_cancel=True) <= writers


def _beacon(folder: Path) -> tuple[Path, int]:
    path = folder / "beacon"
    os.mkfifo(path)
    path.chmod(0o622)
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(opened, True)
    return path, opened


@needs_linux
@pytest.mark.skipif(REPORT.confined, reason="the FIFO in this test is kept away from the tool's process")
async def test_processes_that_it_leaves_behind_are_killed_although_they_ignore_signals_and_left_the_group(
    temporary: Path,
) -> None:
    path, beacon = _beacon(temporary)
    assert await call(hands.leave_behind, beacon=str(path), stubborn=False) == 1
    await _all_closed(beacon, 2)
    os.close(beacon)


@needs_linux
@pytest.mark.skipif(REPORT.confined, reason="the FIFO in this test is kept away from the tool's process")
async def test_cancelling_a_call_kills_it_whole_and_removes_its_folder(temporary: Path) -> None:
    path, beacon = _beacon(temporary)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: call(hands.leave_behind, beacon=str(path), stubborn=True))
        await anyio.to_thread.run_sync(os.read, beacon, 2)
        tasks.cancel_scope.cancel()
    await _all_closed(beacon, 2)
    os.close(beacon)
    assert names(temporary) == ["beacon"]


async def test_a_folder_that_is_hard_to_remove_is_removed(temporary: Path) -> None:
    assert await call(hands.bury) == 1
    assert names(temporary) == []


class Fork(Agent):
    """Has a tool called in a process of its own, and one that takes too long."""

    tools = (hands.double, hands.wait_for_ever)

    @handles
    async def on_go(self, message: Go) -> Note:
        doubled = await hands.double(message.n)
        try:
            await hands.wait_for_ever()
        except ToolFailed as error:
            return Note(f"{doubled}: {error.what}")
        return Note("waited for ever")


async def test_in_a_run_it_is_called_like_any_tool_and_its_timeout_kills_it(tmp_path: Path, temporary: Path) -> None:
    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Fork), Go(n=4))
        said = await run.result()
    assert said == {"text": "8: tool wait_for_ever gave no answer within 1.5 seconds"}
    assert names(temporary) == []


# --- what is kept away ------------------------------------------------------------------------------------------------


def test_the_report_says_whether_network_and_files_are_kept_away_and_why_not() -> None:
    nowhere = isolation_report("/nowhere")
    assert not nowhere.confined
    assert "NOT kept away: bubblewrap " in nowhere.text()
    assert REPORT.confined is ("NOT" not in REPORT.text())


async def test_a_tool_that_requires_confinement_is_not_started_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = isolation_report("/nowhere")
    monkeypatch.setattr("agentops.tools.isolated.isolation_report", lambda: nowhere)
    with pytest.raises(ToolFailed, match="was not started: network and files are NOT kept away"):
        await call(hands.only_confined)


@pytest.mark.skipif(not REPORT.confined, reason=REPORT.text())
async def test_with_bubblewrap_neither_files_nor_the_network_nor_processes_are_reached(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        said = await call(hands.reach, path=str(secret), port=server.getsockname()[1])
    assert said == {"processes": "1", "file": "FileNotFoundError", "network": "ConnectionRefusedError"}


# --- how it is declared -----------------------------------------------------------------------------------------------


def _inner() -> Callable[[], int]:
    def inner() -> int:
        return 1

    return inner


async def _asynchronous() -> int:
    return 1


def _plain() -> int:
    return 1


@pytest.mark.parametrize(
    ("function", "how", "said"),
    [
        (_inner(), {"isolation": "process"}, "cannot run in a process of its own"),
        (_asynchronous, {"isolation": "thread"}, "cannot run thread"),
        (_plain, {"isolation": "inline"}, "cannot run inline"),
        (_plain, {"isolation": "container"}, "there is no isolation 'container'"),
        (_plain, {"limits": Limits()}, "has limits, but nothing keeps them"),
    ],
)
def test_what_could_not_be_kept_cannot_be_declared(function: Any, how: dict[str, Any], said: str) -> None:
    with pytest.raises(AgentDefinitionError, match=said):
        tool(effect="pure", **how)(function)


def test_called_outside_a_run_it_is_refused_rather_than_run_unprotected() -> None:
    with pytest.raises(RunError, match="which only a run gives it"):
        _ = hands.double(2)
    assert hands.double.isolation == "process"
    assert confinement.INSIDE == []
