"""Failures: told to whoever asked, supervised by strategy, never lost."""

from __future__ import annotations

from pathlib import Path

from agentops.errors import AgentOpsError, HandlerFailed
from agentops.kernel.agent import Agent, Restart, handles
from agentops.kernel.records import Crashed, DeadLettered, Quarantined
from agentops.kernel.tool import tool
from agentops.messages import Message
from tests.kernel.driving import Drive


class Go(Message):
    n: int = 3


class Work(Message):
    bad: bool = False


class Spawn(Message):
    pass


@tool(effect="pure")
async def look(what: str) -> str:
    """Look something up."""
    return what


class Main(Agent):
    """Asks the worker as often as wanted, with bad work between good."""

    @handles
    async def on_go(self, go: Go) -> list[str]:
        seen = []
        for _ in range(go.n):
            for bad in (False, True):
                try:
                    seen.append(str(await self.ask("worker", Work(bad))))
                except AgentOpsError as error:
                    seen.append(type(error).__name__)
        return seen


class Worker(Agent):
    def __init__(self) -> None:
        self.done = 0

    @handles
    async def on_work(self, work: Work) -> int:
        self.done += 1
        if work.bad:
            raise ValueError("bad work")
        return self.done


def worker(strategy: Restart) -> type[Agent]:
    return type("Worker", (Worker,), {"on_failure": strategy, "name": "worker", "__module__": __name__})


def actions(drive: Drive) -> list[str]:
    return [crashed.action for crashed in drive.of(Crashed)]


