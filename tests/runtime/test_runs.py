"""Runs as their callers see them: results, events, cancellation, tools that misbehave, and secrets."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from agentops.errors import HandlerFailed, MessageInvalid, RunCancelled, ToolFailed, UnhandledMessage
from agentops.kernel.agent import Agent, handles
from agentops.kernel.records import Sent
from agentops.kernel.tool import tool, tool_context
from agentops.messages import Message
from agentops.runtime.events import Ended, Recorded
from agentops.runtime.runtime import Runtime
from tests.runtime.house import Go, Note, define, kinds, replayed

SECRET = "sk-a-secret-that-nobody-may-read"


@tool(effect="pure")
async def look(what: str) -> str:
    """Look something up."""
    await anyio.lowlevel.checkpoint()
    return what.upper()


class Main(Agent):
    @handles
    async def on_go(self, go: Go) -> list[str]:
        return list(await self.gather(*[look(str(n)) for n in range(go.n)]))


async def test_a_run_gives_its_output_and_replays_to_the_same_bytes(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    async with Runtime.open(path) as runtime:
        run = await runtime.start(define(Main), Go(5))
        assert await run.result() == ["0", "1", "2", "3", "4"]
        assert run.status == "done"
    result = replayed(path, define(Main))
    assert (result.finished, result.divergence) == (True, None)


async def test_an_error_that_leaves_the_runtime_is_itself_and_not_a_group(tmp_path: Path) -> None:
    class Fails(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            raise ValueError("as it is")

    with pytest.raises(HandlerFailed, match="as it is"):
        async with Runtime.open(tmp_path / "j.db") as runtime:
            await (await runtime.start(define(Fails), Go())).result()


async def test_many_runs_share_a_runtime_and_each_gets_its_own_answers(tmp_path: Path) -> None:
    async with Runtime.open(tmp_path / "j.db") as runtime:
        runs = [await runtime.start(define(Main), Go(n)) for n in range(40)]
        for n, run in enumerate(runs):
            assert len(await run.result()) == n


async def test_events_are_what_is_in_the_journal_in_order_and_end_with_the_end(tmp_path: Path) -> None:
    class Talker(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            for n in range(go.n):
                await self.send("hearer", Note(str(n)))
                await self.sleep(0)

    class Hearer(Agent):
        @handles
        async def on_note(self, note: Note) -> None:
            await self.gather(look(note.text), look("x"))

    path = tmp_path / "j.db"
    async with Runtime.open(path) as runtime:
        run = await runtime.start(define(Talker, Hearer), Go(4))
        events = [event async for event in run.events()]
        rows = runtime.journal.query("SELECT seq, kind, at FROM records WHERE line > 0 ORDER BY seq, line")
    assert isinstance(events[-1], Ended)
    recorded = [event for event in events if isinstance(event, Recorded)]
    told = [(event.seq, event.record.__struct_config__.tag, event.at) for event in recorded]
    assert told == rows[-len(told) :]
    assert [event.record.to for event in recorded if isinstance(event.record, Sent)] == ["hearer"] * 4


async def test_a_cancelled_run_ends_once_its_clean_ups_have(tmp_path: Path) -> None:
    saved: list[str] = []

    @tool(effect="idempotent")
    async def save(what: str) -> None:
        """Save."""
        saved.append(what)

    class Long(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            try:
                await self.sleep(3600)
            finally:
                async with self.cleanup(10):
                    await save("state")

    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Long), Go())
        await run.cancel("enough")
        assert saved == ["state"]
        with pytest.raises(RunCancelled, match="cancelled: enough"):
            await run.result()
        await run.cancel("again: nothing happens")
    assert kinds(tmp_path / "j.db").count("cancel") == 1


async def test_a_cancellation_that_crosses_the_end_of_the_run_changes_nothing(tmp_path: Path) -> None:
    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Main), Go(0))
        await run.cancel("too late, or not")
        ended = await run.wait()
        assert ended.status in ("done", "cancelled")
        assert runtime.journal.find(run.id).status == ended.status


async def test_a_tool_that_takes_too_long_fails_and_the_run_goes_on(tmp_path: Path) -> None:
    @tool(effect="pure", timeout=0.02)
    async def slow() -> None:
        """Take for ever."""
        await anyio.sleep_forever()

    class Waits(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            try:
                await slow()
            except ToolFailed as error:
                return error.what
            return "never"

    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Waits), Go())
        assert await run.result() == "tool slow gave no answer within 0.02 seconds"


async def test_plain_functions_run_in_threads_and_do_not_hold_up_other_runs(tmp_path: Path) -> None:
    release = threading.Event()
    threads: list[int] = []

    @tool(effect="pure")
    def blocks() -> str:
        """Wait for the other run."""
        threads.append(threading.get_ident())
        assert release.wait(30)
        return tool_context().key

    @tool(effect="pure")
    async def frees() -> None:
        """Let the other run go on."""
        release.set()

    class Blocked(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            return str(await blocks())

    class Frees(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await frees()

    async with Runtime.open(tmp_path / "j.db") as runtime:
        blocked = await runtime.start(define(Blocked), Go())
        await (await runtime.start(define(Frees), Go())).result()
        assert await blocked.result() == f"{blocked.id}/blocked/1/0.1"
    assert threads != [threading.get_ident()]


async def test_a_tool_that_returns_something_else_than_it_says_is_a_failure(tmp_path: Path) -> None:
    @tool(effect="pure")
    async def count() -> int:
        """Count."""
        return "many"  # type: ignore[return-value]

    class Counts(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return int(await count())

    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Counts), Go())
        with pytest.raises(ToolFailed, match="returned something else than its annotation says"):
            await run.result()


def test_a_tool_that_raises_a_cancellation_of_its_own_fails_and_does_not_end_the_program(tmp_path: Path) -> None:
    @tool(effect="pure")
    async def odd() -> None:
        """Await a future that somebody has cancelled."""
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        await future

    class Awaits(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await odd()

    async def main() -> str:
        async with Runtime.open(tmp_path / "j.db") as runtime:
            run = await runtime.start(define(Awaits), Go())
            with anyio.fail_after(10):
                return str((await run.wait()).error)

    assert "tool odd raised CancelledError" in anyio.run(main)


async def test_act_calls_any_function_and_refuses_a_result_that_json_cannot_carry(tmp_path: Path) -> None:
    class Acts(Agent):
        @handles
        async def on_go(self, go: Go) -> list[str]:
            found = [str(await self.act(max, 3, go.n))]
            for function in (nan, object):
                try:
                    found.append(str(await self.act(function)))
                except MessageInvalid as error:
                    found.append(type(error).__name__)
            return found

    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Acts), Go(9))
        assert await run.result() == ["9", "MessageInvalid", "MessageInvalid"]


def nan() -> float:
    return float("nan")


class Secretive(Agent):
    @handles
    async def on_note(self, note: Note) -> str:
        found = await leak(note.text)
        try:
            await leak_in_error()
        except ToolFailed as error:
            return f"{found}{error.what}"
        return "never"


@tool(effect="pure")
async def leak(heard: str) -> str:
    """Say a secret."""
    return f"{heard} and {SECRET}"


@tool(effect="pure")
async def leak_in_error() -> str:
    """Fail with a secret."""
    msg = f"no access with {SECRET}"
    raise PermissionError(msg)


async def test_a_secret_is_redacted_before_it_is_recorded_or_heard_by_any_agent(tmp_path: Path) -> None:
    path = tmp_path / "j.db"

    def redact(data: bytes) -> bytes:
        return data.replace(SECRET.encode(), b"[secret]")

    async with Runtime.open(path, redact=redact) as runtime:
        run = await runtime.start(define(Secretive), Note(f"use {SECRET}"))
        output = await run.result()
        assert output == "use [secret] and [secret]tool leak_in_error raised PermissionError: no access with [secret]"
        assert_unknown(SECRET, tmp_path)
    assert_unknown(SECRET, tmp_path)


def assert_unknown(secret: str, folder: Path) -> None:
    for file in folder.iterdir():
        assert secret.encode() not in file.read_bytes(), file


async def test_a_message_that_the_root_does_not_handle_is_refused_before_there_is_a_run(tmp_path: Path) -> None:
    async with Runtime.open(tmp_path / "j.db") as runtime:
        with pytest.raises(UnhandledMessage, match="main does not handle Note; it handles Go"):
            await runtime.start(define(Main), Note())
        assert runtime.journal.runs() == []


class Number(Message):
    value: float


async def test_a_message_that_json_cannot_carry_is_refused_before_there_is_a_run(tmp_path: Path) -> None:
    class Takes(Agent):
        @handles
        async def on_number(self, number: Number) -> None:
            pass

    async with Runtime.open(tmp_path / "j.db") as runtime:
        with pytest.raises(MessageInvalid, match="nan"):
            await runtime.start(define(Takes), Number(float("nan")))
        assert runtime.journal.runs() == []


async def test_a_handler_that_computes_for_long_lets_timers_of_the_run_in(tmp_path: Path) -> None:
    class Echo(Agent):
        @handles
        async def on_note(self, note: Note) -> str:
            return note.text

    class Endless(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            while True:
                await self.ask("echo", Note())

    async with Runtime.open(tmp_path / "j.db") as runtime:
        run = await runtime.start(define(Endless, Echo, slice=100), Go())
        await anyio.sleep(0.01)
        await run.cancel("it never ends")
        assert run.status == "cancelled"
