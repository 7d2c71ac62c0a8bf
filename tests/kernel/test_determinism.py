"""The same deliveries give the same blocks, byte for byte, whatever the program, the process and the hash seed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentops.kernel.gate import OpenGate
from agentops.kernel.kernel import Kernel
from agentops.kernel.records import Answer, Finished, read_block, read_delivery
from tests.kernel.programs import World, make, moves, programs

modest = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])

ROOT = Path(__file__).parents[2]


def play(program: Any, numbers: list[int]) -> World:
    world = World(program)
    for number in numbers:
        if world.over:
            return world
        world.move(number)
    world.finish()
    return world


@modest
@given(programs, moves)
def test_the_same_deliveries_give_the_same_blocks_and_every_run_ends(program: Any, numbers: list[int]) -> None:
    world = play(program, numbers)
    again = Kernel(make(program), OpenGate())
    assert [again.deliver(delivery).block for delivery in world.deliveries] == world.blocks
    ends = [record for block in world.blocks for record in read_block(block)[1] if isinstance(record, Finished)]
    assert len(ends) == 1
    assert world.kernel.close() == []
    assert not world.kernel.world.open, "nothing that left is forgotten"


@modest
@given(programs, moves, st.integers(0, 10_000))
def test_a_run_rebuilt_from_its_blocks_after_a_crash_anywhere_goes_on_as_the_first(
    program: Any, numbers: list[int], cut: int
) -> None:
    first = play(program, numbers)
    cut %= len(first.blocks)
    rebuilt = Kernel(make(program), OpenGate())
    for block in first.blocks[:cut]:
        assert rebuilt.deliver(read_delivery(block)).block == block
    for delivery, block in zip(first.deliveries[cut:], first.blocks[cut:], strict=True):
        assert rebuilt.deliver(delivery).block == block
    rebuilt.close()
    first.kernel.close()


@modest
@given(programs, moves, st.integers(0, 10_000))
def test_a_run_that_is_resumed_after_a_crash_anywhere_comes_to_an_end(
    program: Any, numbers: list[int], cut: int
) -> None:
    first = play(program, numbers)
    first.kernel.close()
    cut = 1 + cut % len(first.blocks)
    world = World(program)
    for delivery in first.deliveries[1:cut]:
        world.deliver(delivery)
    if world.over:
        return
    world.pending.clear()
    world.at = world.kernel.world.now
    world.deliver(world.resumed())
    while approvals := list(world.kernel.pending_approvals().values()):
        world.deliver(Answer(world.at, approvals[0].effect, "deny", "nobody"))
    world.finish()
    assert world.kernel.close() == []


def digest(seed: int) -> str:
    """One digest over the blocks of a fixed program, made in a process of its own."""
    program = [
        [[["gather", 1, [["look", 1, []], ["ask", 1, []], ["pay", 3, []]]], ["send", 2, []]], "restart", True],
        [[["first", 2, [["sleep", 3, []], ["look", 4, []]]], ["decide", 0, []], ["spawn", 0, []]], "resume", False],
        [[["settle", 1, [["look", 5, []], ["fail", 1, []]]], ["decide", 1, []]], "escalate", False],
    ]
    code = (
        "import sys, json, hashlib; sys.path.insert(0, sys.argv[1])\n"
        "from tests.kernel.test_determinism import play\n"
        "world = play(json.loads(sys.argv[2]), list(range(1, 60, 2)))\n"
        "print(hashlib.sha256(b''.join(world.blocks)).hexdigest(), len(world.blocks))\n"
        "world.kernel.close()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(ROOT), json.dumps(program)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )
    return done.stdout


def test_other_processes_with_other_hash_seeds_make_the_same_blocks() -> None:
    found = {digest(seed) for seed in (1, 2, 3)}
    assert len(found) == 1
    assert int(found.pop().split()[1]) >= 8
