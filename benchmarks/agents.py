"""The agents that are measured: as small as they can be, so that what is measured is the runtime."""

from __future__ import annotations

from agentops import Agent, Ask, Message, handles, tool


class Go(Message):
    """How often."""

    n: int


class Pong(Message):
    """An answer."""

    n: int


class Ping(Ask[Pong]):
    """A question."""

    n: int


class Note(Message):
    """Something published."""

    n: int


class Payload(Message):
    """What a durable step carries."""

    text: str


class Echo(Agent):
    """Answers."""

    @handles
    async def on_ping(self, ping: Ping) -> Pong:
        """One more."""
        return Pong(ping.n + 1)


class Asker(Agent):
    """Asks and asks."""

    @handles
    async def on_go(self, go: Go) -> int:
        """Ping-pong ``n`` times."""
        n = 0
        for _ in range(go.n):
            n = (await self.ask("echo", Ping(n))).n
        return n


class Listener(Agent):
    """Listens."""

    topics = ("news",)

    @handles
    async def on_note(self, note: Note) -> None:
        """Hear it."""


class Publisher(Agent):
    """Publishes."""

    @handles
    async def on_go(self, go: Go) -> int:
        """Publish ``n`` times."""
        count = 0
        for n in range(go.n):
            count += await self.publish("news", Note(n))
        return count


class Stage(Agent):
    """A step of a pipeline: hands on."""

    @handles
    async def on_ping(self, ping: Ping) -> Pong:
        """One more."""
        return Pong(ping.n + 1)


class Pipeline(Agent):
    """Four steps, one after another."""

    @handles
    async def on_go(self, go: Go) -> int:
        """Through all four, ``n`` times."""
        n = 0
        for _ in range(go.n):
            for name in ("one", "two", "three", "four"):
                n = (await self.ask(name, Ping(n))).n
        return n


@tool(effect="pure", timeout=None)
async def fetch(n: int) -> str:
    """Answer with 256 bytes."""
    return f"{n:0256d}"


class Stepper(Agent):
    """One durable step after another."""

    @handles
    async def on_go(self, go: Go) -> int:
        """Fetch ``n`` times."""
        for n in range(go.n):
            await fetch(n)
        return go.n
