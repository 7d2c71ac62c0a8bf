"""What is in the wheel, and what is not."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from this tree without a network."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    build = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8")
    assert build.returncode == 0, build.stdout + build.stderr
    return zipfile.ZipFile(next(folder.glob("agentops_runtime-*.whl")))


def test_only_agentops_is_installed_at_the_top(wheel: zipfile.ZipFile) -> None:
    """Another SDK owns the import name `agents`; a wheel that took it would break that one."""
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"agentops"}


@pytest.mark.parametrize(("folder", "kind"), [("agents", "*.py"), ("playbooks", "*.yaml")])
def test_the_wheel_carries_the_starting_workspace(wheel: zipfile.ZipFile, folder: str, kind: str) -> None:
    """Every agent and every playbook of this tree, byte for byte, under `agentops/_workspace/`."""
    here = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in (ROOT / folder).rglob(kind)}
    assert here
    assert {name: wheel.read(f"agentops/_workspace/{name}") for name in here} == here


def test_the_wheel_says_that_it_is_typed(wheel: zipfile.ZipFile) -> None:
    assert "agentops/py.typed" in wheel.namelist()


def test_the_wheel_carries_no_leftovers(wheel: zipfile.ZipFile) -> None:
    assert [name for name in wheel.namelist() if "__pycache__" in name or ".agentops/" in name] == []
