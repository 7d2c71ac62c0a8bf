"""`verify`, `why`, `diff`, `export` and `import`: what can be asked of runs that are over."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Final

import pytest

from tests.cli.commands import agentops, read_json

CORPUS: Final = Path(__file__).resolve().parent.parent / "retrieval" / "corpus"

HASTY: Final = '''
"""An agent whose calls come in the order of a set."""

from agentops import Agent, handles

from .clerk import Note, Order, look


class Hasty(Agent):
    """Looks at things in whatever order."""

    @handles
    async def on_order(self, order: Order) -> Note:
        things = {"tea", "milk", "sugar", "water", "cup", "pot", "leaf", order.text}
        said = [await look(name=thing) for thing in things]
        return Note(text=" ".join(sorted(said)), markdown="")
'''


def _run(workspace: Path, way: str = "looking") -> str:
    run: str = read_json(agentops("run", "errand", "-i", f"way={way}", "--json", cwd=workspace))["run"]
    return run


@pytest.fixture(scope="module")
def briefed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with one brief."""
    folder = tmp_path_factory.mktemp("briefed")
    question = "question=What happened in the incident of March 2023?"
    done = agentops("run", "research-brief", "-i", question, "-i", f"documents={CORPUS}", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


# --- verify ------------------------------------------------------------------------------------------------------


def test_a_run_is_reproduced_in_fresh_processes_under_every_loop_and_several_hash_seeds(briefed: Path) -> None:
    done = agentops("verify", "last", "--json", cwd=briefed)
    said = read_json(done)
    assert done.returncode == 0, done.stderr
    assert (said["status"], said["exit_code"]) == ("same", 0)
    variants = said["variants"]
    assert {each["status"] for each in variants} == {"same"}
    assert {each["loop"] for each in variants} == {"", "asyncio", "trio"}
    assert len({each["hash_seed"] for each in variants}) == len(variants) == 6
    assert len({each["records"] for each in variants}) == 1


def test_a_run_whose_order_hangs_on_hashes_diverges_with_exit_code_6_and_says_where(workspace: Path) -> None:
    (workspace / "agents" / "hasty.py").write_text(HASTY, encoding="utf-8")
    errand = workspace / "playbooks" / "errand.yaml"
    errand.write_text(errand.read_text(encoding="utf-8").replace("agent: clerk", "agent: hasty"), encoding="utf-8")
    agentops("run", "errand", "-i", "way=x", cwd=workspace, PYTHONHASHSEED="0")
    done = agentops("verify", "last", cwd=workspace)
    assert done.returncode == 6, done.stderr
    assert "same      hash seed 0, no event loop" in done.stdout
    assert "diverged  hash seed 1, asyncio" in done.stdout
    assert "agent     hasty, handler on_order" in done.stdout
    assert "the order of a set" in done.stderr


def test_a_journal_that_was_edited_is_corrupt_with_exit_code_2(workspace: Path) -> None:
    _run(workspace)
    journal = sqlite3.connect(workspace / ".agentops" / "journal.db")
    journal.execute("UPDATE blocks SET data = replace(data, 'seen looking', 'seen lurking')")
    journal.commit()
    journal.close()
    done = agentops("verify", "last", "--json", cwd=workspace)
    assert done.returncode == 2
    assert read_json(done)["error"]["type"] == "JournalCorrupt"
    assert "is not what was written" in done.stderr


def test_verify_says_what_is_missing_before_it_starts_any_process(workspace: Path) -> None:
    _run(workspace)
    (workspace / "agents" / "clerk.py").unlink()
    done = agentops("verify", "last", cwd=workspace)
    assert done.returncode == 2
    assert "clerk" in done.stderr
    assert "Traceback" not in done.stderr


# --- why ---------------------------------------------------------------------------------------------------------


def test_each_claim_of_a_brief_is_a_line_with_its_sources(briefed: Path) -> None:
    done = agentops("why", "last", cwd=briefed)
    said = read_json(agentops("why", "last", "--json", cwd=briefed))
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == len(said["claims"]) == 3
    for line, claim in zip(lines, said["claims"], strict=True):
        (span,) = claim["sources"]
        assert line.endswith(f"<- {span['document']}:{span['start']}-{span['end']}")
        text = (CORPUS / span["document"]).read_text(encoding="utf-8")
        assert " ".join(text[span["start"] : span["end"]].split()) == " ".join(span["text"].split())


def test_one_claim_is_told_from_its_words_to_the_question(briefed: Path) -> None:
    done = agentops("why", "last", "--claim", "2", cwd=briefed)
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    parts = [
        "claim 2 of 3:",
        "by writer",
        "by analyst",
        "└─ passage incident-2023.md:",
        "given to retriever by search_documents(query=",
        "allowed by search-the-index",
        "retriever was asked by research-brief: Question(",
        "the run was asked: PlaybookInputs(",
    ]
    assert [part for part in parts if part not in text] == []
    assert sorted(parts, key=text.index) == parts


@pytest.mark.parametrize("claim", ["0", "4", "-1"])
def test_a_claim_that_is_not_there_is_exit_code_2(briefed: Path, claim: str) -> None:
    done = agentops("why", "last", "--claim", claim, cwd=briefed)
    assert done.returncode == 2
    assert "has claims 1 to 3" in done.stderr


def test_an_answer_without_claims_is_told_by_what_led_to_it(workspace: Path) -> None:
    _run(workspace)
    done = agentops("why", "last", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert 'tool look(name="looking")' in done.stdout
    said = read_json(agentops("why", "last", "--json", cwd=workspace))
    assert said["claims"] == []
    assert said["path"]["kind"] == "run"


def test_a_failed_run_is_told_with_what_stopped_it(workspace: Path) -> None:
    agentops("run", "errand", "-i", "way=failing", cwd=workspace)
    done = agentops("why", "last", cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert "bad day" in done.stdout
    assert "\x1b" not in done.stdout


# --- diff --------------------------------------------------------------------------------------------------------


def test_two_runs_of_the_same_differ_in_nothing(workspace: Path) -> None:
    one, other = _run(workspace), _run(workspace)
    done = agentops("diff", one, other, cwd=workspace)
    assert done.returncode == 0, done.stderr
    assert "0 differ, 0 only in -, 0 only in +" in done.stdout
    assert "output: the same" in done.stdout
    assert read_json(agentops("diff", one, other, "--json", cwd=workspace))["same"] is True


def test_two_runs_that_went_other_ways_are_told_step_by_step_with_cost_and_time(workspace: Path) -> None:
    one, other = _run(workspace), _run(workspace, "failing")
    done = agentops("diff", one, other, cwd=workspace)
    assert done.returncode == 0, done.stderr
    for part in ("errand > clerk", '- "looking"', '+ "failing"', "output: differs", "tool calls", "took"):
        assert part in done.stdout
    assert "\x1b" not in done.stdout
    said = read_json(agentops("diff", one, other, "--json", cwd=workspace))
    assert said["same"] is False
    assert [(each["of"], each["kind"]) for each in said["changes"] if each["kind"] == "tool"] == [("a", "tool")]
    assert (said["a"]["usage"]["tool_calls"], said["b"]["usage"]["tool_calls"]) == (1, 0)


def test_what_two_runs_were_made_of_is_compared_too(workspace: Path) -> None:
    one = _run(workspace)
    file = workspace / "agents" / "clerk.py"
    file.write_text(file.read_text(encoding="utf-8") + "\n# another day\n", encoding="utf-8")
    said = read_json(agentops("diff", one, _run(workspace), "--json", cwd=workspace))
    assert [field["path"] for field in said["made_of"]] == ["agents.clerk"]
    assert said["same"] is True


# --- export and import -------------------------------------------------------------------------------------------


def test_an_exported_run_replays_in_another_journal_and_comes_only_once(workspace: Path) -> None:
    run = _run(workspace)
    out = read_json(agentops("export", "last", "run.jsonl", "--json", cwd=workspace))
    assert (out["run"], out["status"]) == (run, "done")
    other = ("--journal", str(workspace / "other.db"))
    came = read_json(agentops(*other, "import", "run.jsonl", "--json", cwd=workspace))
    assert (came["run"], came["fresh"]) == (run, True)
    assert agentops(*other, "replay", run, cwd=workspace).returncode == 0
    again = agentops(*other, "import", "run.jsonl", cwd=workspace)
    assert again.returncode == 0
    assert "is here already" in again.stdout


def test_files_that_cannot_be_taken_in_are_exit_code_2_and_leave_nothing(workspace: Path) -> None:
    _run(workspace)
    agentops("export", "last", "run.jsonl", cwd=workspace)
    text = (workspace / "run.jsonl").read_text(encoding="utf-8")
    (workspace / "cut.jsonl").write_text(text[: len(text) // 2], encoding="utf-8")
    (workspace / "edited.jsonl").write_text(text.replace("seen looking", "seen lurking"), encoding="utf-8")
    (workspace / "newer.jsonl").write_text(text.replace('"version":1', '"version":7', 1), encoding="utf-8")
    other = ("--journal", str(workspace / "other.db"))
    for name, kind in {
        "cut.jsonl": "JournalCorrupt",
        "edited.jsonl": "JournalCorrupt",
        "newer.jsonl": "JournalVersion",
        "agentops.yaml": "JournalError",
        "missing.jsonl": "JournalError",
        "agents": "JournalError",
    }.items():
        done = agentops(*other, "import", name, "--json", cwd=workspace)
        assert (name, done.returncode, read_json(done)["error"]["type"]) == (name, 2, kind)
    assert read_json(agentops(*other, "runs", "list", "--json", cwd=workspace)) == []


def test_a_waiting_run_can_be_answered_where_it_was_imported(workspace: Path) -> None:
    agentops("run", "errand", "-i", "way=mailing", "--no-input", cwd=workspace)
    out = agentops("export", "last", "run.jsonl", cwd=workspace)
    assert out.returncode == 0, out.stderr
    assert "never in both places" in out.stderr
    other = ("--journal", str(workspace / "other.db"))
    agentops(*other, "import", "run.jsonl", cwd=workspace)
    assert read_json(agentops(*other, "runs", "list", "--json", cwd=workspace))[0]["status"] == "waiting"
    assert agentops(*other, "approve", "last", cwd=workspace).returncode == 0
    done = agentops(*other, "resume", "last", "--json", cwd=workspace)
    assert (done.returncode, read_json(done)["status"]) == (0, "done"), done.stderr


def test_secrets_were_redacted_before_they_were_recorded_so_no_export_holds_them(workspace: Path) -> None:
    secret = "sk-" + "a1B2" * 10
    agentops("run", "errand", "-i", f"way=looking {secret}", cwd=workspace)
    assert agentops("export", "last", "run.jsonl", cwd=workspace).returncode == 0
    text = (workspace / "run.jsonl").read_text(encoding="utf-8")
    assert secret not in text
    assert all(json.loads(line) for line in text.splitlines())


def test_a_file_that_is_there_is_replaced_only_by_force(workspace: Path) -> None:
    _run(workspace)
    (workspace / "run.jsonl").write_text("mine", encoding="utf-8")
    done = agentops("export", "last", "run.jsonl", cwd=workspace)
    assert (done.returncode, (workspace / "run.jsonl").read_text(encoding="utf-8")) == (2, "mine")
    assert "--force" in done.stderr
    assert agentops("export", "last", "run.jsonl", "--force", cwd=workspace).returncode == 0
