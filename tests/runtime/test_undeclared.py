"""Whatever a handler does outside effects is caught as it happens, under asyncio and trio, with file and line."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
import trio

from agentops.errors import UndeclaredEffect
from agentops.kernel.agent import Agent, handles
from agentops.runtime.runtime import Runtime
from tests.runtime.house import Go, define, replayed


async def _asyncio_sleep() -> None:
    await asyncio.sleep(0.01)


async def _asyncio_sleep_nothing() -> None:
    await asyncio.sleep(0)


async def _create_task() -> None:
    asyncio.create_task(asyncio.sleep(0))  # type: ignore[unused-awaitable]  # noqa: RUF006


async def _asyncio_timeout() -> None:
    async with asyncio.timeout(5):  # noqa: ASYNC100 - entering it is what is caught
        pass


async def _task_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))


async def _contended_lock() -> None:
    lock = asyncio.Lock()
    await lock.acquire()
    await lock.acquire()


async def _in_a_thread() -> None:
    await asyncio.to_thread(int)


ANYWHERE = [
    _asyncio_sleep,
    _asyncio_sleep_nothing,
    _create_task,
    _asyncio_timeout,
    _task_group,
    _contended_lock,
    _in_a_thread,
]


async def _anyio_sleep() -> None:
    await anyio.sleep(0.01)


async def _anyio_scope() -> None:
    with anyio.move_on_after(5):  # noqa: ASYNC100 - entering it is what is caught
        pass


async def _anyio_group() -> None:
    async with anyio.create_task_group():
        pass


async def _trio_sleep() -> None:
    await trio.sleep(0.01)


async def _trio_nursery() -> None:
    async with trio.open_nursery():
        pass


LIBRARY = [_anyio_sleep, _anyio_scope, _anyio_group]
TRIO = [_trio_sleep, _trio_nursery]


def reaching(out: Callable[[], Awaitable[Any]], *, swallows: bool) -> type[Agent]:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            try:
                await out()
            except Exception:
                if not swallows:
                    raise
            return "as if nothing had happened"

    return Main


async def fails(path: Path, out: Callable[[], Awaitable[Any]], *, swallows: bool) -> UndeclaredEffect:
    definition = define(reaching(out, swallows=swallows))
    async with Runtime.open(path) as runtime:
        run = await runtime.start(definition, Go())
        ended = await run.wait()
        await anyio.lowlevel.checkpoint()
    assert ended.status == "failed"
    assert isinstance(ended.error, UndeclaredEffect), ended.error
    return ended.error


@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("out", ANYWHERE + LIBRARY, ids=lambda out: out.__name__)
async def test_reaching_outside_fails_the_run_and_names_the_line(
    tmp_path: Path, out: Callable[[], Awaitable[Any]], swallows: bool
) -> None:
    error = await fails(tmp_path / "j.db", out, swallows=swallows)
    assert error.agent == "main"
    assert error.handler == "on_go"
    assert Path(error.file).name == "test_undeclared.py"
    first = out.__code__.co_firstlineno
    assert first < error.line <= first + 3
    assert "@tool" in error.hint


@pytest.mark.parametrize("anyio_backend", ["trio"])
@pytest.mark.parametrize("swallows", [False, True])
@pytest.mark.parametrize("out", TRIO, ids=lambda out: out.__name__)
async def test_reaching_for_trio_under_trio_fails_the_run(
    tmp_path: Path, out: Callable[[], Awaitable[Any]], swallows: bool
) -> None:
    error = await fails(tmp_path / "j.db", out, swallows=swallows)
    assert Path(error.file).name == "test_undeclared.py"


@pytest.mark.parametrize("out", ANYWHERE, ids=lambda out: out.__name__)
async def test_a_run_that_reached_outside_replays_to_the_same_failure(
    tmp_path: Path, out: Callable[[], Awaitable[Any]]
) -> None:
    await fails(tmp_path / "j.db", out, swallows=False)
    result = replayed(tmp_path / "j.db", define(reaching(out, swallows=False)))
    assert result.divergence is None, result.divergence.text()


async def test_the_event_loop_is_as_it_was_after_a_run_that_touched_it(tmp_path: Path) -> None:
    await fails(tmp_path / "j.db", _anyio_sleep, swallows=True)
    await anyio.lowlevel.checkpoint()
    with anyio.move_on_after(1) as scope:
        await anyio.lowlevel.checkpoint()
    assert not scope.cancelled_caught
    assert sys.get_asyncgen_hooks() is not None
