"""An OpenAI-compatible endpoint on loopback, for tests: a real HTTP server that behaves, or misbehaves, as told.

As a fixture (import ``openai_server`` into a ``conftest.py``)::

    async def test_it(openai_server: OpenAIServer) -> None:
        openai_server.play("429", "text")           # the next two answers; afterwards it answers normally
        model = openai_server.model()               # an OpenAIModel that talks to it
        ...
        assert openai_server.requests[0].body["messages"]

As a program, for tests that drive a subprocess::

    python -m tests.models.server [--port N] [--play BEHAVIOUR]... [--log FILE]

It prints its base URL on stdout (``http://127.0.0.1:PORT/v1``), flushes, and serves until its stdin is closed or it is
killed; ``--log`` gets one JSON line per request. From a test: ``with serving("429", "text") as url: ...``

A behaviour is a name of `BEHAVIOURS`, or a dict, as in a reply of a script: ``{"text": ...}``, ``{"json": ...}``,
``{"tools": [{"name": ..., "arguments": {...}}]}``, ``{"status": 500, "body": ..., "headers": {...}}``,
``{"delay": seconds, ...}``. With nothing to play, it answers by itself: JSON that fits the schema asked for, else
"Hello from loopback." Streams are sent where the request asks for one, a few characters per event.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

from agentops.models.base import ModelSettings
from agentops.models.openai import OpenAIModel
from tests.models.behaviours import BEHAVIOURS, GREETING, USAGE, http_error
from tests.models.sample import sample

__all__ = ["BEHAVIOURS", "OpenAIServer", "Seen", "openai_server", "serving"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class OpenAIServer:
    """The server; use it as a context manager. Thread-safe as far as tests need it."""

    log: Path | None = None
    port: int = 0
    requests: list[Seen] = field(default_factory=list)
    connections: int = 0
    _queue: list[dict[str, Any]] = field(default_factory=list)
    _refuses: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    stopping: threading.Event = field(default_factory=threading.Event)

    def play(self, *behaviours: str | dict[str, Any]) -> None:
        """What the next requests get, in order."""
        with self._lock:
            self._queue += [BEHAVIOURS[each] if isinstance(each, str) else each for each in behaviours]

    def take(self, seen: Seen) -> dict[str, Any]:
        """The behaviour for a request that has just arrived."""
        with self._lock:
            self.requests.append(seen)
            if self.log is not None:
                with self.log.open("a") as log:
                    log.write(json.dumps({"path": seen.path, "body": seen.body}) + "\n")
            told = self._queue.pop(0) if self._queue else {}
            if "refuses" in told:
                self._refuses, told = told["refuses"], {}
            refusal = _refusal(self._refuses, seen.body)
            if refusal:
                return http_error(400, refusal, param=None)
        return {"auto": True, **told} if not told or "fenced" in told else told

    @property
    def base_url(self) -> str:
        """What to give as the model's base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def model(self, name: str = "openai/test-model", **settings: Any) -> OpenAIModel:
        """A model that talks to this server; close it."""
        return OpenAIModel(name, ModelSettings(**{"base_url": self.base_url, **settings}))

    def __enter__(self) -> Self:
        self._http = _Http(("127.0.0.1", self.port), _Handler)
        self._http.owner = self
        self.port = self._http.server_address[1]
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._http.end_connections()
        self._http.server_close()
        self._thread.join()


def _refusal(refuses: str, body: dict[str, Any]) -> str:
    """What an endpoint says that does not take a field of this request; empty: it takes them all."""
    form = body.get("response_format", {})
    if refuses == "strict" and form.get("json_schema", {}).get("strict"):
        return "Invalid schema for response_format 'x': 'additionalProperties' is required"
    if refuses == "json" and form:
        return "response_format is not supported by this server"
    if refuses == "response_format" and form.get("type") == "json_schema":
        return "'response_format.type' must be 'json_object' or 'text'"
    if refuses == "max_tokens" and "max_tokens" in body:
        return "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    if refuses in {"temperature", "stream_options"} and refuses in body:
        return f"Unrecognized request argument supplied: {refuses}"
    return ""


