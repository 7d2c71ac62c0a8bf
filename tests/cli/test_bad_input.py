"""What cannot be used is refused with a clear error and the right exit code, and nothing is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.commands import agentops, read_json


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["rn"], "Did you mean 'run'?"),
        (["run"], "Missing argument"),
        (["run", "errand", "--bugdet", "x=1"], "--bugdet"),
        (["run", "erand", "-i", "way=looking"], "Did you mean 'errand'?"),
        (["run", "nowhere/errand.yaml"], "no playbook at"),
        (["run", "errand"], "needs the input 'way'"),
        (["run", "errand", "-i", "way"], "NAME=VALUE"),
        (["run", "errand", "-i", "way=looking", "-i", "wya=x"], "no input 'wya'"),
        (["run", "errand", "-i", "way=looking", "--budget", "money=lots"], "money"),
        (["run", "errand", "-i", "way=looking", "--budget", "mony=1"], "mony"),
        (["run", "errand", "-i", "way=looking", "--model", "opneai/x"], "opneai"),
        (["--workspace", "nowhere", "run", "errand"], "is not a folder"),
        (["runs", "show", "last"], "no journal at"),
        (["resume", "x"], "no journal at"),
        (["replay", "x"], "no journal at"),
        (["approve", "x"], "no journal at"),
        (["index", "add", "nowhere"], "nowhere"),
        (["index", "search", "x"], "no documents are indexed"),
        (["show", "guide.md"], "is not a citation"),
        (["show", "guide.md:1-2"], "no documents are indexed"),
        (["--log-level", "loud", "run", "errand", "-i", "way=looking"], "loud"),
    ],
    ids=" ".join,
)
def test_bad_usage_and_bad_input_end_with_exit_code_2(workspace: Path, arguments: list[str], says: str) -> None:
    done = agentops(*arguments, "--json", cwd=workspace)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert "error: " in done.stderr
    assert read_json(done)["error"]["exit_code"] == 2


def test_with_json_an_error_is_an_object_on_stdout(workspace: Path) -> None:
    done = agentops("run", "erand", "--json", cwd=workspace)
    error = read_json(done)["error"]
    assert error["type"] == "InvalidInput"
    assert "erand" in error["what"]
    assert error["hint"] == "Did you mean 'errand'?"
    assert error["exit_code"] == done.returncode == 2


@pytest.mark.parametrize("command", [["run", "errand", "-i", "way=looking"], ["runs", "list"], ["replay", "last"]])
@pytest.mark.parametrize(
    ("kind", "says"),
    [("text", "cannot be read as a journal"), ("other", "not a journal of agentops"), ("newer", "schema 999")],
)
def test_a_journal_that_is_none_is_refused_and_left_as_it_is(
    workspace: Path, command: list[str], kind: str, says: str
) -> None:
    file = workspace / "j.db"
    if kind == "text":
        file.write_text("This is no database. " * 100, encoding="utf-8")
    else:
        connection = sqlite3.connect(file)
        connection.execute("CREATE TABLE mine (x)")
        if kind == "newer":
            connection.execute(f"PRAGMA application_id = {0x41674F70}")
            connection.execute("PRAGMA user_version = 999")
        connection.commit()
        connection.close()
    before = file.read_bytes()
    done = agentops("--journal", "j.db", *command, cwd=workspace)
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stderr
    if kind == "text":
        assert file.read_bytes() == before


def test_an_id_that_fits_several_runs_is_refused_with_all_of_them(workspace: Path) -> None:
    for _ in range(2):
        agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    done = agentops("runs", "show", "2", "--json", cwd=workspace)
    assert done.returncode == 2
    assert len(read_json(done)["error"]["facts"]["candidates"]) == 2


def test_every_playbook_is_looked_at_and_the_place_of_each_fault_is_named(workspace: Path) -> None:
    broken = workspace / "playbooks" / "broken.yaml"
    broken.write_text("playbook: broken\nstepps: []\n", encoding="utf-8")
    done = agentops("validate", cwd=workspace)
    assert done.returncode == 2
    assert "ok  errand" in done.stdout
    assert "broken.yaml:2:1" in done.stderr
    said = read_json(agentops("validate", "broken", "errand", "--json", cwd=workspace))
    assert [each["ok"] for each in said] == [False, True]


def test_an_agent_that_cannot_be_imported_is_named_with_file_and_line(workspace: Path) -> None:
    (workspace / "agents" / "bad.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    done = agentops("agents", "list", cwd=workspace)
    assert done.returncode == 2
    assert "bad.py:1" in done.stderr


def test_a_fault_of_our_own_is_told_without_a_traceback_unless_it_is_asked_for(workspace: Path) -> None:
    (workspace / "agents" / "clerk.py").chmod(0o600)
    (workspace / ".agentops").write_text("a file where a folder should be", encoding="utf-8")
    done = agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    assert done.returncode in {1, 2}
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
