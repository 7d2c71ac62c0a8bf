"""The installed version."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

__all__ = ["version"]


def version() -> str:
    """The version of the installed distribution; ``0+unknown`` in a checkout that is not installed."""
    try:
        return installed("agentops-runtime")
    except PackageNotFoundError:
        return "0+unknown"
