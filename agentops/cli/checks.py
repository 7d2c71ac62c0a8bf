"""The doctor's checks: each looks at one thing, changes nothing, and says what to do."""

from __future__ import annotations

import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from importlib import metadata, util
from pathlib import Path
from typing import Final, Literal

import anyio
import msgspec

from agentops.app.settings import Settings
from agentops.cli.shell import Shell
from agentops.errors import AgentOpsError

__all__ = ["Check", "run_checks"]

_OURS: Final = "agentops-runtime"
_OTHER: Final = "agentops"
_NEEDED: Final = (
    "anyio click genai-prices msgspec networkx openai platformdirs pydantic pyyaml rich sqlite-utils structlog".split()
)
_ROOM: Final = 200 * 1024 * 1024


class Check(msgspec.Struct, frozen=True):
    """What a look at one thing found. ``broken`` alone makes the doctor's exit code 1."""

    name: str
    state: Literal["ok", "warning", "broken"]
    what: str
    hint: str = ""


def run_checks(shell: Shell, *, probe: bool) -> list[Check]:
    """All checks, in an order in which a later one rests on the earlier ones."""
    checks = [*_python(), *_packages(), *_clash(), *_sqlite()]
    try:
        settings = shell.settings()
    except AgentOpsError as error:
        return [*checks, Check("workspace", "broken", error.what, error.hint)]
    looks: list[Callable[[Shell, Settings], Iterator[Check]]] = [
        _workspace,
        _playbooks,
        _journal,
        _index,
        _disk,
        _isolation,
        _model,
    ]
    for look in looks:
        checks.extend(look(shell, settings))
    if probe:
        checks.append(_probe(shell))
    return checks


def _python() -> Iterator[Check]:
    said = f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}"
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        yield Check("python", "ok", said)
    else:
        yield Check("python", "broken", said, "agentops runs on Python 3.11 to 3.14.")


