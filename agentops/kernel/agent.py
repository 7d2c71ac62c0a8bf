"""Agents: what a user writes.

::

    class Retriever(Agent):
        '''Finds the passages that bear on a question.'''

        tools = [search_documents]

        @handles
        async def on_question(self, question: Question) -> Evidence:
            passages = await search_documents(question.text)
            return Evidence(question=question.text, passages=passages)

The class is a specification and never changes; an instance is made per run, when the first message arrives, and its
attributes are that agent's state in that run. A handler is found by the annotation of its message. It handles one
message at a time, and reaches outside only by what it awaits: tools, ``self.model``, ``self.ask`` and the rest below.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal, TypeVar, overload

import msgspec

from agentops.errors import AgentDefinitionError, MessageInvalid, RunError
from agentops.kernel import model_loop
from agentops.kernel.acts import act_effect
from agentops.kernel.branches import Branch
from agentops.kernel.cancelling import Shield, Timeout
from agentops.kernel.effects import AskOp, JoinOp, Operation, PublishOp, SendOp, SleepOp, SpawnOp
from agentops.kernel.gate import EffectClass
from agentops.kernel.process import Handler, Process
from agentops.kernel.records import Decided
from agentops.kernel.rng import Random
from agentops.kernel.tool import Tool
from agentops.messages import Ask, Message, codec

__all__ = ["Agent", "AgentSpec", "Restart", "handles"]

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Restart(msgspec.Struct, frozen=True):
    """What becomes of an agent whose handler raises. The asker of the message, if any, is told in every case.

    - ``escalate`` (default): the agent starts afresh; a failure that no asker was told goes to the agent's
      supervisor, and in the end fails the run.
    - ``restart``: the agent starts afresh and the failure is forgiven.
    - ``resume``: the agent keeps its state and the failure is forgiven.
    - ``stop``: the agent ends; messages to it are dead letters.

    More than ``at_most`` failures ``within`` so many seconds escalate whatever the strategy. With ``redeliver`` the
    message is handled once more, completed effects being reused; a second failure quarantines it.
    """

    strategy: Literal["escalate", "restart", "resume", "stop"] = "escalate"
    at_most: int = 3
    within: float = 60.0
    redeliver: bool = False


class AgentSpec(msgspec.Struct, frozen=True):
    """An agent as a run is built from it: a class, and what this run says differently."""

    cls: type[Agent]
    name: str
    instructions: str
    model: str = ""
    """Full model name (``openai/...``); empty: the run's."""
    parent: str = ""
    """Name of the agent that supervises it; empty: the run's own supervisor."""


def handles(function: F) -> F:
    """Mark a method as the handler of the message type that its parameter is annotated with."""
    if not inspect.iscoroutinefunction(function):
        msg = f"@handles goes onto an async method, and {function.__qualname__} is not one"
        raise AgentDefinitionError(msg, hint=f"Write: async def {function.__name__}(self, message: ...) -> ...")
    function.__agentops_handler__ = True  # type: ignore[attr-defined]
    return function


