"""The one clock, and the one source of chance, of the outer shell.

Nothing else in agentops reads the time or draws a random number from the machine; the kernel and the supervisor may
not even import this. What is read here enters a run only as the time of a delivery, or as its id, and is on record.
"""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime

__all__ = ["format_time", "monotonic", "new_run_id", "now"]

_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


def now() -> int:
    """Microseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1000


def monotonic() -> float:
    """Seconds since some point in the past, never going back."""
    return time.monotonic()


def new_run_id() -> str:
    """A new run's id: when it was started, to the second, and six random letters; sorts by time."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    return f"{stamp}-{''.join(secrets.choice(_ALPHABET) for _ in range(6))}"


def format_time(at: int) -> str:
    """Microseconds since 1970 as ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="seconds")
