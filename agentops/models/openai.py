"""``openai/<model>``: any endpoint that speaks the chat-completions dialect, through the real ``openai`` client.

OpenAI itself by default; vLLM, llama.cpp, Ollama, LM Studio, OpenRouter and most others by base URL. Chat completions
and not the newer responses dialect, because it is the one that all of them speak. ``openai`` costs half a second to
import, so it is imported when the first call is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import anyio
import msgspec

from agentops.errors import InvalidInput, ModelFailed
from agentops.kernel.chat import ModelReply, ModelRequest, Price
from agentops.models.base import Emit, ModelSettings
from agentops.models.openai_request import Call, Dialect, prepare
from agentops.models.prices import find_price

if TYPE_CHECKING:  # it imports openai
    from agentops.models.openai_wire import Wire

__all__ = ["OPENAI_URL", "OpenAIModel"]

OPENAI_URL = "https://api.openai.com/v1"

_OFFICIAL = "api.openai.com"
_TRIES = 7
"""Calls at most while the endpoint's dialect is found out: one more than there are things to step down from."""


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint. See `agentops.models.base.Model`.

    What the endpoint refused once (`response_format`, `stream_options`, the newer name of the output limit, a
    temperature) is remembered for as long as this object lives.
    """

    def __init__(self, name: str, settings: ModelSettings | None = None) -> None:
        settings = settings or ModelSettings()
        self.name = name
        self._model = name.partition("/")[2]
        self._settings = settings
        self._base_url = _checked_url(settings.base_url or OPENAI_URL)
        official = urlsplit(self._base_url).hostname == _OFFICIAL
        if official and not settings.api_key:
            raise InvalidInput(
                f"model {name} needs an API key, and none is set",
                hint="Set one, or give the base URL of an endpoint that needs none, or use offline/extractive.",
            )
        self._dialect = Dialect(
            structured=settings.structured, limit_field="max_completion_tokens" if official else "max_tokens"
        )
        self._quote = find_price(name, self._base_url, settings.prices)
        self._wire: Wire | None = None
        self._places = anyio.CapacityLimiter(settings.max_concurrency)

    @property
    def price(self) -> Price | None:
        """As declared by the user, else as the table has it for this endpoint, else unknown."""
        return self._quote.price if self._quote else None

    @property
    def label(self) -> str:
        """The model and the host that serves it."""
        return f"{self._model} via {urlsplit(self._base_url).netloc.rpartition('@')[2]}"

    async def complete(self, request: ModelRequest, emit: Emit | None = None) -> ModelReply:
        """Make one attempt; with ``emit``, as a stream. See `agentops.models.base.Model.complete`."""
        self._check_length(request)
        call = prepare(
            request, self._model, self._dialect, stream=emit is not None, options=dict(self._settings.options)
        )
        async with self._places:
            reply = await self._send(call, emit)
        if call.adapted is None or reply.uses or not reply.text or reply.finish == "refused":
            return reply
        return msgspec.structs.replace(reply, text=call.adapted.unwrap(reply.text))

    async def _send(self, call: Call, emit: Emit | None) -> ModelReply:
        """Send the call; again, spelled otherwise, where the endpoint refuses a field that it does not know."""
        from agentops.models.openai_wire import Refused, Wire

        if self._wire is None:
            self._wire = Wire(self.name, self._base_url, self._settings)
        failure: ModelFailed | None = None
        for _ in range(_TRIES):
            body = call.body()
            try:
                return await self._wire.send(call, body, emit)
            except Refused as refused:
                failure = refused.failure
                if not call.step_down(body, refused.text):
                    break
        assert failure is not None  # noqa: S101 - the loop ends by return or with a failure
        raise failure

    async def aclose(self) -> None:
        """Close the connections. A later call opens new ones."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.aclose()

    def _check_length(self, request: ModelRequest) -> None:
        """Refuse a prompt so long that the endpoint would charge more for it than the price says."""
        if self._quote is None or self._quote.up_to is None:
            return
        tokens = len(msgspec.json.encode(request)) // 3
        if tokens > self._quote.up_to:
            raise ModelFailed(
                f"the prompt for {self.name} may have {tokens:,} tokens; beyond {self._quote.up_to:,} it costs more "
                "than the price that budgets are reckoned with",
                hint="Send less, or declare a price for this model: a declared price holds at any length.",
                transient=False,
                status=None,
                retry_after=None,
                model=self.name,
            )


def _checked_url(url: str) -> str:
    """The base URL without what people paste along with it."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidInput(
            f"model base URL {parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()!r} is no http(s) address",
            hint="Write it in full, such as http://127.0.0.1:8080/v1",
        )
    return url.rstrip("/").removesuffix("/chat/completions")
