"""Durable steps: an effect recorded, committed, performed, and its outcome recorded."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

import anyio

from agentops.runtime.runtime import Runtime, replay
from benchmarks.agents import Go, Stepper
from benchmarks.kernels import definition
from benchmarks.measuring import best, line

__all__ = ["durable_steps", "many_runs", "replaying"]

STEPS = 2_000
RUNS = 64


def _raw_commits(rows: int, group: int) -> float:
    """Seconds to write rows of 350 bytes in groups, WAL, NORMAL."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "raw.db", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE t (run INTEGER, seq INTEGER, data TEXT, PRIMARY KEY (run, seq)) WITHOUT ROWID")
        data = "x" * 350

        def write() -> None:
            connection.execute("DELETE FROM t")
            for start in range(0, rows, group):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany("INSERT INTO t VALUES (1, ?, ?)", [(start + n, data) for n in range(group)])
                connection.execute("COMMIT")

        try:
            return best(write, 3)
        finally:
            connection.close()


async def _steps(runs: int, steps: int) -> tuple[float, float]:
    """Seconds for so many runs of so many steps, all at once; and bytes per step on disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        async with Runtime.open(path) as runtime:
            start = anyio.current_time()
            made = [await runtime.start(definition(Stepper), Go(steps)) for _ in range(runs)]
            for run in made:
                await run.result()
            seconds = anyio.current_time() - start
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'blocks%'").fetchone()
        connection.close()
        return seconds, size / (runs * steps)


def durable_steps() -> None:
    """A step alone beside a commit of one row; 64 runs at once beside commits of 64 rows; bytes on disk."""
    alone = min(anyio.run(_steps, 1, STEPS)[0] for _ in range(3)) / STEPS * 1e6
    single = _raw_commits(STEPS, 1) / STEPS * 1e6
    line("durable_step_alone", alone, "us", single, "raw commit of one row, WAL NORMAL", "ratio <= 2")
    measured = [anyio.run(_steps, RUNS, 200) for _ in range(3)]
    together = min(seconds for seconds, _ in measured) / (RUNS * 200) * 1e6
    grouped = _raw_commits(RUNS * 200, 64) / (RUNS * 200) * 1e6
    line("durable_step_64_runs", together, "us", grouped, "raw commit of 64 rows, per row", "ratio <= 3")
    size = measured[0][1]
    line("bytes_per_step", size, "bytes, payload of 256", 256.0, "the payload", "value < 500")


async def _replayed(steps: int) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        async with Runtime.open(Path(folder) / "journal.db") as runtime:
            run = await runtime.start(definition(Stepper), Go(steps))
            await run.result()
            row = runtime.journal.find(run.id)
            records = replay(runtime.journal, row, definition(Stepper)).records
            return best(lambda: replay(runtime.journal, row, definition(Stepper)), 3), records


async def _bare(steps: int) -> int:
    async def step(n: int) -> str:
        return f"{n:0256d}"

    for n in range(steps):
        await step(n)
    return steps


def replaying() -> None:
    """Replay of a run with every byte compared, beside running its bare code; linear from 1,000 to 100,000 records."""
    for steps in (333, 3_333, 33_333):
        seconds, records = anyio.run(_replayed, steps)
        bare = best(lambda: anyio.run(_bare, steps)) / records * 1e6  # noqa: B023 - measured at once
        line(
            "replay",
            seconds / records * 1e6,
            "us per record",
            bare,
            "the same code without agentops, per record",
            "value < 6",
            records=records,
        )


def many_runs() -> None:
    """1,000 runs of four steps at once in one process."""
    seconds, _ = anyio.run(_steps, 1_000, 4)
    raw = _raw_commits(4_000, 64)
    line(
        "many_runs",
        seconds * 1e3,
        "ms for 1,000 runs of four steps",
        raw * 1e3,
        "raw commits of as many rows",
        "none given",
    )
