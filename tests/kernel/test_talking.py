"""Agents talk: ask, send, publish, spawn; what is wrong is an error at once."""

from __future__ import annotations

import pytest

from agentops.errors import AgentDefinitionError
from agentops.kernel.agent import Agent, handles
from agentops.kernel.records import Asked, DeadLettered, Published, Replied
from agentops.messages import Ask, Message
from tests.kernel.driving import Drive


class Pong(Message):
    n: int


class Ping(Ask[Pong]):
    n: int


class Note(Message):
    text: str


class Go(Message):
    n: int = 3


class Items(Message):
    values: list[int]


class Echo(Agent):
    @handles
    async def on_ping(self, ping: Ping) -> Pong:
        return Pong(ping.n + 1)


class Listener(Agent):
    topics = ("news",)

    def __init__(self) -> None:
        self.heard: list[str] = []

    @handles
    async def on_note(self, note: Note) -> None:
        self.heard.append(note.text)

    @handles
    async def on_go(self, go: Go) -> list[str]:
        return self.heard[: go.n]


def test_ask_comes_back_with_what_the_handler_returned() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            pong = Pong(0)
            for _ in range(go.n):
                pong = await self.ask("echo", Ping(pong.n))
            return pong.n

    drive = Drive(Main, Echo).start(Go(5))
    assert drive.output == 5
    assert len(drive.of(Asked)) == len([each for each in drive.of(Replied) if each.id != "run"]) == 5


def test_sent_messages_arrive_in_the_order_in_which_they_were_sent() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> list[str]:
            for n in range(go.n):
                await self.send("listener", Note(str(n)))
            return list(await self.ask("listener", go))

    assert Drive(Main, Listener).start(Go(4)).output == ["0", "1", "2", "3"]


def test_a_sender_waits_while_the_mailbox_is_full_and_order_is_kept() -> None:
    class Slow(Listener):
        mailbox = 2

        @handles
        async def on_note(self, note: Note) -> None:
            await self.sleep(1)
            self.heard.append(note.text)

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> list[str]:
            for n in range(6):
                await self.send("slow", Note(str(n)))
                self.sent = n
            return list(await self.ask("slow", Go(99)))

    drive = Drive(Main, Slow).start(Go())
    assert drive.kernel.world.processes["main"].agent.sent == 2  # one at work, two in the mailbox, the fourth waits
    assert drive.run(lambda _: None).output == ["0", "1", "2", "3", "4", "5"]


def test_a_publication_is_one_record_whatever_the_number_of_recipients() -> None:
    class Other(Listener):
        pass

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return await self.publish("news", Note("x"))

    drive = Drive(Main, Listener, Other).start(Go())
    assert drive.output == 2
    assert [each.recipients for each in drive.of(Published)] == [2]


def test_a_publication_that_nobody_listens_to_is_a_dead_letter_and_an_error() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return await self.publish("weather", Note("x"))

    drive = Drive(Main, Listener).start(Go())
    assert drive.failure.type == "DeadLetter"
    assert drive.of(DeadLettered)


def test_an_unknown_recipient_is_an_error_with_a_suggestion() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await self.ask("ecko", Ping(1))

    drive = Drive(Main, Echo).start(Go())
    assert drive.failure.type == "UnknownRecipient"
    assert "Did you mean 'echo'?" in drive.failure.hint


def test_a_message_that_the_recipient_does_not_handle_is_an_error_with_the_fix() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await self.send("echo", Note("x"))

    drive = Drive(Main, Echo).start(Go())
    assert drive.failure.type == "UnhandledMessage"
    assert "@handles async def on_note(self, message: Note)" in drive.failure.hint


@pytest.mark.parametrize("value", ["three", None, 1.5])
def test_a_field_of_the_wrong_type_is_an_error_where_it_is_sent(value: object) -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> None:
            await self.ask("echo", Ping(value))  # type: ignore[arg-type]

    drive = Drive(Main, Echo).start(Go())
    assert drive.failure.type == "MessageInvalid"
    assert "`$.n`" in drive.failure.what