class _Http(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    owner: OpenAIServer

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*args)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        self.owner.connections += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """End those that a client keeps open, so that no thread outlives the server."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many tests are about."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, *args: Any) -> None:
        """Silent."""

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen = Seen(self.path, {k.lower(): v for k, v in self.headers.items()}, json.loads(data))
        told = self.server.owner.take(seen)
        if self.path != "/v1/chat/completions":
            self._send(404, json.dumps({"error": {"message": f"no such path: {self.path}"}}), "application/json")
        elif told.get("reset") == "at once":
            self._reset()
        elif "endless" in told:
            self._endless(told["endless"])
        elif "raw" in told:
            self._send(told["status"], told["raw"], told["type"])
        elif "status" in told:
            self._fail(told, seen)
        else:
            self._wait(told.get("delay", 0.0))
            self._answer(told, seen.body)

    def _wait(self, seconds: float) -> None:
        """Wait, unless the test is over."""
        if seconds:
            self.server.owner.stopping.wait(seconds)

    def _send(self, status: int, text: str, kind: str, headers: dict[str, str] | None = None) -> None:
        data = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The ``Date`` of each response: always the same."""
        return "Thu, 01 Jan 2026 00:00:00 GMT"

    def _fail(self, told: dict[str, Any], seen: Seen) -> None:
        body = told["body"]
        key = seen.headers.get("authorization", "").removeprefix("Bearer ")
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if text.startswith("<") else "application/json"
        self._send(told["status"], text.replace("{key}", key), kind, told.get("headers"))

    def _reset(self) -> None:
        """Hang up in the rudest way: RST instead of FIN."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _answer(self, told: dict[str, Any], body: dict[str, Any]) -> None:
        message, finish = _message(told, body)
        usage = told.get("usage", USAGE)
        if body.get("stream") and not told.get("whole"):
            self._stream(told, message, finish, usage if body.get("stream_options") else None)
            return
        whole = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": body["model"],
            "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        }
        data = json.dumps(whole if usage is None else {**whole, "usage": usage})
        if told.get("short"):
            self._send(200, data, "application/json", {"Content-Length": str(len(data) + 10)})
            self.close_connection = True
        else:
            self._send(200, data, "application/json")

    def _begin_stream(self, status: int = 200, kind: str = "text/event-stream") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def _stream(self, told: dict[str, Any], message: dict[str, Any], finish: str, usage: Any) -> None:
        self._begin_stream()
        self._chunk(b": keep-alive comment\n\n")
        events = [*_events(message, finish), *([{"choices": [], "usage": usage}] if usage else [])]
        for number, event in enumerate(events):
            if number == told.get("cut"):
                self._chunk(told.get("tail", ": cut\n\n").encode())
                if told.get("reset"):
                    self._reset()
                if told.get("polite"):
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.close_connection = True
                return
            self._chunk(f"data: {json.dumps(event, ensure_ascii=False)}\n\n".encode())
            self._wait(told.get("pause", 0.0))
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _endless(self, how: str) -> None:
        if how == "error":
            self._begin_stream(500, "application/json")
        else:
            self._begin_stream()
        event = json.dumps({"choices": [{"index": 0, "delta": {"content": "again and again " * 500}}]})
        data = f"data: {event}\n\n".encode() if how == "event" else b"x" * 65536
        while not self.server.owner.stopping.is_set():
            self._chunk(data)


def _message(told: dict[str, Any], body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """The assistant's message and its finish reason."""
    if "tools" in told:
        calls = [
            {
                "id": tool.get("id", f"call-{number}"),
                "type": "function",
                "function": {"name": tool["name"], "arguments": json.dumps(tool["arguments"])},
            }
            for number, tool in enumerate(told["tools"])
        ]
        return {"content": None, "tool_calls": calls}, told.get("finish", "tool_calls")
    if "refusal" in told:
        return {"content": None, "refusal": told["refusal"]}, "stop"
    text = told.get("text", GREETING)
    if "json" in told:
        text = json.dumps(told["json"])
    elif told.get("auto"):
        text = _fitting(body)
    if told.get("fenced"):
        text = f"<think>They want JSON.</think>Here it is:\n```json\n{text}\n```\nAnything else?"
    return {"content": text}, told.get("finish", "stop")


def _fitting(body: dict[str, Any]) -> str:
    """An answer that fits: JSON of the schema asked for (in its field or in the prompt), else a greeting."""
    form = body.get("response_format", {})
    if form.get("type") == "json_schema":
        return json.dumps(sample(form["json_schema"]["schema"]))
    system = str(body["messages"][0]["content"]) if body["messages"][0]["role"] == "system" else ""
    if "JSON Schema" in system:
        return json.dumps(sample(json.loads(system.rpartition("\n")[2])))
    return GREETING


def _events(message: dict[str, Any], finish: str) -> list[dict[str, Any]]:
    """The message in pieces, as endpoints stream it: text by characters, arguments of tools in two halves."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    text = message.get("content") or ""
    deltas += [{"content": text[at : at + 6]} for at in range(0, len(text), 6)]
    if "refusal" in message:
        deltas.append({"refusal": message["refusal"]})
    for index, call in enumerate(message.get("tool_calls", ())):
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        first = {**call, "function": {**call["function"], "arguments": arguments[:half]}}
        rest = {"function": {"arguments": arguments[half:]}}
        deltas += [{"tool_calls": [{"index": index, **piece}]} for piece in (first, rest)]
    events = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    return [{"model": "test-model", **event} for event in events] + [
        {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]}
    ]


@pytest.fixture
def openai_server() -> Iterator[OpenAIServer]:
    """A fresh server for one test."""
    with OpenAIServer() as server:
        yield server


@contextlib.contextmanager
def serving(*behaviours: str, log: Path | None = None) -> Iterator[str]:
    """The server as a process of its own; gives its base URL."""
    told = [part for each in behaviours for part in ("--play", each)]
    command = [sys.executable, "-m", "tests.models.server", *told, *(["--log", str(log)] if log else [])]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible endpoint on loopback, for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--play", action="append", default=[], help="a behaviour's name, or one as JSON")
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    with OpenAIServer(log=options.log, port=options.port) as server:
        server.play(*(json.loads(each) if each.startswith("{") else each for each in options.play))
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main()
