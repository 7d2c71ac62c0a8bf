"""``provider/model``: from a name to an opened model. Each provider is imported when one of its models is opened."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from agentops.errors import InvalidInput
from agentops.models.base import Model, ModelSettings

__all__ = ["PROVIDERS", "open_model"]


def _offline(name: str, settings: ModelSettings) -> Model:
    from agentops.models.offline.model import ExtractiveModel

    del settings
    if name != "offline/extractive":
        raise InvalidInput(
            f"there is no model {name!r}", hint="The only offline model is offline/extractive.", model=name
        )
    return ExtractiveModel()


def _openai(name: str, settings: ModelSettings) -> Model:
    from agentops.models.openai import OpenAIModel

    return OpenAIModel(name, settings)


def _scripted(name: str, settings: ModelSettings) -> Model:
    from agentops.models.script_file import load_script

    return load_script(settings.folder / name.partition("/")[2], name)


PROVIDERS: dict[str, Callable[[str, ModelSettings], Model]] = {
    "offline": _offline,
    "openai": _openai,
    "scripted": _scripted,
}
"""What opens the models of each provider."""


def open_model(name: str, settings: ModelSettings | None = None) -> Model:
    """Open the model called ``name``, such as ``openai/gpt-5-mini`` or ``offline/extractive``. Nothing is called yet.

    Raises `InvalidInput` for a name that nobody answers to, with a suggestion. Close the model with ``aclose()``.
    """
    provider, slash, model = name.partition("/")
    if not slash and provider not in PROVIDERS:
        raise InvalidInput(
            f"model {name!r} names no provider",
            hint=f"Write provider/model, such as openai/{name}. Providers: {', '.join(PROVIDERS)}.",
            model=name,
        )
    if not model:
        raise InvalidInput(
            f"model {name!r} names a provider but no model",
            hint="Write provider/model, such as openai/gpt-5-mini or offline/extractive.",
            model=name,
        )
    opener = PROVIDERS.get(provider)
    if opener is None:
        close = get_close_matches(provider, PROVIDERS, n=1)
        meant = f"Did you mean {close[0]}/{model}? " if close else ""
        raise InvalidInput(
            f"there is no model provider {provider!r}",
            hint=f"{meant}Providers: {', '.join(PROVIDERS)}. "
            "Any OpenAI-compatible endpoint is openai/MODEL with its base URL.",
            model=name,
        )
    return opener(name, settings or ModelSettings())
