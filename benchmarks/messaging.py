"""Messages: request and reply, fan-out, a pipeline; recording on."""

from __future__ import annotations

import asyncio
from collections import deque

from benchmarks.agents import Asker, Echo, Go, Listener, Pipeline, Publisher, Stage
from benchmarks.kernels import journal, run_kernel
from benchmarks.measuring import line, side_by_side

__all__ = ["fan_out", "pipeline", "request_reply"]

TRIPS = 20_000
LISTENERS = 1_000


async def _ping_pong(trips: int) -> None:
    there: asyncio.Queue[int] = asyncio.Queue()
    back: asyncio.Queue[int] = asyncio.Queue()

    async def echo() -> None:
        while (n := await there.get()) >= 0:
            back.put_nowait(n + 1)

    task = asyncio.create_task(echo())
    n = 0
    for _ in range(trips):
        there.put_nowait(n)
        n = await back.get()
    there.put_nowait(-1)
    await task


def request_reply() -> None:
    """A question and its answer between two agents, both on disk, beside two queues that keep nothing."""

    def ours() -> None:
        with journal() as keep:
            run_kernel((Asker.spec(), Echo.spec()), Go(TRIPS), keep)

    mine, raw = side_by_side(ours, lambda: asyncio.run(_ping_pong(TRIPS)))
    scale = 1e6 / TRIPS
    line("request_reply", mine * scale, "us", raw * scale, "asyncio.Queue ping-pong, nothing recorded", "ratio <= 1")


def fan_out() -> None:
    """A delivery to one of 1,000 listeners, beside the drain of a list of ready callables."""
    rounds = 20
    specs = (Publisher.spec(), *(Listener.spec(name=f"listener-{n}") for n in range(LISTENERS)))

    def handler(_: int) -> None:
        pass

    def raw() -> None:
        ready = deque((handler, n) for _ in range(rounds) for n in range(LISTENERS))
        while ready:
            call, n = ready.popleft()
            call(n)

    base, _ = side_by_side(lambda: run_kernel(specs, Go(0)), lambda: None)
    mine, drained = side_by_side(lambda: run_kernel(specs, Go(rounds)), raw)
    scale = 1e6 / rounds / LISTENERS
    line("fan_out", (mine - base) * scale, "us per delivery", drained * scale, "bare ready-list drain", "ratio <= 10")


async def _awaits(n: int) -> int:
    async def stage(value: int) -> int:
        return value + 1

    value = 0
    for _ in range(n):
        value = 0
        for _ in range(4):
            value = await stage(value)
    return value


def pipeline() -> None:
    """Four agents one after another, recorded, beside four bare awaits."""
    n = 5_000
    specs = (Pipeline.spec(), *(Stage.spec(name=name) for name in ("one", "two", "three", "four")))
    mine, raw = side_by_side(lambda: run_kernel(specs, Go(n)), lambda: asyncio.run(_awaits(n)))
    line("pipeline", mine / n * 1e6, "us per run of four steps", raw / n * 1e6, "four bare awaits", "none given")
