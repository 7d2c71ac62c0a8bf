"""A recorded run may name an endpoint; it does not get a key by that."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentops.app.app import App
from agentops.app.settings import load_settings
from agentops.errors import InvalidInput
from agentops.kernel.records import Raw, Start


def _app(folder: Path, environ: dict[str, str], **flags: str) -> App:
    return App(load_settings({"model": "openai/x", **flags}, environ, folder))


def _recorded(folder: Path) -> Start:
    documents = folder / "documents"
    documents.mkdir()
    (documents / "a.md").write_text("A sentence.\n", encoding="utf-8")
    app = _app(folder, {}, base_url="http://127.0.0.1:9/v1")
    given = {"question": "What?", "documents": str(documents)}
    definition, _ = app.prepare("research-brief", given)
    return Start(1, "run", "PlaybookInputs", Raw(b"{}"), dict(definition.header))


def test_a_run_goes_on_at_the_endpoint_that_it_began_with(tmp_path: Path) -> None:
    app = _app(tmp_path, {})
    definition = app.redefine(_recorded(tmp_path))
    assert "127.0.0.1" in app.model_label(definition.spec.model)


def test_a_recorded_endpoint_gets_no_key_unless_a_setting_says_so(tmp_path: Path) -> None:
    start = _recorded(tmp_path)
    environ = {"OPENAI_API_KEY": "sk-test-0123456789abcdef"}
    app = _app(tmp_path, environ)
    definition = app.redefine(start)
    with pytest.raises(InvalidInput, match="a key is set here that it would get"):
        app.model(definition.spec.model)
    said = _app(tmp_path, environ, base_url="http://127.0.0.1:9/v1")
    assert said.model(said.redefine(start).spec.model).name == "openai/x"
