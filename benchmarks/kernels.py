"""Driving kernels and runs in benchmarks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agentops.journal.sqlite import Append, Journal, chain
from agentops.kernel.agent import Agent, AgentSpec
from agentops.kernel.gate import OpenGate
from agentops.kernel.kernel import Kernel, RunSpec
from agentops.kernel.records import Continue, Raw, Start
from agentops.messages import Message, encode
from agentops.runtime.definition import Definition
from agentops.supervisor.config import Config
from agentops.supervisor.supervisor import Supervisor

__all__ = ["definition", "journal", "run_kernel", "supervised"]


@contextmanager
def journal() -> Iterator[Journal]:
    """A journal in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        made = Journal(Path(folder) / "journal.db")
        try:
            yield made
        finally:
            made.close()


def run_kernel(specs: tuple[AgentSpec, ...], message: Message, keep: Journal | None = None) -> int:
    """Run a kernel that needs nothing from outside, to its end; bytes recorded. ``keep``: append to it as it goes."""
    kernel = Kernel(RunSpec(specs, specs[0].name), OpenGate())
    row = keep.create("run", "bench", 1) if keep is not None else 0
    reaction = kernel.deliver(Start(1, "run", type(message).__name__, Raw(encode(message))))
    total, seq, digest = 0, 0, b""
    while True:
        total += len(reaction.block)
        if keep is not None:
            digest = chain(digest, reaction.block)
            keep.append([Append(row, seq, reaction.block, digest, reaction.blobs)])
            seq += 1
        if not reaction.more:
            break
        reaction = kernel.deliver(Continue(1))
    assert reaction.finished is not None
    assert reaction.finished.status == "done", reaction.finished
    return total


def supervised() -> Supervisor:
    """A supervisor as a playbook would have it: a policy, and budgets that are not reached."""
    policy = {"allow": [{"tool": "fetch", "id": "fetching"}]}
    return Supervisor.from_config(Config(policy=policy))


def definition(*agents: type[Agent]) -> Definition:
    """What a run of these agents is made of; no models."""
    specs = tuple(agent.spec() for agent in agents)

    def no_model(name: str) -> None:
        raise LookupError(name)

    return Definition(RunSpec(specs, specs[0].name), supervised, no_model, playbook="bench")  # type: ignore[arg-type]
