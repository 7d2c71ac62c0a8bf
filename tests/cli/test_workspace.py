"""Setting up, looking around, and what the command line costs to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import click
import pytest

from agentops.cli.main import COMMANDS, cli
from tests.cli.commands import agentops, environment, read_json

CORPUS: Final = Path(__file__).resolve().parent.parent / "retrieval" / "corpus"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_one_line_about_a_command_is_the_same_in_both_places(name: str) -> None:
    """The list of commands is written down so that listing them imports none; it must not lie."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.short_help == COMMANDS[name][1]
    assert command.name == name


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [(["--help"], set()), (["run", "--help"], set()), (["runs", "list"], set()), (["--version"], set())],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(tmp_path: Path, arguments: list[str], allowed: set[str]) -> None:
    heavy = {"openai", "networkx", "rich", "structlog", "sqlite_utils", "anyio", "genai_prices"}
    heavy |= set() if arguments[0] == "runs" else {"pydantic", "msgspec", "yaml"}
    program = (
        "import sys\nfrom agentops.cli.main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    if arguments == ["run", "--help"]:
        heavy.discard("msgspec")
    assert heavy & set(done.stderr.split()) - allowed == set()


def test_init_writes_a_workspace_that_validates_and_runs(tmp_path: Path) -> None:
    done = agentops("init", "mine", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = read_json(done)["written"]
    assert {"agentops.yaml", ".gitignore", "agents/writer.py", "playbooks/research-brief.yaml"} <= set(written)
    folder = tmp_path / "mine"
    assert agentops("validate", cwd=folder).returncode == 0
    inputs = ["-i", "question=What is a pallet sensor?", "-i", f"documents={CORPUS}"]
    assert agentops("run", "research-brief", *inputs, cwd=folder).returncode == 0
    names = {each["name"]: each["file"] for each in read_json(agentops("agents", "list", "--json", cwd=folder))}
    assert names["writer"] == str(folder / "agents" / "writer.py")


def test_init_overwrites_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    agentops("init", cwd=tmp_path)
    assert agentops("init", cwd=tmp_path).returncode == 0
    mine = tmp_path / "agents" / "writer.py"
    mine.write_text("# mine\n", encoding="utf-8")
    refused = agentops("init", cwd=tmp_path)
    assert refused.returncode == 2
    assert "agents/writer.py" in refused.stderr
    assert mine.read_text(encoding="utf-8") == "# mine\n"
    assert agentops("init", "--force", cwd=tmp_path).returncode == 0
    assert "class Writer" in mine.read_text(encoding="utf-8")


def test_init_adds_its_line_to_a_gitignore_that_is_there(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.pyc", encoding="utf-8")
    assert agentops("init", cwd=tmp_path).returncode == 0
    assert (tmp_path / ".gitignore").read_text(encoding="utf-8").splitlines()[0] == "*.pyc"
    assert ".agentops/" in (tmp_path / ".gitignore").read_text(encoding="utf-8")


def test_documents_are_indexed_counted_and_searched(tmp_path: Path) -> None:
    added = read_json(agentops("index", "add", str(CORPUS), "--json", cwd=tmp_path))
    assert added["added"] == added["documents"] > 0
    again = read_json(agentops("index", "add", str(CORPUS), "--json", cwd=tmp_path))
    assert (again["added"], again["unchanged"]) == (0, added["documents"])
    (stats,) = read_json(agentops("index", "stats", "--json", cwd=tmp_path))
    assert stats["passages"] == added["passages"]
    found = read_json(agentops("index", "search", "password", "--json", cwd=tmp_path))
    shown = agentops("show", stats["collection"], found[0]["id"], cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    marked = [line[2:] for line in shown.stdout.splitlines() if line.startswith("> ")]
    assert "\n".join(marked) == found[0]["text"].strip("\n")


def test_the_doctor_finds_nothing_broken_here_and_something_broken_there(workspace: Path) -> None:
    sound = read_json(agentops("doctor", "--json", cwd=workspace))
    assert sound["ok"], sound
    assert {"python", "packages", "name", "sqlite", "journal", "model", "disk"} <= {
        each["name"] for each in sound["checks"]
    }
    (workspace / "agents" / "bad.py").write_text("def broken(\n", encoding="utf-8")
    done = agentops("doctor", cwd=workspace)
    assert done.returncode == 1
    assert "bad.py" in done.stdout


def test_the_doctor_finds_the_other_distribution_called_agentops(workspace: Path, tmp_path: Path) -> None:
    """Made up here: a folder on the path with that distribution's metadata."""
    info = tmp_path / "site" / "agentops-0.4.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: agentops\nVersion: 0.4\n", encoding="utf-8")
    (info / "RECORD").write_text("agentops/__init__.py,,\n", encoding="utf-8")
    path = environment()["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, "-m", "agentops", "doctor"],
        cwd=workspace,
        env=environment() | {"PYTHONPATH": f"{path}:{tmp_path / 'site'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout
    assert "also installs the import name 'agentops'" in done.stdout
