"""Chance: streams of random numbers that replay."""

from __future__ import annotations

from random import Random

__all__ = ["Random", "stream"]


def stream(run: str, name: str) -> Random:
    """A stream of its own for each run and name, so that one more draw in one agent shifts nothing in another.

    Seeded from text, which Python hashes with SHA-512 whatever the hash seed. Not for secrets.
    """
    return Random(f"{run}/{name}")  # noqa: S311 - to be replayed, not to be secret