def worker_as_root() -> type[Agent]:
    class Rooted(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            raise ValueError("zero" if go.n else "")

    return Rooted


def test_restart_forgives_and_forgets_the_agents_state() -> None:
    drive = Drive(Main, worker(Restart("restart"))).start(Go(2))
    assert drive.output == ["1", "HandlerFailed", "1", "HandlerFailed"]
    assert actions(drive) == ["restart", "restart"]


def test_resume_forgives_and_keeps_the_agents_state() -> None:
    drive = Drive(Main, worker(Restart("resume"))).start(Go(2))
    assert drive.output == ["1", "HandlerFailed", "3", "HandlerFailed"]


def test_stop_ends_the_agent_and_what_comes_later_is_a_dead_letter() -> None:
    drive = Drive(Main, worker(Restart("stop"))).start(Go(2))
    assert drive.output == ["1", "HandlerFailed", "DeadLetter", "DeadLetter"]
    assert [(dead.to, dead.reason) for dead in drive.of(DeadLettered)] == [("worker", "the agent has stopped")] * 2


def test_escalate_tells_the_asker_and_goes_no_further() -> None:
    drive = Drive(Main, worker(Restart())).start(Go(2))
    assert drive.output == ["1", "HandlerFailed", "1", "HandlerFailed"]
    assert actions(drive) == ["told", "told"]


def test_more_failures_than_forgiven_escalate_whatever_the_strategy() -> None:
    drive = Drive(Main, worker(Restart("restart", at_most=2))).start(Go(3))
    assert drive.failure.type == "RestartLimit"
    assert drive.failure.what.startswith("worker failed more than 2 times in 60 seconds: worker.on_work raised")
    assert actions(drive)[:3] == ["restart", "restart", "escalate"]


def test_failures_that_lie_far_apart_are_forgiven_for_ever() -> None:
    class Patient(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            for _ in range(go.n):
                await self.settle(self.ask("worker", Work(bad=True)))
                await self.sleep(11)
            return "still here"

    drive = Drive(Patient, worker(Restart("restart", at_most=1, within=10))).start(Go(4))
    for _ in range(4):
        drive.later(11)
    assert drive.output == "still here"


def test_a_failure_that_nobody_was_told_fails_the_run() -> None:
    class Sender(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            await self.send("worker", Work(bad=True))
            return "sent"

    drive = Drive(Sender, worker(Restart())).start(Go())
    assert drive.failure.type == "HandlerFailed"
    assert drive.failure.facts["agent"] == "worker"


def test_a_handler_that_failed_is_named_with_its_file_and_line() -> None:
    failure = Drive(worker_as_root()).start(Go()).failure
    assert failure.what == "rooted.on_go raised ValueError: zero"
    line = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if '"zero" if' + " go.n" in text)
    assert failure.facts["line"] == line
    assert failure.hint.endswith(f"test_failing.py, line {line}.")


def test_an_init_that_fails_is_a_failure_of_the_turn_that_needed_the_agent() -> None:
    class Main(Agent):
        def __init__(self) -> None:
            raise KeyError("no config")

        @handles
        async def on_go(self, go: Go) -> None:
            pass

    assert Drive(Main).start(Go()).failure.what == "main.on_go raised KeyError: 'no config'"


def test_escalation_climbs_the_tree_of_supervisors_and_stops_their_children() -> None:
    class Child(Agent):
        @handles
        async def on_work(self, work: Work) -> None:
            raise ValueError("child")

    class Sibling(Agent):
        @handles
        async def on_work(self, work: Work) -> str:
            return str(await look("x"))

    class Parent(Agent):
        on_failure = Restart("restart")

        @handles
        async def on_spawn(self, spawn: Spawn) -> list[str]:
            return [await self.spawn(Child), await self.spawn(Sibling)]

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            child, sibling = await self.ask("parent", Spawn())
            waiting = self.start(self.ask(sibling, Work()))
            await self.sleep(1)
            await self.send(child, Work())
            return "; ".join(str(each) for each in await self.settle(waiting))

    drive = Drive(Main, Parent).start(Go())
    drive.later(1)
    drive.answer("late")
    assert actions(drive) == ["escalate", "restart"]
    assert "sibling-1 was cancelled: its supervisor parent was restarted" in drive.output


def test_a_message_that_fails_again_after_redelivery_is_quarantined() -> None:
    drive = Drive(Main, worker(Restart("resume", redeliver=True))).start(Go(1))
    assert drive.output == ["1", "MessageQuarantined"]
    assert [(each.turn, each.message) for each in drive.of(Quarantined)] == [("worker/3/0", "Work")]
    assert actions(drive) == ["redeliver", "resume"]


def test_a_redelivered_message_keeps_its_place_before_those_that_came_after_it() -> None:
    handled: list[int] = []

    class Worker(Agent):
        on_failure = Restart("restart", redeliver=True)

        @handles
        async def on_go(self, go: Go) -> None:
            handled.append(go.n)
            if handled == [0]:
                raise ValueError

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            for n in range(3):
                await self.send("worker", Go(n))

    assert Drive(Main, Worker).start(Go()).output is None
    assert handled == [0, 0, 1, 2]


def test_a_recursion_without_end_is_told_without_how_deep_it_went() -> None:
    class Main(Agent):
        def dig(self, n: int) -> int:
            return self.dig(n + 1) + 1

        @handles
        async def on_go(self, go: Go) -> int:
            return self.dig(0)

    failure = Drive(Main).start(Go()).failure
    assert failure.what == "main.on_go raised RecursionError: recursion too deep"
    line = next(n for n, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "self.dig(0)" in text)
    assert failure.facts["line"] == line


def test_addresses_are_stripped_from_what_an_error_says() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            raise ValueError(f"no {object()!r}")

    assert Drive(Main).start(Go()).failure.what.endswith("raised ValueError: no <object object at 0x…>")


def test_a_handler_that_asks_for_an_agent_with_no_room_for_mail_is_told() -> None:
    class Tiny(Agent):
        mailbox = 0

        @handles
        async def on_work(self, work: Work) -> None:
            pass

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await self.spawn(Tiny)

    assert Drive(Main).start(Go()).failure.what == "the mailbox of tiny-1 holds 0 messages"


def test_an_errors_type_survives_the_journal() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> str:
            try:
                await self.ask("worker", Work(bad=True))
            except HandlerFailed as error:
                return str(error.agent)
            return "no error"

    assert Drive(Main, worker(Restart())).start(Go()).output == "worker"
