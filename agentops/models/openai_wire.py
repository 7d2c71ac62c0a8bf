"""The one module that imports ``openai``: makes its client, sends one call, reads the answer within bounds.

The real client does what it is good at (addresses, headers, keys, connections); reading is done here, from raw bytes,
because an endpoint may send a page of HTML, half an answer, or one that never ends, and each needs its own words.

A failed call raises `ModelFailed`. Which failures are *transient*: no connection, a connection lost, a deadline, HTTP
408, 409, 425, 429 (unless the account is out of quota) and 5xx, a body cut short, an empty list of choices. Which are
not: every other 4xx, redirects, HTML where JSON belongs, JSON that is no chat completion, an answer without end.
Errors are raised ``from None``, and what an endpoint said is shortened and freed of keys first: the client's own
errors carry the request, headers and all.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any, cast
from urllib.parse import urlsplit

import anyio
import httpx2
import openai

from agentops.errors import ModelFailed
from agentops.kernel.chat import ModelReply
from agentops.models.base import Emit, ModelSettings
from agentops.models.openai_answer import Assembly, BadAnswer, Events
from agentops.models.openai_request import Call

__all__ = ["Refused", "Wire"]

_TRANSIENT = frozenset({408, 409, 425, 429})
_OUT_OF_QUOTA = ("insufficient_quota", "billing_hard_limit_reached")
_KEY_SHAPED = re.compile(r"\b(sk|pk)-[A-Za-z0-9_*\-]{4,}|(?i:bearer)\s+\S+")
_LOOPBACK = re.compile(r"localhost|127(\.\d+){3}|::1")
_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Trusts nobody: where no TLS is spoken, reading the system's authorities would be 50 ms spent for nothing."""
_MOST = 64 * 2**20
"""Bytes that any response may have on the wire, errors included."""
_BASE, _PER_TOKEN = 2**20, 2**12
"""Bytes that an answer may have, and more per token asked for: an event of one token has some 300."""


class Refused(Exception):
    """The endpoint answered 400 or 422, maybe for a field that it does not know; ``failure``: what to raise if not."""

    def __init__(self, text: str, failure: ModelFailed) -> None:
        super().__init__(text)
        self.text = text
        self.failure = failure


class _TooLong(Exception):
    """A response went beyond its bound."""


class _Bounded(httpx2.AsyncByteStream):
    """A response's bytes, counted; and run out when its reader leaves early.

    The client's own streams leave a generator open then, which trio reports. A connection that is closed first makes
    every generator below end by itself.
    """

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        chunks = aiter(self._stream)
        try:
            async for chunk in chunks:
                seen += len(chunk)
                if seen > _MOST:
                    break
                yield chunk
            else:
                return
        except GeneratorExit:
            await self._run_out(chunks)
            raise
        await self._run_out(chunks)
        raise _TooLong

    async def _run_out(self, chunks: AsyncIterator[bytes]) -> None:
        with anyio.move_on_after(1, shield=True), contextlib.suppress(httpx2.HTTPError, httpx2.StreamError):
            await self._stream.aclose()
            async for _ in chunks:
                pass

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _bound(response: httpx2.Response) -> None:
    if isinstance(response.stream, httpx2.AsyncByteStream):
        response.stream = _Bounded(response.stream)


