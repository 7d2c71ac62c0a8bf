"""What the endpoint of `tests.models.server` can be told to do, by name."""

from __future__ import annotations

from typing import Any

__all__ = ["BEHAVIOURS", "GREETING", "USAGE", "http_error"]

GREETING = "Hello from loopback."
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 7,
    "total_tokens": 27,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def http_error(status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    return {"status": status, "body": {"error": {"message": message, **more}}, "headers": headers or {}}


BEHAVIOURS: dict[str, dict[str, Any]] = {
    "text": {"text": GREETING},
    "tools": {
        "tools": [
            {"name": "search", "arguments": {"query": "tides"}},
            {"name": "search", "arguments": {"query": "moon"}},
        ]
    },
    "tools-no-ids": {"tools": [{"name": "search", "arguments": {}, "id": ""}, {"name": "search", "arguments": {}}]},
    "length": {"text": "Hello fr", "finish": "length"},
    "filtered": {"text": "", "finish": "content_filter"},
    "refusal": {"refusal": "I can't help with that."},
    "no-usage": {"text": GREETING, "usage": None},
    "odd-usage": {"text": GREETING, "usage": {"prompt_tokens": -3, "completion_tokens": "many"}},
    "slow": {"text": GREETING, "delay": 30.0},
    "slow-stream": {"text": GREETING, "pause": 30.0},
    "429": http_error(429, "Rate limit reached", {"Retry-After": "7"}),
    "429-date": http_error(429, "Rate limit reached", {"Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT"}),
    "429-bare": http_error(429, "Rate limit reached"),
    "429-quota": http_error(429, "You exceeded your current quota", {"Retry-After": "7"}, code="insufficient_quota"),
    "400": http_error(400, "This model's maximum context length is 4096 tokens", code="context_length_exceeded"),
    "401": http_error(401, "Incorrect API key provided: {key}. Also Bearer {key} and sk-abcdef123456"),
    "403": http_error(403, "No access"),
    "404": http_error(404, "The model does not exist"),
    "500": http_error(500, "The server had an error"),
    "503": {"status": 503, "body": "<html><head><title>503</title></head><body>Try later</body></html>"},
    "redirect": {"status": 307, "body": "", "headers": {"Location": "http://192.0.2.1/v1/chat/completions"}},
    "html": {"status": 200, "raw": "<!doctype html><title>Welcome</title>", "type": "text/html"},
    "garbage": {"status": 200, "raw": "\x00\x01 not json {", "type": "application/json"},
    "cut-json": {"status": 200, "raw": '{"choices": [{"message": {"content": "Hel', "type": "application/json"},
    "wrong-json": {"status": 200, "raw": '{"answer": 42}', "type": "application/json"},
    "wrong-types": {"status": 200, "raw": '{"choices": [{"message": {"content": 5}}]}', "type": "application/json"},
    "no-choices": {"status": 200, "raw": '{"choices": []}', "type": "application/json"},
    "error-in-200": {"status": 200, "raw": '{"error": {"message": "upstream", "code": 502}}', "type": "text/json"},
    "empty": {"status": 200, "raw": "", "type": "application/json"},
    "half-stream": {"text": GREETING, "cut": 3},
    "quiet-end": {"text": GREETING, "cut": 3, "polite": True},
    "no-stream": {"text": GREETING, "whole": True},
    "odd-tools": {
        "raw": '{"choices": [{"message": {"content": null, "tool_calls": [{"function": {"name": "search", "arguments": '
        '{"query": "tides"}}}, {"function": {"name": "search"}}]}}]}',
        "status": 200,
        "type": "application/json",
    },
    "parts": {
        "raw": '{"choices": [{"message": {"content": [{"type": "text", "text": "Hello"}, '
        '{"type": "text", "text": "!"}]}}]}',
        "status": 200,
        "type": "application/json",
    },
    "half-event": {"text": GREETING, "cut": 3, "tail": 'data: {"choices": [{"index": 0, "del'},
    "half-body": {"text": GREETING, "short": True},
    "error-in-stream": {"text": GREETING, "cut": 2, "tail": 'data: {"error": {"message": "overloaded"}}\n\n'},
    "garbage-stream": {"text": GREETING, "cut": 2, "tail": "data: {nonsense\n\n"},
    "endless-stream": {"endless": "event"},
    "endless-line": {"endless": "line"},
    "endless-error": {"endless": "error"},
    "reset": {"reset": "at once"},
    "reset-midway": {"text": GREETING, "cut": 2, "reset": "midway"},
    "refuses-schema": {"refuses": "response_format"},
    "refuses-strict": {"refuses": "strict"},
    "refuses-json": {"refuses": "json"},
    "refuses-stream-options": {"refuses": "stream_options"},
    "refuses-max-tokens": {"refuses": "max_tokens"},
    "refuses-temperature": {"refuses": "temperature"},
    "fenced": {"fenced": True},
}
"""By name. Those that refuse a field go on refusing it, until something else is played."""
