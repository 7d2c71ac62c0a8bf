"""Interrupted, waiting for a person, or with a full disk: nothing that was released is lost, nothing else counts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentops.errors import ApprovalNeeded, Diverged, JournalLocked, JournalWriteFailed, PermissionDenied, RunError
from agentops.journal.sqlite import Journal
from agentops.kernel.agent import Agent, handles
from agentops.kernel.records import Answer
from agentops.kernel.tool import tool
from agentops.messages import encode
from agentops.runtime.runtime import Runtime
from tests.runtime.house import AskFirst, Go, define, kinds, replayed

ROOT = Path(__file__).parents[2]
done: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    done.clear()


@tool(effect="irreversible")
async def pay(amount: int) -> str:
    """Pay."""
    done.append(f"paid {amount}")
    return done[-1]


class Payer(Agent):
    @handles
    async def on_go(self, go: Go) -> str:
        return str(await pay(go.n))


def answer_from_elsewhere(path: Path, run: str, verdict: str) -> None:
    journal = Journal(path)
    row = journal.find(run)
    (key,) = journal.query("SELECT json_extract(data, '$[1]') FROM records WHERE kind = 'approval'")[0]
    answer = Answer(row.started + 1, key, verdict, "ada")
    assert journal.leave_answer(row.id, f"{key}@1", encode(answer), row.started + 1)
    assert not journal.leave_answer(row.id, f"{key}@1", encode(answer), row.started + 2), "one answer counts"
    journal.close()


async def test_a_run_that_nobody_attends_waits_in_the_journal_and_goes_on_when_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    definition = define(Payer, gate=AskFirst)
    async with Runtime.open(path) as runtime:
        run = await runtime.start(definition, Go(7))
        with pytest.raises(ApprovalNeeded, match=r"waits for a person: payer/1/0\.1"):
            await run.result()
        assert runtime.journal.find(run.id).status == "waiting"
    assert done == []
    answer_from_elsewhere(path, run.id, "approve")
    async with Runtime.open(path) as runtime:
        again = await runtime.resume(runtime.journal.find(run.id), definition)
        assert await again.result() == "paid 7"
    assert done == ["paid 7"]
    assert replayed(path, definition).divergence is None


async def test_a_run_that_is_attended_takes_an_answer_that_another_connection_leaves(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with Runtime.open(path) as runtime:
        run = await runtime.start(define(Payer, gate=AskFirst), Go(7), attended=True)
        answer_from_elsewhere(path, run.id, "deny")
        with pytest.raises(PermissionDenied, match="denied by ada"):
            await run.result()
    assert done == []


async def test_of_two_answers_to_one_question_the_first_counts_and_the_second_breaks_nothing(tmp_path: Path) -> None:
    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Payer, gate=AskFirst), Go(7), attended=True)
        (approval,) = run.approvals
        run.answer(approval.effect, approve=True, by="ada")
        run.answer(approval.effect, approve=False, by="bob")
        assert await run.result() == "paid 7"
        with pytest.raises(RunError, match="nothing waits for an answer"):
            run.answer(approval.effect, approve=True)


async def test_a_run_left_behind_on_leaving_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    definition = define(Payer, gate=AskFirst)
    async with Runtime.open(path) as runtime:
        run = await runtime.start(definition, Go(7), attended=True)
        while not run.approvals:
            pass
    journal = Journal(path)
    assert journal.find(run.id).status == "interrupted"
    journal.close()
    async with Runtime.open(path) as runtime:
        again = await runtime.resume(runtime.journal.find(run.id), definition, attended=True)
        again.answer("payer/1/0.1", approve=True)
        assert await again.result() == "paid 7"


async def test_a_run_that_is_being_driven_cannot_be_resumed_beside_itself(tmp_path: Path) -> None:
    async with Runtime.open(tmp_path / "j.db") as runtime:
        definition = define(Payer, gate=AskFirst)
        run = await runtime.start(definition, Go(7), attended=True)
        with pytest.raises(JournalLocked, match="is being driven here already"):
            await runtime.resume(runtime.journal.find(run.id), definition)
        run.answer("payer/1/0.1", approve=True)
        assert await run.result() == "paid 7"


async def test_a_run_that_another_process_has_ended_meanwhile_comes_back_as_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    definition = define(Payer, gate=AskFirst)
    async with Runtime.open(path) as runtime:
        run = await runtime.start(definition, Go(7))
        await run.wait()
        stale = runtime.journal.find(run.id)
        answer_from_elsewhere(path, run.id, "approve")
        await (await runtime.resume(stale, definition)).result()
        again = await runtime.resume(stale, definition)
        assert await again.result() == "paid 7"
        assert runtime.journal.find(run.id).status == "done"
    assert done == ["paid 7"]


async def test_when_the_disk_is_full_nothing_is_released_and_the_run_can_be_resumed(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    definition = define(Several)
    async with Runtime.open(path) as runtime:
        (pages,) = runtime.journal.query("PRAGMA page_count")[0]
        runtime.journal.query(f"PRAGMA max_page_count = {pages + 4}")
        run = await runtime.start(definition, Go(40))
        ended = await run.wait()
        assert ended.status == "interrupted"
        assert isinstance(ended.error, JournalWriteFailed)
        assert "the disk is full" in ended.error.what
    assert kinds(path).count("dispatched") == len(done), "only what is on record has happened"
    first = len(done)
    assert first < 40
    async with Runtime.open(path) as runtime:
        again = await runtime.resume(runtime.journal.find(run.id), definition, attended=True)
        async for _ in again.events():
            for approval in again.approvals:
                again.answer(approval.effect, approve=True)
        ended = await again.wait()
    assert ended.status == "done"
    assert replayed(path, definition).divergence is None


class Several(Agent):
    @handles
    async def on_go(self, go: Go) -> int:
        for n in range(go.n):
            await pay(n * 10**300)
        return go.n


RACER = """
import sys, anyio
sys.path.insert(0, sys.argv[1])
from tests.runtime.test_resume import *