def _packages() -> Iterator[Check]:
    found, missing = [], []
    for name in _NEEDED:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Check("packages", "broken", f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    else:
        yield Check("packages", "ok", ", ".join(found))
    if util.find_spec("pypdf") is None:
        hint = f"To read PDF: pip install '{_OURS}[pdf]'"
        yield Check("pdf", "warning", "pypdf is not installed, so PDF files are skipped", hint)
    else:
        yield Check("pdf", "ok", f"pypdf {metadata.version('pypdf')}")


def _clash() -> Iterator[Check]:
    """Whether the unrelated distribution called `agentops`, which installs the same import name, is here too."""
    here = Path(__file__).resolve().parent.parent
    hint = f"pip uninstall {_OTHER}, then: pip install --force-reinstall {_OURS}"
    try:
        other = metadata.distribution(_OTHER)
    except metadata.PackageNotFoundError:
        other = None
    if other is not None and _owns_package(other):
        what = f"another distribution, {_OTHER} {other.version}, also installs the import name 'agentops'"
        yield Check("name", "broken", what, hint)
        return
    try:
        ours = f"{_OURS} {metadata.version(_OURS)}"
    except metadata.PackageNotFoundError:
        yield Check("name", "warning", f"{here} is used without being installed", "pip install .")
        return
    yield Check("name", "ok", f"{ours}, imported from {here}")


def _owns_package(distribution: metadata.Distribution) -> bool:
    files = [str(each).replace("\\", "/") for each in distribution.files or ()]
    return not files or "agentops/__init__.py" in files


def _sqlite() -> Iterator[Check]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE words USING fts5 (body)")
    except sqlite3.OperationalError as error:
        what = f"SQLite {sqlite3.sqlite_version} has no FTS5: {error}"
        yield Check("sqlite", "broken", what, "Use a Python whose sqlite3 was built with FTS5; documents need it.")
    else:
        yield Check("sqlite", "ok", f"SQLite {sqlite3.sqlite_version} with FTS5")
    finally:
        connection.close()


def _workspace(_shell: Shell, settings: Settings) -> Iterator[Check]:
    file = settings.workspace / "agentops.yaml"
    said = f"{settings.workspace} ({'with' if file.exists() else 'without'} agentops.yaml)"
    yield Check("workspace", "ok", said)


def _playbooks(shell: Shell, _settings: Settings) -> Iterator[Check]:
    try:
        app = shell.app()
        names = list(app.library.names())
        agents = [agent.name for agent in app.agents()]
    except AgentOpsError as error:
        yield Check("agents", "broken", error.what, error.hint)
        return
    yield Check("agents", "ok", ", ".join(agents) or "none")
    wrong = []
    for name in names:
        try:
            app.load(name)
        except AgentOpsError as error:
            wrong.append(name)
            yield Check("playbooks", "broken", error.what, error.hint)
    if not wrong:
        yield Check("playbooks", "ok", ", ".join(names) or "none")


def _journal(_shell: Shell, settings: Settings) -> Iterator[Check]:
    from agentops.journal.schema import VERSION
    from agentops.journal.sqlite import Journal

    if not settings.journal.exists():
        yield Check("journal", "ok", f"{settings.journal}: not made yet")
        return
    try:
        journal = Journal(settings.journal)
        try:
            (count,) = journal.query("SELECT count(*) FROM runs")[0]
        finally:
            journal.close()
    except AgentOpsError as error:
        yield Check("journal", "broken", error.what, error.hint)
    else:
        yield Check("journal", "ok", f"{settings.journal}: schema {VERSION}, {count} runs")


def _index(shell: Shell, _settings: Settings) -> Iterator[Check]:
    from agentops.retrieval import Index

    path = shell.index()
    if not path.exists():
        yield Check("index", "ok", f"{path}: not made yet")
        return
    try:
        with Index.open(path, create=False) as opened:
            found = opened.stats()
    except AgentOpsError as error:
        yield Check("index", "broken", error.what, error.hint)
    else:
        said = ", ".join(f"{each.collection} ({each.documents} documents)" for each in found)
        yield Check("index", "ok", f"{path}: {said or 'empty'}")


def _disk(_shell: Shell, settings: Settings) -> Iterator[Check]:
    folder = next(each for each in (settings.journal.parent, *settings.journal.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:,.1f} GB free at {folder}"
    yield Check("disk", "ok", said) if free > _ROOM else Check("disk", "warning", said, "Make room before a long run.")


def _isolation(_shell: Shell, _settings: Settings) -> Iterator[Check]:
    from agentops.tools.confinement import isolation_report

    report = isolation_report()
    if report.confined:
        yield Check("isolation", "ok", report.text())
    else:
        yield Check("isolation", "warning", report.text(), "Install bubblewrap to keep tools off network and files.")


def _model(shell: Shell, settings: Settings) -> Iterator[Check]:
    """What would be used, without a call."""
    try:
        label = shell.app().model_label(settings.model)
    except AgentOpsError as error:
        yield Check("model", "broken", error.what, error.hint)
        return
    source = settings.sources.get("model", "default")
    said = f"{settings.model} ({source}): {label}"
    if settings.model.startswith("openai/") and not settings.api_key and not settings.base_url:
        hint = "Set OPENAI_API_KEY, or name the variable that holds the key with api_key_env."
        yield Check("model", "warning", f"{said}; no key is set", hint)
    else:
        yield Check("model", "ok", said)


def _probe(shell: Shell) -> Check:
    """One small call of the model, to see whether it answers."""
    from agentops.kernel.chat import ChatMessage, ModelRequest

    app = shell.app()
    request = ModelRequest(app.settings.model, (ChatMessage("user", "Say ok."),), max_output_tokens=64)

    async def call() -> str:
        model = app.model(app.settings.model)
        try:
            return (await model.complete(request)).text
        finally:
            await model.aclose()

    try:
        text = anyio.run(call)
    except AgentOpsError as error:
        return Check("probe", "broken", error.what, error.hint)
    return Check("probe", "ok", f"{app.settings.model} answered {text[:60]!r}")
