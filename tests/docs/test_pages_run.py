"""What README and docs show can be done, and prints what they say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import click
import pytest

from agentops.cli.main import cli
from tests.docs.console import ROOT, Command, blocks, carry_out, differences, normal

PAGES: Final = sorted(
    str(path.relative_to(ROOT)) for path in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")) if path.is_file()
)
RUNNING: Final = [page for page in PAGES if "```console" in (ROOT / page).read_text(encoding="utf-8")]


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", RUNNING)
def test_every_command_of_a_page_prints_what_the_page_says(page: str, tmp_path: Path) -> None:
    """After a change: ``python -m tests.docs.console PAGE`` writes what is printed now into the page."""
    desk = tmp_path / "desk"
    shutil.copytree(ROOT / "docs", desk / "docs")
    wrong = {
        command.text: (missing, printed)
        for _, done in carry_out(read(page), desk, tmp_path / "bin")
        for command, printed in done
        if (missing := differences(command, printed))
    }
    assert wrong == {}


@pytest.mark.parametrize("page", PAGES)
def test_python_that_stands_alone_on_a_page_runs(page: str, tmp_path: Path) -> None:
    code = "\n".join(block.text for block in blocks(read(page)) if block.language == "python" and not block.title)
    path = tmp_path / "example.py"
    path.write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _shown(page: str) -> list[str]:
    """The command lines of ``agentops`` on a page that are shown and not carried out."""
    text = read(page)
    lines = [line for block in blocks(text) if block.language == "sh" for line in block.text.splitlines()]
    return [line for line in lines if re.match(r"(uv run )?agentops ", line)]


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_shown_and_not_run_have_options_that_exist(page: str) -> None:
    for line in _shown(page):
        words = shlex.split(line.removeprefix("uv run "), comments=True)[1:]
        context = click.Context(cli, info_name="agentops", resilient_parsing=True)
        command: click.Command = cli
        while isinstance(command, click.Group) and words:
            _, found, words = command.resolve_command(context, words)
            assert found is not None, line
            command = found
        command.make_parser(context).parse_args(list(words))


def test_targets_of_make_in_the_readme_exist() -> None:
    wanted = set(re.findall(r"^make (\w+)", read("README.md"), re.MULTILINE))
    there = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert wanted
    assert wanted <= there


def test_a_line_that_was_not_printed_is_found() -> None:
    said = ["run 20260101-120000-abcdef", "...", "done in 12 ms"]
    assert differences(Command("x", said), "run 20271231-235959-zzzzzz\nmore\ndone in 1.5 s\n") == []
    assert differences(Command("x", said), "run 20271231-235959-zzzzzz\nfailed\n") == ["done in SOME"]


def test_without_an_ellipsis_everything_that_is_printed_stands_on_the_page() -> None:
    assert differences(Command("x", ["one"]), "one\ntwo\n") == ["(printed 2 lines, the page shows 1)"]


def test_a_line_is_compared_without_ids_times_and_drawing() -> None:
    line = "│  ├─ run 20260101-120000-abcdef took 1.2 s in notes-0123abcd"
    assert normal(line) == "run RUN took SOME in notes-HASH"
