"""What tests of model providers share."""

from __future__ import annotations

from tests.models.server import openai_server

__all__ = ["openai_server"]
