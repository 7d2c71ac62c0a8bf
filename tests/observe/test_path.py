"""The decision path of recorded runs: everything that happened, where it was made."""

from __future__ import annotations

from pathlib import Path

import msgspec

from agentops import Agent, Ask, Message, Restart, handles, tool
from agentops.errors import PermissionDenied
from agentops.kernel.gate import Admission, Amount, OpenGate, Proposal
from agentops.observe.costs import by_agent, usage
from agentops.observe.tree import draw
from tests.observe.recording import outline, record, steps_of


class Answer(Message):
    text: str


class Question(Ask[Answer]):
    text: str


class Note(Message):
    text: str


@tool(effect="pure")
async def look(name: str) -> str:
    """Look something up."""
    return f"seen {name}"


@tool(effect="pure")
async def forbidden(name: str) -> str:
    """Never allowed here."""
    return name


class Helper(Agent):
    """Looks and tells."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        return Answer(await look(question.text))


class Boss(Agent):
    """Asks, side by side and one after another."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        first, second = await self.gather(
            self.ask("helper", Question("a")), self.ask("helper", Question(question.text * 3000))
        )
        self.decide("which is better?", options=("first", "second"), chosen="first", because="it is shorter")
        del second
        said = await self.model("say it")
        return Answer(f"{first.text} {said}")


class Priced(OpenGate):
    """Reserves for model calls, and refuses one tool."""

    def admit(self, proposal: Proposal) -> Admission:
        if proposal.name == "forbidden":
            error = PermissionDenied("no", rule="never")
            return Admission("deny", "never", error=error)
        reserved = Amount(money=1500, tokens=100, model_calls=1) if proposal.kind == "model" else Amount(tool_calls=1)
        return Admission("allow", "test", reserved=reserved)


def test_a_turn_stands_below_the_message_it_handles(tmp_path: Path) -> None:
    """Two questions asked at once are handled in two turns, each with its own tool call below it."""
    _, root = record(tmp_path / "j.db", [Boss, Helper], Question("long "))
    (boss,) = steps_of(root, "start")
    first, second = steps_of(boss, "ask")
    assert [first.facts["turn"], second.facts["turn"]] == ["helper/1", "helper/2"]
    assert [step.facts["arguments"]["name"][:5] for step in (*steps_of(first, "tool"), *steps_of(second, "tool"))] == [
        "a",
        "long ",
    ]
    assert [step.kind for step in boss.steps] == ["ask", "ask", "decided", "model"]
    assert [step.kind for step in root.steps] == ["start", "finished"]


def test_large_values_are_loaded_and_drawn_short(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Boss, Helper], Question("long "))
    asked = steps_of(root, "ask")[1]
    assert asked.facts["body"]["text"] == "long " * 3000
    assert asked.facts["answer"]["text"].startswith("seen long")
    text = draw(root, width=100)
    assert max(len(line) for line in text.splitlines()) <= 100
    assert len(text) < 3000
    assert "long " * 2000 in draw(root, width=100_000, full=True)


def test_a_decision_is_told_with_what_was_not_chosen_and_why(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Boss, Helper], Question("x"))
    assert "DECIDES which is better? → first (not second) — it is shorter" in draw(root)


def test_the_path_is_plain_json(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Boss, Helper], Question("x"))
    plain = msgspec.json.decode(msgspec.json.encode(root))
    assert plain["facts"]["status"] == "done"
    assert plain["steps"][0]["steps"][0]["kind"] == "ask"


def test_what_was_used_is_summed_by_run_and_by_agent(tmp_path: Path) -> None:
    blocks, _ = record(tmp_path / "j.db", [Boss, Helper], Question("x"), gate=Priced)
    used = by_agent(blocks)
    assert used.totals == usage(blocks)
    assert used.totals.text() == "1 model call, 2 tool calls, 100 tokens, $0.0015"
    assert used.agents["helper"].tool_calls == 2
    assert used.agents["boss"].money == 1500
    assert used.totals.plain()["dollars"] == 0.0015


def test_a_call_that_nobody_priced_counts_the_tokens_that_were_reported(tmp_path: Path) -> None:
    blocks, _ = record(tmp_path / "j.db", [Boss, Helper], Question("x"))
    assert usage(blocks).tokens == 15