class Wire:
    """One endpoint, connected."""

    def __init__(self, name: str, base_url: str, settings: ModelSettings) -> None:
        self._name = name
        self._settings = settings
        self._host = urlsplit(base_url).netloc.rpartition("@")[2]
        at_home = _LOOPBACK.fullmatch(urlsplit(base_url).hostname or "") is not None
        plain = at_home and base_url.startswith("http:")
        limits = httpx2.Limits(
            max_connections=settings.max_concurrency,
            max_keepalive_connections=settings.max_concurrency,
            keepalive_expiry=2.0,  # sooner than servers hang up (many after 5 s), so that no call meets a dead line
        )
        http = openai.DefaultAsyncHttpx2Client(
            timeout=httpx2.Timeout(settings.timeout, connect=min(settings.connect_timeout, settings.timeout)),
            limits=limits,
            follow_redirects=False,  # a prompt goes where the user said, and nowhere else
            trust_env=not at_home,  # no proxy stands between this machine and itself
            verify=not plain or _NOBODY,
            event_hooks={"response": [_bound]},
        )
        # What the client is not told it takes from the environment, which only the outer shell reads here: a key or
        # an organisation meant for one endpoint must not reach another.
        key = settings.api_key or "none"
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=base_url,
            max_retries=0,
            http_client=http,
            default_headers={
                "Authorization": f"Bearer {key}",
                "OpenAI-Organization": cast("str", openai.omit),
                "OpenAI-Project": cast("str", openai.omit),
            },
        )

    async def aclose(self) -> None:
        """Close all connections, also when cancelled meanwhile."""
        with anyio.CancelScope(shield=True):
            await self._client.close()

    async def send(self, call: Call, body: dict[str, Any], emit: Emit | None) -> ModelReply:
        """Make one call with ``body`` and read its answer. Raises `ModelFailed`, or `Refused`."""
        names = {wire_name: name for name, wire_name in call.tool_names.items()}
        try:
            with anyio.fail_after(self._settings.timeout):
                assembly = await self._exchange(body, emit, _BASE + call.request.max_output_tokens * _PER_TOKEN)
            return assembly.reply(call.model, names, turn=len(call.request.messages))
        except (TimeoutError, openai.APITimeoutError, httpx2.TimeoutException):
            what = f"did not finish within {self._settings.timeout:g} seconds"
            raise self._failed(what, transient=True, hint="Raise the model's timeout, or ask for less.") from None
        except openai.APIStatusError as error:
            raise self._from_status(error) from None
        except (openai.APIConnectionError, httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._from_connection(error) from None
        except (_TooLong, httpx2.InvalidURL, openai.OpenAIError) as error:
            what = "sent an answer without end" if isinstance(error, _TooLong) else f"could not be called: {error}"
            raise self._failed(what, transient=False) from None
        except BadAnswer as error:
            raise self._failed(str(error), transient=error.transient, status=error.status) from None

    async def _exchange(self, body: dict[str, Any], emit: Emit | None, most: int) -> Assembly:
        async with self._client.chat.completions.with_streaming_response.create(**body) as response:
            kind = response.headers.get("content-type", "").lower()
            if "html" in kind:
                raise BadAnswer(
                    "answered with a web page, not JSON; is the base URL right? It usually ends in /v1", transient=False
                )
            as_stream = "event-stream" in kind or (body["stream"] and "json" not in kind)
            async with contextlib.aclosing(response.http_response.aiter_bytes()) as chunks:
                return await (_read_stream if as_stream else _read_whole)(chunks, emit, most)

    def _failed(
        self, what: str, *, transient: bool, status: int | None = None, wait: float | None = None, hint: str = ""
    ) -> ModelFailed:
        return ModelFailed(
            f"model {self._name} at {self._host} {self._clean(what)}",
            hint=hint,
            transient=transient,
            status=status,
            retry_after=wait,
            model=self._name,
        )

    def _clean(self, text: str) -> str:
        """A text from outside: one short line, without keys and without markup."""
        key = self._settings.api_key
        text = text.replace(key, "[key]") if key else text
        text = re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", _KEY_SHAPED.sub("[key]", text))
        text = " ".join(text.split())
        return text if len(text) <= 400 else f"{text[:400]}..."

    def _from_status(self, error: openai.APIStatusError) -> ModelFailed | Refused:
        status, code = error.status_code, str(error.code or "")
        said = _said(error)
        transient = (status in _TRANSIENT or status >= 500) and code not in _OUT_OF_QUOTA
        failure = self._failed(
            f"answered {status}: {said}" if said else f"answered {status}",
            transient=transient,
            status=status,
            wait=_retry_after(error.response.headers) if transient else None,
            hint=_hint(status, code),
        )
        return Refused(f"{said} {error.param or ''} {code}", failure) if status in {400, 422} else failure

    def _from_connection(self, error: Exception) -> ModelFailed:
        cause = error.__cause__ or error
        why = str(cause) or type(cause).__name__
        never = isinstance(cause, httpx2.UnsupportedProtocol) or "CERTIFICATE_VERIFY_FAILED" in why
        unreached = isinstance(cause, httpx2.ConnectError | httpx2.ProxyError)
        return self._failed(
            f"{'cannot be reached' if unreached or never else 'lost the connection'}: {why}",
            transient=not never,
            hint="Is the endpoint running, and is the base URL right?" if unreached else "",
        )


async def _read_whole(chunks: AsyncIterator[bytes], emit: Emit | None, most: int) -> Assembly:
    data = bytearray()
    async for chunk in chunks:
        data += chunk
        if len(data) > most:
            raise _TooLong
    assembly = Assembly()
    text = assembly.add(bytes(data), whole=True)
    if text and emit is not None:
        emit(text)
    return assembly


async def _read_stream(chunks: AsyncIterator[bytes], emit: Emit | None, most: int) -> Assembly:
    assembly, events, seen = Assembly(), Events(), 0
    async for chunk in chunks:
        seen += len(chunk)
        if seen > most:
            raise _TooLong
        for event in events.feed(chunk):
            text = assembly.add(event, whole=False)
            if text and emit is not None:
                emit(text)
            if assembly.done:
                await _drain(chunks)
                return assembly
    with contextlib.suppress(BadAnswer):  # the last event may lack its blank line; half an event tells nothing
        for event in events.finish():
            assembly.add(event, whole=False)
    if not assembly.complete:
        raise BadAnswer("ended in the middle of an answer", transient=True)
    return assembly


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read what little follows the last event, so that the connection can be used again."""
    with anyio.move_on_after(0.1):
        async for _ in chunks:
            pass


def _said(error: openai.APIStatusError) -> str:
    """What the endpoint gave as its reason, in whichever of the usual places."""
    body = error.body
    if isinstance(body, dict):
        for key in ("message", "detail", "error"):
            if isinstance(body.get(key), str):
                return str(body[key])
    return body if isinstance(body, str) else error.response.text


def _hint(status: int, code: str) -> str:
    if code in _OUT_OF_QUOTA:
        return "The account has no quota left: waiting does not help."
    if 300 <= status < 400:
        return "The endpoint redirects, which is not followed. Give the base URL that it redirects to."
    return {
        401: "Check the API key.",
        403: "The key may not use this model.",
        404: "Check the model's name, and that the base URL ends as the endpoint expects, usually in /v1.",
    }.get(status, "")


def _retry_after(headers: httpx2.Headers) -> float | None:
    """Seconds that the endpoint asks to wait. A date is read against the response's own: there is no clock here."""
    with contextlib.suppress(KeyError, ValueError):
        return _seconds(float(headers["retry-after-ms"]) / 1000)
    told = headers.get("retry-after", "")
    with contextlib.suppress(ValueError):
        return _seconds(float(told))
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return _seconds((parsedate_to_datetime(told) - parsedate_to_datetime(headers["date"])).total_seconds())
    return None


def _seconds(value: float) -> float | None:
    """Between nothing and a day; what is no number at all is no wait."""
    return min(max(value, 0.0), 86_400.0) if value == value else None  # noqa: PLR0124 - NaN