class Agent:
    """Base of all agents. Class attributes are the specification; instance attributes are state within one run."""

    name: ClassVar[str] = ""
    """Name in a run; default: the class name in kebab case (``FactChecker`` -> ``fact-checker``)."""
    instructions: ClassVar[str] = ""
    """What a model is told about its role; default: the class docstring."""
    tools: ClassVar[Sequence[Tool[..., Any]]] = ()
    accepts: ClassVar[type[Message] | None] = None
    """For an agent without handlers: the message that it turns into a prompt."""
    returns: ClassVar[Any] = str
    """For an agent without handlers: the type of its answers."""
    uses_model: ClassVar[str] = ""
    mailbox: ClassVar[int] = 1024
    """How many messages may wait; a sender beyond that waits itself."""
    on_failure: ClassVar[Restart] = Restart()
    topics: ClassVar[Sequence[str]] = ()
    """Topics whose published messages it gets."""

    _process: Process

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" not in cls.__dict__:
            cls.name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", cls.__name__).lower()
        if "instructions" not in cls.__dict__ and "__doc__" in cls.__dict__:
            cls.instructions = inspect.cleandoc(cls.__doc__ or "")

    @classmethod
    def spec(cls, *, name: str = "", instructions: str = "", model: str = "", parent: str = "") -> AgentSpec:
        """This agent for a run, with what differs there."""
        return AgentSpec(cls, name or cls.name, instructions or cls.instructions, model or cls.uses_model, parent)

    @classmethod
    def handlers(cls) -> dict[type, Handler]:
        """Its handlers by message type, checked; `AgentDefinitionError` says what is wrong with which."""
        cached = cls.__dict__.get("_handlers")
        if cached is None:
            cached = _find_handlers(cls)
            cls._handlers = cached  # type: ignore[attr-defined]
        return typing.cast("dict[type, Handler]", cached)

    # --- other agents -----------------------------------------------------------------------------------------

    @overload
    def ask(self, to: str, message: Ask[T]) -> Awaitable[T]: ...
    @overload
    def ask(self, to: str, message: Message) -> Awaitable[Any]: ...
    def ask(self, to: str, message: Message) -> Awaitable[Any]:
        """Send ``message`` to the agent named ``to`` and wait for what its handler returns.

        Raises what the handler raised: an agentops error as it is, anything else as `HandlerFailed`. An unknown
        recipient, a type that it does not handle, a cycle of agents that wait for each other: an error at once.
        """
        return self._made(AskOp(to, message))

    def send(self, to: str, message: Message) -> Awaitable[None]:
        """Send ``message`` and go on; waits only while the recipient's mailbox is full."""
        return self._made(SendOp(to, message))

    def publish(self, topic: str, message: Message, *, optional: bool = False) -> Awaitable[int]:
        """Send ``message`` to every agent that listens to ``topic``; comes back with their number.

        A message that nobody listens to is a dead letter, and an error unless ``optional``.
        """
        return self._made(PublishOp(topic, message, optional=optional))

    def spawn(self, agent: type[Agent] | AgentSpec, *, name: str = "") -> Awaitable[str]:
        """Bring another agent into being, supervised by this one; comes back with its name."""
        spec = agent if isinstance(agent, AgentSpec) else agent.spec()
        return self._made(SpawnOp(spec, name))

    # --- side by side -----------------------------------------------------------------------------------------

    def start(self, awaitable: Awaitable[T]) -> Branch[T]:
        """Run ``awaitable`` beside this code. ``await`` the branch for its result; the turn ends after it."""
        return Branch(self._process.world, awaitable)

    async def gather(self, *awaitables: Awaitable[Any]) -> list[Any]:
        """All results, in argument order. The first failure cancels the others and is raised."""
        return typing.cast("list[Any]", await JoinOp([self.start(one) for one in awaitables], "all", owns=True))

    async def settle(self, *awaitables: Awaitable[Any]) -> list[Any]:
        """All results, in argument order; a failed one's exception stands in its place."""
        return typing.cast("list[Any]", await JoinOp([self.start(one) for one in awaitables], "settle", owns=True))

    async def first(self, *awaitables: Awaitable[Any]) -> tuple[int, Any]:
        """Index and result of the first to complete; the others are cancelled. Ties go to argument order."""
        if not awaitables:
            raise RunError("first() was given nothing to wait for", hint="Ask whether there is anything before.")
        found = await JoinOp([self.start(one) for one in awaitables], "first", owns=True)
        return typing.cast("tuple[int, Any]", found)

    # --- time, chance, cancellation -----------------------------------------------------------------------------

    def sleep(self, seconds: float) -> Awaitable[None]:
        """Wait; the run's clock is the journal's, so a replay does not."""
        return self._made(SleepOp(seconds))

    def timeout(self, seconds: float) -> Timeout:
        """``async with self.timeout(5):`` cancels what is inside when the time is up and raises `TimedOut`."""
        return Timeout(seconds)

    def cleanup(self, seconds: float) -> Shield:
        """``async with self.cleanup(5):`` lets effects through although the handler is being cancelled."""
        return Shield(seconds)

    def now(self) -> datetime:
        """The time of the delivery being handled, UTC. The same on replay."""
        return _EPOCH + timedelta(microseconds=self._process.world.now)

    @property
    def random(self) -> Random:
        """This agent's own random stream, seeded from the run's id and its name. The same on replay."""
        return self._process.random

    # --- decisions, models, anything else -------------------------------------------------------------------------

    def decide(self, question: str, *, options: Sequence[str], chosen: str, because: str = "") -> str:
        """Put a choice on record: what was asked, between what, what was chosen and why. Returns ``chosen``."""
        world = self._process.world
        said = (question, *options, chosen, because)
        if not all(isinstance(each, str) for each in said):
            raise MessageInvalid(f"a decision is told in text, not by {said!r}", hint="Write str(...) around it.")
        codec(tuple[str, ...]).encode(said)
        world.record(Decided(world.next_id(), question, tuple(options), chosen, because, self._process.name))
        return chosen

    @overload
    async def model(
        self,
        prompt: str,
        *,
        returns: type[T],
        material: Any = ...,
        tools: Sequence[Tool[..., Any]] | None = ...,
        max_output_tokens: int = ...,
        temperature: float | None = ...,
        rounds: int = ...,
    ) -> T: ...
    @overload
    async def model(
        self,
        prompt: str,
        *,
        material: Any = ...,
        tools: Sequence[Tool[..., Any]] | None = ...,
        max_output_tokens: int = ...,
        temperature: float | None = ...,
        rounds: int = ...,
    ) -> str: ...
    async def model(
        self,
        prompt: str,
        *,
        returns: Any = str,
        material: Any = None,
        tools: Sequence[Tool[..., Any]] | None = None,
        max_output_tokens: int = 2048,
        temperature: float | None = None,
        rounds: int = 8,
    ) -> Any:
        """Ask the model, letting it use tools, until it answers with a ``returns``.

        ``material`` is what the prompt is about (messages, lists of them): data, shown to the model fenced and
        labelled as such. ``tools`` default to the agent's own. At most ``rounds`` calls of the model are made; each
        is a checked, recorded effect, and so is each tool call. Raises `ModelFailed` when no answer of that type
        came, and whatever the supervisor refused with.
        """
        options = model_loop.Options(
            returns=returns,
            tools=tuple(self.tools if tools is None else tools),
            max_output_tokens=max_output_tokens,
            temperature=temperature,
            rounds=rounds,
        )
        return await model_loop.converse(self._process, prompt, material, options)

    def act(self, function: Callable[..., Any], *args: Any, effect: EffectClass = "irreversible") -> Awaitable[Any]:
        """Call any function as an effect, named by module and function; the policy must allow ``act:module.name``.

        Its result is recorded as JSON. Plain functions run in a thread. Closures and lambdas are refused: what they
        hold would not be on record.
        """
        return self._made(act_effect(function, args, effect))

    @property
    def budget_left(self) -> dict[str, int | None]:
        """What the tightest budget over this agent leaves, by unit; None: unlimited."""
        return self._process.world.gate.left(self._process.name)

    def _made(self, operation: Operation) -> Awaitable[Any]:
        self._process.world.made(operation)
        return operation