class Stubborn(Agent):
    """Tries what is refused, then goes on."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        try:
            await forbidden(question.text)
        except PermissionDenied:
            self.decide("then?", options=("give up", "go on"), chosen="go on")
        said = await self.model("fail first")
        return Answer(said)


def test_refusals_and_second_attempts_are_on_the_path(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Stubborn], Question("x"), gate=Priced)
    (start,) = steps_of(root, "start")
    assert [step.kind for step in start.steps] == ["denied", "decided", "model", "retry", "model"]
    text = draw(root)
    assert 'REFUSED tool forbidden(name="x") · by never: no' in text
    assert "tries again (attempt 2)" in text
    assert [step.facts["status"] for step in steps_of(root, "model")] == ["error", "ok"]


class Crier(Agent):
    """Publishes, spawns and sends."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        await self.publish("news", Note(question.text))
        name = await self.spawn(Helper)
        return await self.ask(name, Question("late"))


class Listener(Agent):
    """Listens."""

    topics = ("news",)

    @handles
    async def on_note(self, note: Note) -> None:
        self.decide("keep it?", options=("yes", "no"), chosen="yes", because=note.text)


class Other(Listener):
    """Listens too."""

    topics = ("news",)


def test_what_is_published_has_a_turn_of_each_listener_below_it(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Crier, Listener, Other], Question("hear"))
    (published,) = steps_of(root, "publish")
    assert outline(published) == ["publish", ["turn", "decided"], ["turn", "decided"]]
    assert [step.agent for step in published.steps] == ["listener", "other"]


def test_an_agent_that_is_spawned_appears_where_it_was_spawned(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Crier, Listener], Question("hear"))
    (start,) = steps_of(root, "start")
    assert [step.kind for step in start.steps] == ["publish", "spawned", "ask"]
    assert [each["agent"] for each in root.facts["agents"]] == ["crier", "listener"]
    assert steps_of(start, "ask")[0].facts["turn"] == "helper-1/1"


class Flaky(Agent):
    """Fails once, and is given the message again."""

    on_failure = Restart("resume", redeliver=True)
    tries = 0

    @handles
    async def on_question(self, question: Question) -> Answer:
        said = await look(question.text)
        self.tries += 1
        if self.tries == 1:
            msg = "not yet"
            raise ValueError(msg)
        return Answer(said)


def test_a_redelivered_message_is_followed_through_both_turns(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Flaky], Question("x"))
    (start,) = steps_of(root, "start")
    assert [step.kind for step in start.steps] == ["tool", "crashed", "reused"]
    assert "the message is handled once more" in draw(root)


class Impatient(Agent):
    """Gives up waiting, and asks again."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        try:
            async with self.timeout(0.01):
                await self.ask("sleeper", Question("first"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the second question counts
            self.decide("again?", options=("yes", "no"), chosen="yes", because=type(error).__name__)
        return await self.ask("sleeper", Question("second"))


class Sleeper(Agent):
    """Is slow at first."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        if question.text == "first":
            await self.sleep(30)
        return Answer(await look(question.text))


def test_a_turn_that_was_cancelled_is_told_and_the_next_is_not_mistaken_for_it(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Impatient, Sleeper], Question("x"))
    first, second = steps_of(root, "ask")
    assert [step.kind for step in first.steps] == ["halted"]
    assert [step.kind for step in second.steps] == ["tool"]
    assert steps_of(root, "timeout")


class Fails(Agent):
    """Fails."""

    @handles
    async def on_question(self, question: Question) -> Answer:
        msg = "a \x1b[31mred\u202e herring"
        raise ValueError(msg)


def test_a_failed_run_ends_in_its_error_and_nothing_from_a_record_reaches_the_terminal_raw(tmp_path: Path) -> None:
    _, root = record(tmp_path / "j.db", [Fails], Question("x"))
    text = draw(root)
    assert "FAILS HandlerFailed" in text
    assert text.splitlines()[-1].lstrip("└─ ").startswith("failed: HandlerFailed") or "failed: HandlerFailed" in text
    assert "\\x1b[31mred\\u202e herring" in text
    assert "\x1b" not in text
    assert "\u202e" not in text
