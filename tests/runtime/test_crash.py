"""Killed at every block, then resumed in a new process: the same outcome, and nothing completed is done twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from agentops.journal.sqlite import Journal

ROOT = Path(__file__).parents[2]

PROGRAM = '''
import os, sys
from pathlib import Path
import anyio
sys.path.insert(0, sys.argv[1])
from agentops.journal.sqlite import Journal
from agentops.kernel.agent import Agent, handles
from agentops.kernel.tool import tool
from tests.runtime.house import Go, Note, define
from agentops.runtime.runtime import Runtime

FOLDER, DIES, BACKEND = Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]


def did(what):
    with (FOLDER / "did").open("a") as file:
        file.write(what + "\\n")
        file.flush()
        os.fsync(file.fileno())


@tool(effect="pure")
async def look(what: str) -> str:
    """Look."""
    did(f"look {what}")
    await anyio.sleep(0.001)
    return what.upper()


@tool(effect="irreversible")
def pay(amount: int) -> str:
    """Pay."""
    did(f"pay {amount}")
    return f"paid {amount}"


class Helper(Agent):
    @handles
    async def on_note(self, note: Note) -> str:
        found = await look(note.text)
        await self.sleep(0.001)
        return found + await look(note.text + "!")


class Main(Agent):
    @handles
    async def on_go(self, go: Go) -> list[str]:
        first = await self.gather(self.ask("helper", Note("a")), look("b"), pay(1))
        return [*first, await pay(2), await look("x" * 3000) and "long", str(self.random.random())]


class Dying(Journal):
    """A journal whose process is killed after so many transactions, or just before, with a half of a group written."""

    left = DIES

    def _count(self):
        type(self).left -= 1
        if type(self).left == 0:
            os.kill(os.getpid(), 9)

    def create(self, *args):
        row = super().create(*args)
        self._count()
        return row

    def append(self, blocks):
        super().append(blocks)
        self._count()


async def main():
    import agentops.runtime.runtime as module
    module.Journal = Dying
    definition = define(Main, Helper)
    async with Runtime.open(FOLDER / "journal.db") as runtime:
        rows = runtime.journal.runs()
        if rows:
            run = await runtime.resume(rows[0], definition, attended=True)
        else:
            run = await runtime.start(definition, Go(), run="the-run", attended=True)
        async for event in run.events():
            for approval in run.approvals:
                did(f"in doubt {approval.effect}")
                run.answer(approval.effect, approve=False, by="test")
        ended = await run.wait()
        print(ended.status, ended.output, ended.error)


anyio.run(main, backend=BACKEND)
'''


def go(folder: Path, dies: int, backend: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(ROOT), str(folder), str(dies), backend],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def outcomes(folder: Path) -> set[str]:
    """Ids of the effects whose outcome is on record."""
    journal = Journal(folder / "journal.db")
    try:
        found = journal.query("SELECT json_extract(data, '$[2]') FROM records WHERE kind = 'outcome'")
        return {effect for (effect,) in found}
    finally:
        journal.close()


def done(folder: Path) -> list[str]:
    return (folder / "did").read_text().splitlines() if (folder / "did").exists() else []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_run_killed_after_any_commit_ends_as_if_it_had_not_been(tmp_path: Path, backend: str) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    undisturbed = go(whole, 0, backend)
    assert undisturbed.stdout.startswith("done"), undisturbed.stderr
    for dies in range(1, 100):
        folder = tmp_path / str(dies)
        folder.mkdir()
        killed = go(folder, dies, backend)
        if killed.returncode == 0:
            break
        assert killed.returncode == -9, killed.stderr
        completed, before = outcomes(folder), done(folder)
        resumed = go(folder, 0, backend)
        assert resumed.returncode == 0, resumed.stderr
        _check(folder, resumed.stdout, undisturbed.stdout, before, completed)
    else:
        raise AssertionError("the run never came to its end")
    assert dies > 6, "the test should have killed it at several commits"


def _check(folder: Path, output: str, undisturbed: str, before: list[str], completed: set[str]) -> None:
    after = done(folder)[len(before) :]
    doubt = [each for each in after if each.startswith("in doubt")]
    if doubt:
        assert output.startswith("failed"), output
        assert "may or may not have happened" in output
    else:
        assert output == undisturbed
    for amount in (1, 2):
        assert done(folder).count(f"pay {amount}") <= 1, f"paid {amount} twice"
    names = {"main/1/0.2.1": "look b", "helper/1/0.1": "look a", "helper/1/0.2": "look a!"}
    for effect in completed & names.keys():
        assert names[effect] not in after, f"{effect} was completed before the crash, and made again"
