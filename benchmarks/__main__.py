"""Run the benchmarks: all, or those named."""

from __future__ import annotations

import sys

from benchmarks.durable import durable_steps, many_runs, replaying
from benchmarks.memory import idle_agents
from benchmarks.messaging import fan_out, pipeline, request_reply

ALL = (request_reply, fan_out, pipeline, durable_steps, replaying, idle_agents, many_runs)


def main(names: list[str]) -> int:
    """Run them, one after another; 2 where a name is unknown."""
    known = {each.__name__: each for each in ALL}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(f"no benchmark {unknown[0]!r}; there is: {', '.join(known)}\n")
        return 2
    for each in [known[name] for name in names] or ALL:
        each()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
