"""The rules of the house that no other tool checks, and that the tools which check the others are switched on."""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 50
SOURCES: Final = sorted(path for top in ("agentops", "agents", "benchmarks") for path in (ROOT / top).rglob("*.py"))


def _where(path: Path, line: int = 0) -> str:
    return f"{path.relative_to(ROOT)}:{line}" if line else str(path.relative_to(ROOT))


def _nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path)))


def _comments(path: Path) -> dict[int, str]:
    """The comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    return {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}


# --- size -------------------------------------------------------------------------------------------------------------


def test_a_file_holds_one_idea_so_it_ends_before_it_is_long() -> None:
    lengths = {_where(path): len(path.read_text(encoding="utf-8").splitlines()) for path in SOURCES}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_a_function_can_be_seen_at_once() -> None:
    too_long = {
        _where(path, node.lineno): f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for path in SOURCES
        for node in _nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert too_long == {}


# --- imports ----------------------------------------------------------------------------------------------------------


def _run(
    *arguments: str, folder: Path = ROOT, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package that is in ``folder`` (hence -P and the path), whatever is installed."""
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    return _run("-P", "-c", program, folder=folder, environment={"PYTHONPATH": str(folder), "COLUMNS": "120"})


def test_imports_point_downwards_and_the_kernel_does_no_io() -> None:
    report = _lint_imports(ROOT)
    assert report.returncode == 0, report.stdout + report.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("kernel/intruder.py", "import time", "the kernel and the supervisor do no I/O"),
        ("supervisor/intruder.py", "import agentops.clock", "the kernel and the supervisor do no I/O"),
        ("kernel/intruder.py", "import agentops.supervisor", "imports point downwards"),
        ("models/intruder.py", "import agentops.journal", "imports point downwards"),
        ("newcomer.py", "", "imports point downwards"),
        ("runtime/intruder.py", "import rich", "only the command line knows click and rich"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(tmp_path: Path, module: str, line: str, contract: str) -> None:
    """Each contract is broken on purpose, in a copy: a contract that nothing can break protects nothing."""
    shutil.copytree(ROOT / "agentops", tmp_path / "agentops", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "agentops" / module).write_text(f"{line}\n", encoding="utf-8")
    report = _lint_imports(tmp_path)
    broken = [text for text in report.stdout.splitlines() if text.startswith(contract) and " BROKEN" in text]
    assert report.returncode == 1, report.stdout + report.stderr
    assert broken, report.stdout


def test_inside_the_package_nobody_imports_by_the_public_face() -> None:
    """The face is for users: a module that used it would depend on every layer."""
    own = {path.stem for path in (ROOT / "agentops").iterdir()}
    wrong = [
        f"{_where(path, node.lineno)} imports {alias.name} from agentops"
        for path in ROOT.glob("agentops/**/*.py")
        for node in _nodes(path)
        if isinstance(node, ast.ImportFrom) and node.module == "agentops" and node.level == 0
        for alias in node.names
        if alias.name not in own
    ]
    assert not wrong, "\n".join(wrong)


def test_agents_use_only_the_public_face() -> None:
    """What the stock agents do, a user can do: they import `agentops`, never a module inside it."""
    wrong = [
        f"{_where(path, node.lineno)} imports {name}"
        for path in ROOT.glob("agents/**/*.py")
        for node in _nodes(path)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if name.startswith("agentops.")
    ]
    assert not wrong, "\n".join(wrong)


def test_agents_and_playbooks_are_folders_and_no_packages() -> None:
    """Another SDK owns the import name `agents`; a regular package of that name here would shadow it."""
    assert [folder for folder in ("agents", "playbooks") if (ROOT / folder / "__init__.py").exists()] == []


# --- determinism ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "from time import monotonic\n",
        "import random\n",
        "import uuid\n",
        "import secrets\n",
        "import os\n\nprint(os.environ['HOME'])\n",
        "from os import getenv\n",
        "from datetime import UTC, datetime\n\nprint(datetime.now(UTC))\n",
    ],
)
@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("agentops/kernel/any.py", False),
        ("agentops/runtime/any.py", False),
        ("agents/any.py", False),
        ("agentops/clock.py", True),
        ("agentops/cli/any.py", True),
    ],
)
def test_clock_chance_and_environment_are_banned_outside_the_outer_shell(module: str, line: str, allowed: bool) -> None:
    ruff = ("-m", "ruff", "check", "--output-format=concise", "--no-cache")
    report = _run(*ruff, "--stdin-filename", module, "-", stdin=line)
    assert ("TID251" not in report.stdout) is allowed, report.stdout + report.stderr


# --- honesty ----------------------------------------------------------------------------------------------------------


def _is_broad(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in caught
    )


def test_whoever_catches_everything_says_why_on_that_line() -> None:
    unexplained = []
    for path in SOURCES:
        comments = _comments(path)
        for node in _nodes(path):
            if isinstance(node, ast.ExceptHandler) and _is_broad(node):
                reason = re.sub(r"noqa(: *[A-Z0-9, ]+)?", "", comments.get(node.lineno, ""))
                if not re.search(r"\w+ \w+", reason):
                    unexplained.append(_where(path, node.lineno))
    assert not unexplained, "\n".join(unexplained)


def test_every_rule_that_is_switched_off_says_why() -> None:
    """In pyproject.toml, each ignored rule of the linter stands on its own line, with its reason behind it."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    config = tomllib.loads(text)["tool"]["ruff"]["lint"]
    ignored = [*config["ignore"], *(rule for rules in config["per-file-ignores"].values() for rule in rules)]
    explained = re.findall(r'^\s*(?:"[^"]+" = \[)?"([A-Z]+[0-9]*)"[],]*\s+# \S+', text, re.MULTILINE)
    assert sorted(explained) == sorted(ignored)


# --- nobody's machine -------------------------------------------------------------------------------------------------

# Written in pieces, so that this file does not name what it looks for.
_ELSEWHERE: Final = re.compile(
    "|".join(
        [
            r"\b(?:[\w-]+\.)*py" + r"pi\.(?:org|io)\b",
            r"python" + r"hosted\.org",
            r"npm" + r"js\.(?:org|com)",
            r"/(?:root|ho" + r"me/\w+|Use" + r"rs/\w+)/",
            r"/wo" + r"rk/(?:main|shared)",
            r"\.\./sha" + r"red\b",
            r"(?<![\w/])/opt/\w+",
            r"file:" + r"///[a-z]",
            r"--(?:extra-)?index" + r"-url",
        ]
    )
)


def _tracked() -> list[Path]:
    """What is, or would be, in the repository: a workspace's data and a user's own ignored files are not looked at."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return [*SOURCES, *ROOT.glob("*.*"), *ROOT.glob("tests/**/*.py"), *ROOT.glob("docs/**/*.md")]
    listing = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8").stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def test_nothing_names_a_registry_or_a_path_of_one_machine() -> None:
    found = []
    for path in _tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [
            f"{_where(path, text.count(chr(10), 0, match.start()) + 1)} {match.group()}"
            for match in _ELSEWHERE.finditer(text)
        ]
    assert not found, "\n".join(found)


def test_pins_are_versions_and_nothing_else() -> None:
    """constraints.txt carries `name==version` with an optional marker: no address, no hash, no option."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    odd = [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+(?: *; python_version [<>=]+ \"3\.\d+\")?", line)]
    assert pins
    assert odd == []
