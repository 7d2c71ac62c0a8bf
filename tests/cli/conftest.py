"""A fresh workspace for each test of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commands import make_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return make_workspace(tmp_path / "workspace")