def _find_handlers(cls: type[Agent]) -> dict[type, Handler]:
    found: dict[type, Handler] = {}
    for name, function in inspect.getmembers(cls, inspect.isfunction):
        if getattr(function, "__agentops_handler__", False):
            handler = _read_handler(cls, name, function)
            if handler.accepts.kind in found:
                other = found[handler.accepts.kind].name
                msg = f"{cls.__name__} has two handlers for {handler.accepts.name}: {name}, {other}"
                raise AgentDefinitionError(msg, hint="Keep one; a handler may branch inside.")
            found[handler.accepts.kind] = handler
    if cls.accepts is not None and cls.accepts not in found:
        answer = codec(cls.returns)
        found[cls.accepts] = Handler("instructions", model_loop.prompt_only, codec(cls.accepts), answer)
    return found


def _read_handler(cls: type[Agent], name: str, function: Callable[..., Any]) -> Handler:
    where = f"{cls.__name__}.{name}"
    parameters = list(inspect.signature(function).parameters.values())
    if len(parameters) != 2:
        msg = f"handler {where} takes {len(parameters) - 1} arguments besides self"
        raise AgentDefinitionError(msg, hint=f"Write: async def {name}(self, message: SomeMessage) -> SomeAnswer")
    try:
        hints = typing.get_type_hints(function)
    except NameError as error:
        msg = f"handler {where}: an annotation names something unknown: {error}"
        hint = "Import it, or define it, at the top level of the module; not inside a function or TYPE_CHECKING."
        raise AgentDefinitionError(msg, hint=hint) from error
    kind = hints.get(parameters[1].name)
    if not (isinstance(kind, type) and issubclass(kind, Message)):
        said = "has no annotation" if kind is None else f"is annotated {kind!r}, which is not a Message"
        msg = f"handler {where}: its parameter {parameters[1].name!r} {said}"
        raise AgentDefinitionError(msg, hint="Annotate it with one class that derives from agentops.Message.")
    if "return" not in hints:
        msg = f"handler {where} does not say what it returns"
        raise AgentDefinitionError(msg, hint="Annotate the answer's type, or -> None.")
    return Handler(name, function, codec(kind), codec(hints["return"]))
