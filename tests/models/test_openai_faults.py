"""The real ``openai`` client against an endpoint that fails in every way that endpoints fail."""

from __future__ import annotations

import socket
from typing import Any

import anyio
import pytest

from agentops.errors import ModelFailed
from agentops.models.base import ModelSettings
from agentops.models.openai import OpenAIModel
from tests.models.behaviours import GREETING
from tests.models.server import OpenAIServer
from tests.models.test_openai import request

STREAMED = pytest.mark.parametrize("emit", [None, lambda _: None], ids=["whole", "stream"])


async def failure(server: OpenAIServer, behaviour: str, emit: Any = None, **settings: Any) -> ModelFailed:
    """What a call raises when the endpoint behaves so; the call after it must succeed."""
    server.play(behaviour)
    model = server.model(**settings)
    try:
        with pytest.raises(ModelFailed, match=r"model openai/test-model at 127\.0\.0\.1:") as caught:
            await model.complete(request(), emit)
        if "slow" not in behaviour:
            assert (await model.complete(request())).text == GREETING
    finally:
        await model.aclose()
    assert caught.value.model == "openai/test-model"
    assert caught.value.__cause__ is None
    return caught.value


@STREAMED
@pytest.mark.parametrize(
    ("behaviour", "transient", "says"),
    [
        ("429-bare", True, "answered 429: Rate limit reached"),
        ("429-quota", False, "answered 429: You exceeded your current quota"),
        ("500", True, "answered 500: The server had an error"),
        ("503", True, "answered 503: 503 Try later"),
        ("400", False, "maximum context length"),
        ("401", False, "answered 401"),
        ("403", False, "answered 403: No access"),
        ("404", False, "answered 404: The model does not exist"),
        ("redirect", False, "answered 307"),
    ],
)
async def test_an_http_error_tells_its_status_and_whether_to_try_again(
    openai_server: OpenAIServer, behaviour: str, transient: bool, says: str, emit: Any
) -> None:
    error = await failure(openai_server, behaviour, emit)
    assert error.transient is transient
    assert error.status == (int(behaviour[:3]) if behaviour[0].isdigit() else 307)
    assert says in error.what
    assert "<" not in error.what


@pytest.mark.parametrize(("behaviour", "wait"), [("429", 7.0), ("429-date", 9.0), ("429-bare", None), ("500", None)])
async def test_the_wait_that_the_endpoint_asks_for_is_told_in_seconds(
    openai_server: OpenAIServer, behaviour: str, wait: float | None
) -> None:
    assert (await failure(openai_server, behaviour)).retry_after == wait


async def test_one_call_is_one_attempt(openai_server: OpenAIServer) -> None:
    """Retries are the kernel's: neither this code nor the client makes any."""
    openai_server.play("500", "429")
    model = openai_server.model()
    for status in (500, 429):
        with pytest.raises(ModelFailed, match=f"answered {status}"):
            await model.complete(request())
    assert len(openai_server.requests) == 2
    await model.aclose()


@STREAMED
@pytest.mark.parametrize(
    ("behaviour", "transient", "says"),
    [
        ("html", False, "web page"),
        ("garbage", True, "not JSON"),
        ("cut-json", True, "not JSON"),
        ("empty", True, "not JSON"),
        ("wrong-json", False, "no chat completion"),
        ("wrong-types", False, "no chat completion (at choices.0.message.content"),
        ("no-choices", True, "empty list of choices"),
        ("error-in-200", True, "upstream"),
        ("reset", True, "lost the connection"),
    ],
)
async def test_an_answer_of_no_use_is_an_error_that_says_what_came(
    openai_server: OpenAIServer, behaviour: str, transient: bool, says: str, emit: Any
) -> None:
    error = await failure(openai_server, behaviour, emit)
    assert says in error.what
    assert error.transient is transient


@pytest.mark.parametrize(
    ("behaviour", "transient", "says"),
    [
        ("half-stream", True, "lost the connection"),
        ("quiet-end", True, "ended in the middle of an answer"),
        ("half-event", True, "lost the connection"),
        ("reset-midway", True, "lost the connection"),
        ("garbage-stream", True, "not JSON"),
        ("error-in-stream", True, "broke off with an error: overloaded"),
        ("endless-stream", False, "without end"),
        ("endless-line", False, "without end"),
        ("endless-error", False, "without end"),
    ],
)
async def test_a_stream_that_breaks_or_never_ends_is_an_error_and_no_answer(
    openai_server: OpenAIServer, behaviour: str, transient: bool, says: str
) -> None:
    pieces: list[str] = []
    error = await failure(openai_server, behaviour, pieces.append)
    assert says in error.what
    assert error.transient is transient


async def test_a_body_shorter_than_announced_is_a_lost_connection(openai_server: OpenAIServer) -> None:
    error = await failure(openai_server, "half-body")
    assert "lost the connection" in error.what
    assert error.transient


@pytest.mark.parametrize(("behaviour", "emit"), [("slow", None), ("slow-stream", lambda _: None)])
async def test_a_call_ends_at_its_timeout_however_little_comes(
    openai_server: OpenAIServer, behaviour: str, emit: Any
) -> None:
    error = await failure(openai_server, behaviour, emit, timeout=0.3)
    assert "did not finish within 0.3 seconds" in error.what
    assert error.transient


@STREAMED
async def test_a_call_can_be_cancelled_and_the_model_used_again(openai_server: OpenAIServer, emit: Any) -> None:
    openai_server.play("slow-stream" if emit else "slow")
    model = openai_server.model()
    async with anyio.create_task_group() as group:
        group.start_soon(model.complete, request(), emit)
        while not openai_server.requests:  # noqa: ASYNC110 - the server is a thread and knows no events of ours
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()
    assert (await model.complete(request())).text == GREETING
    await model.aclose()


async def test_an_endpoint_that_is_down_is_a_transient_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    model = OpenAIModel("openai/x", ModelSettings(base_url=f"http://127.0.0.1:{port}/v1"))
    with pytest.raises(ModelFailed, match=r"cannot be reached.*\n.*Is the endpoint running") as caught:
        await model.complete(request())
    await model.aclose()
    assert caught.value.transient


@pytest.mark.parametrize("key", ["sk-secret-12345", "quite-another-form"])
async def test_no_error_contains_a_key(openai_server: OpenAIServer, key: str) -> None:
    error = await failure(openai_server, "401", api_key=key)
    assert key not in str(error)
    assert "sk-abcdef123456" not in str(error)
    assert "[key]" in error.what
    assert key not in repr(ModelSettings(api_key=key))


async def test_many_calls_at_once_all_arrive(openai_server: OpenAIServer) -> None:
    model = openai_server.model(max_concurrency=4)
    replies: list[str] = []

    async def call() -> None:
        replies.append((await model.complete(request())).text)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(call)
    await model.aclose()
    assert replies == [GREETING] * 20
