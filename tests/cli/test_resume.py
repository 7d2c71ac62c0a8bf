"""A run that stops goes on: after an interrupt, after a kill, after a person's answer."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.commands import agentops, environment, read_json, start


def _until(path: Path, process: subprocess.Popen[str]) -> None:
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_how_to_go_on_and_goes_on(workspace: Path, number: signal.Signals) -> None:
    process = start("run", "errand", "-i", "way=waiting", "--json", cwd=workspace)
    _until(workspace / "waiting", process)
    process.send_signal(number)
    output, errors = process.communicate(timeout=60)
    said = json.loads(output)
    assert process.returncode == 130
    assert said["status"] == "interrupted"
    assert f"interrupted; go on with: agentops resume {said['run']}" in errors
    listed = read_json(agentops("runs", "list", "--json", cwd=workspace))
    assert [each["status"] for each in listed] == ["interrupted"]
    (workspace / "go").touch()
    done = agentops("resume", said["run"], "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert read_json(done)["output"]["text"] == "seen beforeit came"
    assert agentops("replay", said["run"], cwd=workspace).returncode == 0


def test_a_killed_run_goes_on_and_no_completed_call_is_made_again(workspace: Path) -> None:
    process = start("run", "errand", "-i", "way=waiting", cwd=workspace)
    _until(workspace / "waiting", process)
    process.kill()
    output, _ = process.communicate(timeout=60)
    run = output.split()[1]
    (workspace / "go").touch()
    done = agentops("resume", run, "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    said = read_json(done)
    assert said["output"]["text"] == "seen beforeit came"
    assert said["usage"]["tool_calls"] == 2
    assert "resumed · 1 effect made again" in agentops("runs", "show", run, cwd=workspace).stdout


def test_a_second_interrupt_ends_even_an_agent_that_never_gives_way(workspace: Path) -> None:
    playbook = workspace / "playbooks" / "errand.yaml"
    playbook.write_text(playbook.read_text(encoding="utf-8").replace("agent: clerk", "agent: idler"))
    process = start("run", "errand", "-i", "way=looking", cwd=workspace)
    _until(workspace / "spinning", process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_nobody_there_to_answer_means_exit_code_5_and_the_commands_to_type_next(workspace: Path) -> None:
    done = agentops("run", "errand", "-i", "way=mailing", "--json", cwd=workspace)
    said = read_json(done)
    assert done.returncode == 5
    assert said["status"] == "waiting"
    (approval,) = said["approvals"]
    assert f"agentops approve {said['run']} {approval['approval']}" in done.stderr
    assert f"agentops resume {said['run']}" in done.stderr
    assert not (workspace / "mails.txt").exists()


def test_what_is_approved_is_done_once_and_the_answer_is_on_record(workspace: Path) -> None:
    run = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=workspace))["run"]
    answered = agentops("approve", run, "--by", "ann", "--note", "fine", "--json", cwd=workspace)
    assert answered.returncode == 0, answered.stderr
    assert read_json(answered)["by"] == "ann"
    again = agentops("deny", run, cwd=workspace)
    assert again.returncode == 2
    assert "answered already" in again.stderr
    done = agentops("resume", run, "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert len((workspace / "mails.txt").read_text(encoding="utf-8").splitlines()) == 1
    shown = agentops("runs", "show", run, cwd=workspace).stdout
    assert "asks a person" in shown
    assert "approved by ann — fine" in " ".join(shown.replace("│", " ").split())
    assert "\x1b" not in shown
    assert agentops("replay", run, cwd=workspace).returncode == 0


def test_what_is_denied_is_not_done(workspace: Path) -> None:
    run = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=workspace))["run"]
    assert agentops("deny", run, "--note", "too dear", cwd=workspace).returncode == 0
    done = agentops("resume", run, "--json", cwd=workspace)
    assert done.returncode == 4
    assert "too dear" in done.stderr
    assert not (workspace / "mails.txt").exists()


def test_an_answer_reaches_a_run_that_another_process_drives(workspace: Path) -> None:
    """With somebody at the terminal the run waits in its process; the answer may come from elsewhere."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agentops", "run", "errand", "-i", "way=mailing"],
        cwd=workspace,
        env=environment(TERM="dumb"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while b"[y/n]" not in seen:
        seen += os.read(ours, 4096)
    answered = agentops("approve", "last", cwd=workspace)
    assert answered.returncode == 0, answered.stderr
    assert "by itself" in answered.stderr
    try:
        while data := os.read(ours, 4096):
            seen += data
    except OSError:
        pass
    os.close(ours)
    assert process.wait(timeout=60) == 0, seen


def test_resuming_a_run_that_is_over_does_nothing_and_gives_what_it_came_to(workspace: Path) -> None:
    """Whoever resumes after a crash cannot know whether the run was over just before it."""
    first = read_json(agentops("run", "errand", "-i", "way=looking", "--json", cwd=workspace))
    done = agentops("resume", "last", "--json", cwd=workspace)
    assert done.returncode == 0
    assert read_json(done) == first


def test_an_effect_in_doubt_waits_for_a_new_answer_however_often_the_run_is_resumed(workspace: Path) -> None:
    """The approval that let it go out the first time must not let it go out again after the crash."""
    file = workspace / "agents" / "clerk.py"
    file.write_text(
        file.read_text(encoding="utf-8").replace(
            '    return "sent"',
            '    pathlib.Path("sending").touch()\n    while not pathlib.Path("go").exists():\n'
            '        time.sleep(0.01)\n    return "sent"',
        ),
        encoding="utf-8",
    )
    run = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=workspace))["run"]
    agentops("approve", run, cwd=workspace)
    process = start("resume", run, cwd=workspace)
    _until(workspace / "sending", process)
    process.kill()
    process.communicate(timeout=60)
    (workspace / "go").touch()
    mails = workspace / "mails.txt"
    for _ in range(3):
        done = agentops("resume", run, "--json", cwd=workspace)
        assert done.returncode == 5, done.stdout + done.stderr
        assert len(mails.read_text(encoding="utf-8").splitlines()) == 1
    assert agentops("approve", run, cwd=workspace).returncode == 0
    done = agentops("resume", run, "--json", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert len(mails.read_text(encoding="utf-8").splitlines()) == 2
    assert agentops("replay", run, cwd=workspace).returncode == 0


def test_a_run_whose_code_has_changed_is_not_resumed_and_can_be_once_it_is_put_back(workspace: Path) -> None:
    run = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=workspace))["run"]
    file = workspace / "agents" / "clerk.py"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("boss@", "chief@"), encoding="utf-8")
    done = agentops("resume", run, "--json", cwd=workspace)
    assert done.returncode == 6, done.stderr
    assert "chief@example.org" in done.stderr
    file.write_text(text, encoding="utf-8")
    agentops("approve", run, cwd=workspace)
    assert agentops("resume", run, cwd=workspace).returncode == 0


def test_ctrl_c_at_the_question_leaves_the_run_resumable(workspace: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "agentops", "run", "errand", "-i", "way=mailing"],
        cwd=workspace,
        env=environment(TERM="dumb"),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while b"[y/n]" not in seen:
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    os.close(ours)
    assert agentops("resume", "last", "--json", cwd=workspace).returncode == 5


def test_a_run_in_the_hands_of_another_process_is_left_alone(workspace: Path) -> None:
    process = start("run", "errand", "-i", "way=waiting", cwd=workspace)
    _until(workspace / "waiting", process)
    done = agentops("resume", "last", cwd=workspace)
    (workspace / "go").touch()
    output, errors = process.communicate(timeout=60)
    assert done.returncode == 2
    assert "in the hands of process" in done.stderr
    assert process.returncode == 0, output + errors