async def main():
    async with Runtime.open(sys.argv[2]) as runtime:
        row = runtime.journal.find("last")
        print("ready", flush=True)
        sys.stdin.readline()
        try:
            run = await runtime.resume(row, define(Payer, gate=AskFirst), attended=True)
        except JournalLocked as error:
            print("locked", error.what, flush=True)
            return
        print("won", flush=True)
        sys.stdin.readline()
        run.answer("payer/1/0.1", approve=True)
        print(await run.result(), flush=True)

anyio.run(main)
"""


def test_of_two_processes_that_resume_one_run_one_wins_and_the_other_is_told(tmp_path: Path) -> None:
    import anyio

    path = tmp_path / "j.db"

    async def begin() -> None:
        async with Runtime.open(path) as runtime:
            await (await runtime.start(define(Payer, gate=AskFirst), Go(7))).wait()

    anyio.run(begin)
    command = [sys.executable, "-c", RACER, str(ROOT), str(path)]
    racers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) for _ in "ab"
    ]
    said = []
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
    for racer in racers:
        assert racer.stdout is not None
        said.append(racer.stdout.readline().split()[0])
    assert sorted(said) == ["locked", "won"]
    outputs = [racer.communicate("go on\n", timeout=30)[0] for racer in racers]
    assert "paid 7\n" in outputs


async def test_a_run_whose_code_has_changed_is_not_resumed_and_nothing_is_written(tmp_path: Path) -> None:
    class Other(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            return str(await pay(go.n + 1))

    changed = type("Payer", (Other,), {})

    path = tmp_path / "j.db"
    async with Runtime.open(path) as runtime:
        run = await runtime.start(define(Payer, gate=AskFirst), Go(7))
        await run.wait()
        before = kinds(path)
        with pytest.raises(Diverged, match=r"arguments\.amount"):
            await runtime.resume(runtime.journal.find(run.id), define(changed, gate=AskFirst))
        assert kinds(path) == before
        assert runtime.journal.find(run.id).status == "waiting"
