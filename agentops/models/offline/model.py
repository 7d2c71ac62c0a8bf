"""``offline/extractive`` behind the model protocol."""

from __future__ import annotations

import math
from typing import Final

from agentops.errors import ModelFailed
from agentops.kernel.chat import ModelReply, ModelRequest, Price, Usage
from agentops.messages import encode
from agentops.models.base import Emit
from agentops.models.offline.desk import NOTHING, Desk
from agentops.models.offline.fill import fill
from agentops.models.offline.reading import read

__all__ = ["LABEL", "NAME", "ExtractiveModel", "tokens"]

NAME: Final = "offline/extractive"
LABEL: Final = "extractive, no language model"

_CHARACTERS_PER_TOKEN: Final = 4
_TEXT_SENTENCES: Final = 5
_LIST: Final = 6


class ExtractiveModel:
    """Answers with sentences of the material, word for word.

    Without a schema the answer is up to five sentences, each with the id of its item in brackets. With one, it is
    JSON of that schema, see `agentops.models.offline.fill`. Tools that are offered are not used. The answer depends
    on nothing but the request; usage counts four characters as a token, rounded up.
    """

    name: str = NAME
    price: Price | None = Price(input=0, output=0, source="offline")
    label: str = LABEL

    async def complete(self, request: ModelRequest, emit: Emit | None = None) -> ModelReply:
        """Answer. Raises `ModelFailed` where there is no material, or where the schema asks for a judgement."""
        reading = read(request)
        if not reading.items:
            raise ModelFailed(
                f"{self.name} was given no material to quote from, and it cannot write.",
                hint="Pass self.model(..., material=...) something to quote, or use a language model "
                "(--model openai/<model>).",
                model=self.name,
                transient=False,
            )
        desk = Desk(reading)
        text = _prose(desk, request) if request.schema is None else _json(desk, request, self.name)
        most = request.max_output_tokens * _CHARACTERS_PER_TOKEN
        finish: Final = "stop" if len(text) <= most else "length"
        text = text[:most]
        if emit is not None:
            emit(text)
        usage = Usage(input_tokens=tokens(_said(request)), output_tokens=tokens(text))
        return ModelReply(text=text, usage=usage, model=self.name, finish=finish)

    async def aclose(self) -> None:
        """Nothing is held."""


def tokens(text: str) -> int:
    """How much a text counts: four characters a token, rounded up."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def _prose(desk: Desk, request: ModelRequest) -> str:
    """Sentences with the ids of their items; fewer where the limit asks for it."""
    most = request.max_output_tokens * _CHARACTERS_PER_TOKEN
    said = ""
    for found in desk.best(_TEXT_SENTENCES):
        longer = f"{said} {found.text} [{found.id}]".lstrip()
        if said and len(longer) > most:
            break
        said = longer
    return said or NOTHING


def _json(desk: Desk, request: ModelRequest, name: str) -> str:
    """JSON of the schema, with shorter lists where the limit asks for it."""
    most = request.max_output_tokens * _CHARACTERS_PER_TOKEN
    text = ""
    for elements in range(_LIST, 0, -1):
        text = encode(fill(request.schema or {}, desk, model=name, most=elements)).decode()
        if len(text) <= most:
            break
    return text


def _said(request: ModelRequest) -> str:
    """Everything that was said to the model, for counting."""
    said = [part for message in request.messages for part in (message.text, message.material)]
    return "".join(said) + (encode(request.schema).decode() if request.schema else "")
