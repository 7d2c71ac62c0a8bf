"""Memory of an idle agent."""

from __future__ import annotations

import gc
import tracemalloc

from agentops.kernel.gate import OpenGate
from agentops.kernel.kernel import Kernel, RunSpec
from agentops.kernel.records import Raw, Start
from agentops.messages import encode
from benchmarks.agents import Asker, Echo, Go, Listener
from benchmarks.measuring import line

__all__ = ["idle_agents"]

AGENTS = 10_000


class _Slots:
    __slots__ = ("a", "b", "c")


def idle_agents() -> None:
    """Bytes that an agent takes which has had no message yet, its specification shared."""
    specs = tuple(Listener.spec(name=f"listener-{n}") for n in range(AGENTS))
    kernel = Kernel(RunSpec((Asker.spec(), Echo.spec(), *specs), "asker"), OpenGate())
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    reaction = kernel.deliver(Start(1, "run", "Go", Raw(encode(Go(1)))))
    del reaction
    kernel.world.records = []
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    before = tracemalloc.get_traced_memory()[0]
    kept = [_Slots() for _ in range(AGENTS)]
    raw = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    del kept
    line("idle_agent", used / AGENTS / 1000, "kB", raw / AGENTS / 1000, "an object of three slots", "value <= 0.8")
