"""`agentops run`, and what can be asked of a run afterwards."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.cli.commands import agentops, environment, read_json

ID: Final = r"\d{8}-\d{6}-[2-9a-z]{6}"
CORPUS: Final = Path(__file__).resolve().parent.parent / "retrieval" / "corpus"


def test_the_first_line_of_stdout_is_the_id_of_the_run(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(f"run {ID}", done.stdout.splitlines()[0])
    assert "seen looking" in done.stdout
    assert "seen looking" not in done.stderr.splitlines()[-1]


def test_a_page_that_no_model_wrote_does_not_say_that_one_did(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    assert "seen looking" in done.stdout
    assert "Written by" not in done.stdout


def test_the_page_says_what_wrote_it(workspace: Path) -> None:
    documents = workspace / "documents"
    documents.mkdir()
    (documents / "a.md").write_text("# Cranes\n\nA crane lifts loads of up to nine tons.\n", encoding="utf-8")
    given = ("-i", "question=What does a crane lift?", "-i", "documents=documents")
    done = agentops("run", "research-brief", *given, cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert "*Written by: extractive, no language model.*" in done.stdout


def test_with_json_stdout_is_one_object_and_the_id_is_on_stderr(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=looking", "--json", cwd=workspace)
    said = read_json(done)
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == f"run {said['run']}"
    assert said["status"] == "done"
    assert said["output"] == {"text": "seen looking", "markdown": "# Note\n\nseen looking"}
    assert said["usage"]["tool_calls"] == 1
    assert said["usage"]["model_calls"] == 0


def test_progress_is_one_line_an_event_on_stderr_and_quiet_is_quiet(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    assert 'errand: asks clerk Order(text="looking")' in done.stderr
    assert 'clerk: tool look(name="looking")' in done.stderr
    quiet = agentops("run", "errand", "-i", "way=looking", "--quiet", cwd=workspace)
    assert "clerk" not in quiet.stderr


def test_the_brief_cites_its_sources_and_a_citation_can_be_shown(tmp_path: Path) -> None:
    """The main job, in an empty folder, with the agents and playbooks that come with agentops."""
    question = "question=What happened in the incident of March 2023?"
    done = agentops("run", "research-brief", "-i", question, "-i", f"documents={CORPUS}", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "extractive, no language model" in done.stdout
    citations = re.findall(r"`(\S+:\d+-\d+)`", done.stdout)
    assert citations
    for citation in citations:
        shown = agentops("show", citation, "--json", cwd=tmp_path)
        quote = read_json(shown)
        assert quote["state"] == "current"
        assert quote["text"].split()[0] in done.stdout


def test_a_run_replays_and_its_path_is_shown_from_question_to_answer(workspace: Path) -> None:
    agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    again = agentops("replay", "last", cwd=workspace)
    assert again.returncode == 0, again.stderr
    assert "came out as recorded" in again.stdout
    shown = agentops("runs", "show", "last", cwd=workspace)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert "errand · done" in lines[0]
    text = shown.stdout
    parts = ["asked errand", "asks clerk", "DECIDES how? → looking", 'tool look(name="looking")', "answers", "done:"]
    assert [part for part in parts if part not in text] == []
    assert sorted(parts, key=text.index) == parts


def test_a_replay_whose_code_has_changed_diverges_with_exit_code_6(workspace: Path) -> None:
    agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    file = workspace / "agents" / "clerk.py"
    file.write_text(file.read_text(encoding="utf-8").replace("name=order.text", "name=order.text.upper()"))
    done = agentops("replay", "last", cwd=workspace)
    assert done.returncode == 6
    assert "replay diverged" in done.stdout
    assert "LOOKING" in done.stdout
    assert "agent clerk" in done.stderr
    said = agentops("replay", "last", "--json", cwd=workspace)
    assert read_json(said)["divergence"]["agent"] == "clerk"
    assert said.returncode == 6


def test_runs_are_listed_newest_first_with_what_others_build_on(workspace: Path) -> None:
    first = read_json(agentops("run", "errand", "-i", "way=looking", "--json", cwd=workspace))
    second = read_json(agentops("run", "errand", "-i", "way=failing", "--json", cwd=workspace))
    listed = read_json(agentops("runs", "list", "--json", cwd=workspace))
    assert [each["run"] for each in listed] == [second["run"], first["run"]]
    assert [each["status"] for each in listed] == ["failed", "done"]
    assert {each["playbook"] for each in listed} == {"errand"}
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", each["started"]) for each in listed)
    assert first["run"] in agentops("runs", "list", cwd=workspace).stdout


def test_no_runs_is_an_empty_list(workspace: Path) -> None:
    assert read_json(agentops("runs", "list", "--json", cwd=workspace)) == []


def test_a_failed_run_says_why_and_what_it_was_and_never_shows_a_traceback(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=failing", "--json", cwd=workspace)
    said = read_json(done)
    assert done.returncode == 1
    assert said["status"] == "failed"
    assert said["error"]["type"] == "HandlerFailed"
    assert "bad day" in done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stderr


def test_a_refused_tool_ends_with_exit_code_4(workspace: Path) -> None:
    done = agentops("run", "strict", "-i", "way=mailing", "--json", cwd=workspace)
    assert done.returncode == 4
    said = read_json(done)
    assert said["status"] == "denied"
    assert said["error"]["facts"]["rule"] == "mail-leaves-the-house"
    assert not (workspace / "mails.txt").exists()


def test_a_budget_that_does_not_suffice_ends_with_exit_code_3(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=looking", "--budget", "tool_calls=0", "--json", cwd=workspace)
    assert done.returncode == 3
    assert read_json(done)["status"] == "stopped"


def test_a_flag_goes_before_the_environment_and_that_before_the_default(workspace: Path) -> None:
    agentops("run", "errand", "-i", "way=looking", cwd=workspace, AGENTOPS_JOURNAL="env.db")
    assert (workspace / "env.db").exists()
    agentops("--journal", "flag.db", "run", "errand", "-i", "way=looking", cwd=workspace, AGENTOPS_JOURNAL="no.db")
    assert (workspace / "flag.db").exists()
    assert not (workspace / "no.db").exists()
    assert not (workspace / ".agentops" / "journal.db").exists()


def test_logs_are_json_lines_bound_to_run_agent_and_effect(workspace: Path) -> None:
    done = agentops("--log-level", "debug", "run", "errand", "-i", "way=looking", cwd=workspace)
    run = done.stdout.split()[1]
    entries = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    effects = [entry for entry in entries if entry["record"] == "effect"]
    assert effects
    assert {entry["run"] for entry in entries} == {run}
    assert effects[0]["agent"] == "clerk"
    assert effects[0]["effect"].startswith("clerk/1/")
    replayed = agentops("--log-level", "debug", "replay", "last", cwd=workspace)
    assert replayed.stderr == ""


def test_a_closed_pipe_is_no_error(workspace: Path) -> None:
    agentops("run", "errand", "-i", "way=looking", cwd=workspace)
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "agentops", "runs", "show", "last", "--full"]
    done = subprocess.run(
        command, cwd=workspace, env=environment(), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert done.returncode == 0
    assert done.stderr == ""


def _at_a_terminal(workspace: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """A command whose stdin, stdout and stderr are a terminal; one line is typed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agentops", *arguments],
        cwd=workspace,
        env=environment(TERM="dumb"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    typed = False
    while True:
        try:
            data = os.read(ours, 4096)
        except OSError:
            break
        if not data:
            break
        seen += data
        if b"[y/n]" in seen and not typed:
            typed = True
            os.write(ours, f"{answer}\n".encode())
    os.close(ours)
    return process.wait(), seen.decode("utf-8", "replace")


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 4)])
def test_at_a_terminal_a_person_is_shown_exactly_what_would_run_and_decides(
    workspace: Path, answer: str, code: int
) -> None:
    got, seen = _at_a_terminal(workspace, answer, "run", "errand", "-i", "way=mailing")
    assert got == code, seen
    assert "send_mail" in seen
    assert "boss@example.org" in seen
    assert "\\u202eevil\\u001b[31m" in seen
    assert "\u202e" not in seen
    assert (workspace / "mails.txt").exists() is (answer == "y")


def test_large_arguments_are_shown_whole_to_whoever_approves_them(workspace: Path) -> None:
    """What is kept beside the record because of its size is still what would run."""
    file = workspace / "agents" / "clerk.py"
    text = file.read_text(encoding="utf-8").replace('body="pay', 'body="x" * 50_000 + "the end')
    file.write_text(text, encoding="utf-8")
    done = agentops("run", "errand", "-i", "way=mailing", "--json", cwd=workspace)
    assert done.returncode == 5, done.stderr
    assert read_json(done)["approvals"][0]["arguments"]["body"].startswith("x" * 50_000)
    approved = agentops("approve", "last", cwd=workspace)
    assert "x" * 50_000 + "the end" in approved.stdout
