"""Measuring: the best of several rounds, the thing and its raw line in turn, so that both see the same machine."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from time import perf_counter
from typing import Any

__all__ = ["best", "line", "side_by_side"]

ROUNDS = 5


def best(action: Callable[[], Any], rounds: int = ROUNDS) -> float:
    """Seconds of the fastest of some rounds; the collector rests meanwhile, as in `timeit`."""
    times = []
    for _ in range(rounds):
        gc.collect()
        gc.disable()
        try:
            start = perf_counter()
            action()
            times.append(perf_counter() - start)
        finally:
            gc.enable()
    return min(times)


def side_by_side(ours: Callable[[], Any], raw: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float]:
    """Seconds of the fastest round of each, taken in turn."""
    ours_best = raw_best = float("inf")
    for _ in range(rounds):
        raw_best = min(raw_best, best(raw, 1))
        ours_best = min(ours_best, best(ours, 1))
    return ours_best, raw_best


def line(name: str, value: float, unit: str, raw: float | None, raw_line: str, aim: str, **more: Any) -> None:
    """Print one result."""
    said: dict[str, Any] = {"benchmark": name, "value": round(value, 3), "unit": unit}
    if raw is not None:
        said |= {"raw": round(raw, 3), "raw_line": raw_line, "ratio": round(value / raw, 2)}
    sys.stdout.write(json.dumps(said | {"aim": aim} | more) + "\n")
    sys.stdout.flush()
