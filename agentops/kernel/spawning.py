"""Bringing agents into being."""

from __future__ import annotations

from agentops.errors import AgentDefinitionError
from agentops.kernel.agent import AgentSpec
from agentops.kernel.effects import SpawnOp
from agentops.kernel.process import Fiber, Process
from agentops.kernel.records import Spawned
from agentops.kernel.world import World

__all__ = ["create", "spawn"]


def create(world: World, spec: AgentSpec, name: str, parent: Process | None) -> Process:
    """Create an agent under ``name``, supervised by ``parent`` (None: by the run itself)."""
    if not name or "/" in name:
        msg = f"an agent cannot be called {name!r}"
        raise AgentDefinitionError(msg, hint="Use letters, digits, '-', '_' and '.'.")
    if name in world.processes:
        msg = f"two agents of this run are called {name!r}"
        raise AgentDefinitionError(msg, hint="Give one of them another name.")
    if spec.cls.mailbox < 1:
        msg = f"the mailbox of {name} holds {spec.cls.mailbox} messages"
        raise AgentDefinitionError(msg, hint="Say mailbox = 1, or more.")
    process = Process(world, spec, name, parent)
    world.processes[name] = process
    for topic in spec.cls.topics:
        world.topics.setdefault(topic, []).append(process)
    if parent is not None:
        if parent.children is None:
            parent.children = []
        parent.children.append(process)
        world.gate.spawned(name, parent.name)
    world.records.append(Spawned(name, spec.cls.__name__, parent.name if parent is not None else ""))
    return process


def spawn(world: World, fiber: Fiber, operation: SpawnOp) -> None:
    """A handler brings an agent into being; without a name it is called ``<agent>-<n>``."""
    name = operation.name
    if not name:
        stem = operation.spec.name
        number = 1
        while f"{stem}-{number}" in world.processes:
            number += 1
        name = f"{stem}-{number}"
    create(world, operation.spec, name, fiber.process)
    world.resume(fiber, name)
