"""What a tool says about where it runs, and how much it may use there. The shell sees to it; nothing is done here."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["Isolation", "Limits"]

Isolation = Literal["inline", "thread", "process"]
"""Where a tool runs: ``inline`` on the event loop (async functions), ``thread`` in a worker thread (plain ones),
``process`` in a fresh interpreter of its own, under `Limits`."""

_MB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True):
    """What one call of a tool with ``isolation="process"`` may use. How long it may take is the tool's ``timeout``.

    The machine's kernel keeps them (``setrlimit``), per process except ``processes`` and ``output_bytes``; see
    `agentops.tools.isolated` for what happens at each.
    """

    cpu_seconds: int = 20
    memory_bytes: int = 1024 * _MB
    """Address space, which is more than what is used: an empty interpreter takes some 50 MB of it."""
    file_bytes: int = 16 * _MB
    """The largest file that it may write."""
    open_files: int = 128
    processes: int = 32
    """Processes and threads at one time, all that it starts together."""
    output_bytes: int = _MB
    """Its result as JSON, and apart from that what it prints; more is cut off and an error."""
    network: bool = False
    """Whether it may reach the network, where the machine can keep it away."""
    reads: tuple[str, ...] = ()
    """Folders that it may read besides Python, installed packages and its own package, where files are kept away."""
    required: bool = False
    """Refuse to run where network and files cannot be kept away (no bubblewrap)."""