def test_an_answer_of_another_type_than_annotated_is_an_error() -> None:
    class Liar(Agent):
        @handles
        async def on_ping(self, ping: Ping) -> Pong:
            return Note("x")  # type: ignore[return-value]

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return (await self.ask("liar", Ping(1))).n

    assert "returned Note, not Pong" in Drive(Main, Liar).start(Go()).failure.what


def test_what_the_sender_changes_after_sending_does_not_arrive() -> None:
    class Keeper(Agent):
        @handles
        async def on_items(self, items: Items) -> None:
            self.kept = items

        @handles
        async def on_go(self, go: Go) -> list[int]:
            return self.kept.values

    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> list[int]:
            values = [1, 2]
            await self.send("keeper", Items(values))
            values.append(3)
            return list(await self.ask("keeper", Go()))

    assert Drive(Main, Keeper).start(Go()).output == [1, 2]


def test_spawned_agents_get_their_own_names_and_state() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> list[str]:
            names = [await self.spawn(Listener) for _ in range(go.n)]
            await self.send(names[0], Note("only the first"))
            return [*names, *(await self.ask(names[0], Go())), *(await self.ask(names[1], Go()))]

    assert Drive(Main).start(Go(2)).output == ["listener-1", "listener-2", "only the first"]


def test_handlers_are_checked_when_they_are_declared() -> None:
    class NoAnnotation(Agent):
        @handles
        async def on_x(self, message) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            pass

    class NoReturn(Agent):
        @handles
        async def on_x(self, message: Note):  # type: ignore[no-untyped-def]  # noqa: ANN202
            pass

    with pytest.raises(AgentDefinitionError, match="parameter 'message' has no annotation"):
        NoAnnotation.handlers()
    with pytest.raises(AgentDefinitionError, match="does not say what it returns"):
        NoReturn.handlers()
    with pytest.raises(AgentDefinitionError, match="is not one"):
        handles(lambda _self, _message: None)  # type: ignore[type-var]


def test_agents_that_would_wait_for_each_other_fail_at_once_with_the_circle() -> None:
    class Left(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return int(await self.ask("right", go))

    class Right(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return int(await self.ask("left", go))

    drive = Drive(Left, Right).start(Go())
    assert drive.failure.type == "Deadlock"
    assert drive.failure.facts["cycle"] == ["right", "left", "right"]


def test_an_agent_that_asks_itself_is_a_deadlock() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            return int(await self.ask("main", go))

    assert Drive(Main).start(Go()).failure.facts["cycle"] == ["main", "main"]


def test_full_mailboxes_in_a_circle_are_a_deadlock_that_names_who_waits() -> None:
    class Left(Agent):
        mailbox = 1

        @handles
        async def on_go(self, go: Go) -> None:
            await self.send("right", Note("start"))
            for n in range(9):
                await self.send("right", Note(str(n)))

        @handles
        async def on_note(self, note: Note) -> None:
            pass

    class Right(Agent):
        mailbox = 1

        @handles
        async def on_note(self, note: Note) -> None:
            for _ in range(9):
                await self.send("left", note)

    drive = Drive(Left, Right).start(Go())
    assert drive.failure.type == "Deadlock"
    assert "left waits for room in right's mailbox" in drive.failure.what


def test_a_long_conversation_is_cut_into_slices_and_comes_out_the_same() -> None:
    class Main(Agent):
        @handles
        async def on_go(self, go: Go) -> int:
            n = 0
            while n < go.n:
                n = (await self.ask("echo", Ping(n))).n
            return n

    drive = Drive(Main, Echo, slice=50).start(Go(500))
    assert drive.output == 500
    assert len(drive.blocks) > 10
    assert drive.again(Main, Echo, slice=50) == drive.blocks
