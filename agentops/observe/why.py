"""Why an answer says what it says: from a claim back through what it names to the spans of the sources.

Nothing here knows the stock agents. A claim is an object of the output; what it names are the ids, in its fields, of
objects that its author had to work with; and each of those was first said somewhere, by an agent, a tool, or whoever
started the run. Following that until a tool or the input is reached gives the chain, from the record alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from agentops.observe.said import Conversation, Said
from agentops.observe.steps import Step

__all__ = ["Reason", "Span", "claims_of", "led_to", "why"]

_DEPTH: Final = 40
_EFFECTS: Final = frozenset({"tool", "act", "person"})
_BASES: Final = ("citations", "findings", "evidence", "sources")
_LEADING: Final = frozenset(
    "start external ask send publish turn model tool act person approval denied crashed finished".split()
)


class Span(msgspec.Struct, frozen=True):
    """Characters ``start`` to ``end`` of a document, and what stands there, as it was delivered in the run."""

    document: str
    start: int
    end: int
    text: str = ""

    @property
    def where(self) -> str:
        """As citations are written."""
        return f"{self.document}:{self.start}-{self.end}"


class Reason(msgspec.Struct):
    """A link of the chain, with what it rests on behind it.

    ``kind``: ``claim``; ``item`` (an object that an agent made); ``source`` (one that a tool gave); ``call`` (that
    tool's); ``message`` (because of which it was called); ``input`` (what the run was asked).
    """

    kind: str
    name: str
    """An object's id, a tool's name, a message's type."""
    text: str = ""
    by: str = ""
    """The agent that said it, or made the call."""
    at: str = ""
    """The path of the message, or of the call, that holds it: found again in agentops runs show --json."""
    model: str = ""
    """The model whose answer holds the same words, and the path of that call."""
    value: Any = None
    """Of a call its arguments, of a message its body."""
    rule: str = ""
    spans: list[Span] = msgspec.field(default_factory=list)
    because: list[Reason] = msgspec.field(default_factory=list)

    def sources(self) -> list[Span]:
        """The spans that it comes down to, each once."""
        found = {span.where: span for span in self.spans}
        for reason in self.because if not found else ():
            found |= {span.where: span for span in reason.sources()}
        return list(found.values())


def claims_of(output: Any) -> list[dict[str, Any]]:
    """The claims of an output: its ``claims``, else every object in it with a text and something it rests on."""
    listed = output.get("claims") if isinstance(output, dict) else None
    if isinstance(listed, list) and listed and all(isinstance(each, dict) for each in listed):
        return listed
    return [
        each for each in _objects(output) if isinstance(each.get("text"), str) and any(base in each for base in _BASES)
    ]


def why(conversation: Conversation) -> list[Reason]:
    """The reason of each claim of a run's output, in order; none where the output claims nothing."""
    tracer = _Tracer(conversation)
    return [tracer.claim(each) for each in claims_of(conversation.output)]


def led_to(root: Step) -> Step:
    """A decision path without all but the messages, the calls and what stopped them."""
    below = [led_to(each) for each in root.steps if each.kind in _LEADING]
    return msgspec.structs.replace(root, steps=below)


class _Tracer:
    """Looks things up in a conversation; what it has taken apart once, it keeps."""

    def __init__(self, conversation: Conversation) -> None:
        self._talk = conversation
        self._items: dict[int, list[dict[str, Any]]] = {}
        self._firsts: dict[Any, Said] = {}
        """What an object is known by -> where it was first said."""
        self._passages: list[dict[str, Any]] = []
        for said in conversation.said:
            for item in self._of(said):
                self._firsts.setdefault(_known_by(item), said)
                if _is_passage(item):
                    self._passages.append(item)

    def claim(self, value: dict[str, Any]) -> Reason:
        """The reason of one claim."""
        made = self._made(value, self._first(value), frozenset())
        return msgspec.structs.replace(made, kind="claim")

    def _made(self, value: dict[str, Any], origin: Said | None, above: frozenset[int]) -> Reason:
        """The reason of an object that was first said in ``origin``; ``above``: those it is a reason of."""
        name, text = str(value.get("id", "")), str(value.get("text", ""))
        spans = [self._span(each) for each in _citations(value)]
        if origin is None:
            return Reason("item", name, text, spans=spans)
        reason = Reason("item", name, text, origin.agent, origin.id, spans=spans)
        if origin.kind in _EFFECTS:
            reason.kind = "source"
            reason.spans = spans or ([_whole(value)] if _is_passage(value) else [])
            reason.because = [self._call(origin)]
            return reason
        reason.model = self._worded(origin, text)
        if origin.turn and id(value) not in above and len(above) < _DEPTH:
            inside = above | {id(value)}
            reason.because = [self._below(value, each, inside) for each in self._rests_on(value, origin.turn)]
        reason.because = reason.because or [self._asked(origin.turn)]
        return reason

    def _below(self, value: dict[str, Any], named: dict[str, Any], above: frozenset[int]) -> Reason:
        reason = self._made(named, self._first(named), above)
        if reason.kind == "source" and _is_passage(named):
            inside = [self._span(each) for each in _citations(value) if _within(each, named)]
            reason.spans = inside or reason.spans
        return reason

    # --- what it rests on ---------------------------------------------------------------------------------------

    def _rests_on(self, value: dict[str, Any], turn: str) -> list[dict[str, Any]]:
        """The objects whose ids it names, of those that its author had; else the passages that it cites."""
        wanted = dict.fromkeys(_names(value))
        best: dict[str, tuple[int, dict[str, Any]]] = {}
        cited: dict[str, dict[str, Any]] = {}
        for said in self._talk.had(turn):
            for item in self._of(said):
                name = item.get("id")
                if isinstance(name, str) and name in wanted and item != value:
                    likeness = _likeness(item, value)
                    if name not in best or likeness > best[name][0]:
                        best[name] = (likeness, item)
                if _is_passage(item) and any(_within(each, item) for each in _citations(value)):
                    cited.setdefault(_whole(item).where, item)
        return [best[name][1] for name in wanted if name in best] or list(cited.values())

    def _first(self, value: dict[str, Any]) -> Said | None:
        """Where an object was first said: the same id and text, or the same in all."""
        return self._firsts.get(_known_by(value))

    def _of(self, said: Said) -> list[dict[str, Any]]:
        """The objects in a value; a model's answer is text, and what code made of it is said elsewhere."""
        key = id(said)
        if key not in self._items:
            self._items[key] = [] if said.kind == "model" else list(_objects(said.value))
        return self._items[key]

    def _worded(self, origin: Said, text: str) -> str:
        """The model call in a turn whose answer holds the text; empty: no model's words."""
        escaped = msgspec.json.encode(text.strip()).decode()[1:-1]
        for said in self._talk.called(origin.turn):
            answer = said.value.get("text", "") if said.kind == "model" and isinstance(said.value, dict) else ""
            if text.strip() and (text.strip() in answer or escaped in answer):
                return f"{said.name} ({said.id})"
        return ""

    def _span(self, citation: dict[str, Any]) -> Span:
        """A citation with its words, where a passage that was delivered holds them."""
        document, start, end = citation["document"], citation["start"], citation["end"]
        for passage in self._passages:
            if _within(citation, passage):
                return Span(document, start, end, passage["text"][start - passage["start"] : end - passage["start"]])
        return Span(document, start, end)

    # --- how it came to that ------------------------------------------------------------------------------------

    def _call(self, said: Said) -> Reason:
        asked = [self._asked(said.turn)]
        return Reason("call", said.name, by=said.agent, at=said.id, value=said.arguments, rule=said.rule, because=asked)

    def _asked(self, turn: str, depth: int = 0) -> Reason:
        """The message that a turn handles, and the one because of which that was sent, back to the run's input."""
        said = self._talk.handled(turn)
        if said is None:
            return Reason("input", "", "nothing on record")
        kind = said.kind if said.kind in {"input", "external"} else "message"
        reason = Reason(kind, said.name, turn.partition("/")[0], said.agent, said.id, value=said.value)
        if kind == "message" and depth < _DEPTH:
            reason.because = [self._asked(said.turn, depth + 1)]
        return reason


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, outer ones first."""
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from _objects(each)


def _names(value: dict[str, Any]) -> Iterator[str]:
    """What may be ids of others: the strings of its fields, and of lists in them."""
    for key, each in value.items():
        if isinstance(each, str) and key not in {"id", "text", "quote"}:
            yield each
        elif isinstance(each, list):
            yield from (one for one in each if isinstance(one, str))


def _known_by(value: dict[str, Any]) -> Any:
    if isinstance(value.get("id"), str) and isinstance(value.get("text"), str):
        return value["id"], value["text"]
    return msgspec.json.encode(value, order="deterministic")


def _likeness(item: dict[str, Any], value: dict[str, Any]) -> int:
    """How much two objects have in common: ids such as F1 may stand for several things in one message."""
    shared = sum(each in _citations(item) for each in _citations(value))
    return 2 * shared + (item.get("text") == value.get("text"))


def _is_span(value: Any) -> bool:
    kinds = {"document": str, "start": int, "end": int}
    return isinstance(value, dict) and all(isinstance(value.get(key), kind) for key, kind in kinds.items())


def _is_passage(value: dict[str, Any]) -> bool:
    """A span that carries its text."""
    text = value.get("text")
    return _is_span(value) and isinstance(text, str) and len(text) == value["end"] - value["start"]


def _whole(passage: dict[str, Any]) -> Span:
    return Span(passage["document"], passage["start"], passage["end"], passage["text"])


def _citations(value: dict[str, Any]) -> list[dict[str, Any]]:
    listed = value.get("citations")
    return [each for each in listed if _is_span(each)] if isinstance(listed, list) else []


def _within(span: dict[str, Any], passage: dict[str, Any]) -> bool:
    inside = passage["start"] <= span["start"] < span["end"] <= passage["end"]
    return bool(span["document"] == passage["document"] and inside)
