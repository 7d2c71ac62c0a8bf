"""From a model's name to a model."""

from __future__ import annotations

import pytest

from agentops.errors import InvalidInput
from agentops.models.base import ModelSettings
from agentops.models.registry import open_model


def test_the_offline_model_needs_no_settings() -> None:
    model = open_model("offline/extractive")
    assert model.name == "offline/extractive"
    assert "no language model" in model.label


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gpt-5-mini", "names no provider\n.*openai/gpt-5-mini"),
        ("opneai/gpt-5-mini", "no model provider 'opneai'\n.*Did you mean openai/gpt-5-mini"),
        ("wonder/llm", "no model provider 'wonder'\n.*Providers: offline, openai, scripted"),
        ("openai/", "no model\n"),
        ("offline", "no model\n"),
        ("", "names no provider"),
        ("offline/abstractive", "no model 'offline/abstractive'\n.*offline/extractive"),
    ],
)
def test_a_name_that_nobody_answers_to_is_refused_with_the_way_out(name: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        open_model(name)


@pytest.mark.parametrize("field", ["timeout", "connect_timeout"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_a_timeout_that_is_no_time_is_refused(field: str, value: float) -> None:
    with pytest.raises(InvalidInput, match=f"model {field} is"):
        ModelSettings(**{field: value})  # type: ignore[arg-type]


def test_at_least_one_call_at_a_time_must_be_possible() -> None:
    with pytest.raises(InvalidInput, match="max_concurrency is 0"):
        ModelSettings(max_concurrency=0)
