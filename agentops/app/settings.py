"""Settings: flag, else environment, else workspace file, else default; and which of them it was.

The workspace file is ``agentops.yaml``, found in the working folder or above it::

    model: openai/gpt-5-mini          # default: offline/extractive
    base_url: http://127.0.0.1:8080/v1
    api_key_env: MY_PROVIDER_KEY      # name of the variable that holds the key; default: OPENAI_API_KEY
    journal: .agentops/journal.db
    durability: process               # or power
    prices: {openai/my-model: {input: 0.25, output: 2.00}}
    secrets: [MY_OTHER_TOKEN]         # environment variables whose values never reach the journal
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agentops.errors import WorkspaceError
from agentops.kernel.suggest import nearest

__all__ = ["FILE_NAME", "SETTINGS", "Settings", "load_settings"]

FILE_NAME: Final = "agentops.yaml"
DEFAULT_MODEL: Final = "offline/extractive"

SETTINGS: Final = {
    "workspace": ("AGENTOPS_WORKSPACE", "the folder of agents/, playbooks/ and agentops.yaml"),
    "journal": ("AGENTOPS_JOURNAL", "the journal's file; default: .agentops/journal.db in the workspace"),
    "model": ("AGENTOPS_MODEL", f"full name of the model; default: {DEFAULT_MODEL}"),
    "base_url": ("AGENTOPS_BASE_URL", "address of an OpenAI-compatible endpoint; else OPENAI_BASE_URL"),
    "api_key_env": ("AGENTOPS_API_KEY_ENV", "name of the variable that holds the key; default: OPENAI_API_KEY"),
    "durability": ("AGENTOPS_DURABILITY", "process (survives kill, default) or power (survives loss of power)"),
}
"""Each setting with its environment variable and what it is."""


class WorkspaceFile(BaseModel):
    """What ``agentops.yaml`` may say."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str | None = None
    base_url: str | None = None
    api_key_env: str | None = None
    journal: str | None = None
    durability: Literal["process", "power"] | None = None
    prices: dict[str, Any] = {}
    secrets: list[str] = []


class Settings(BaseModel):
    """All settings of one invocation. ``sources`` says where each came from."""

    model_config = ConfigDict(frozen=True)

    workspace: Path
    data: Path
    """The folder for the workspace's own data."""
    journal: Path
    model: str
    base_url: str
    api_key: str
    durability: Literal["process", "power"]
    prices: dict[str, Any]
    secrets: dict[str, str]
    """Values that never reach the journal, by the name of the variable they came from."""
    sources: dict[str, str]

    def __repr__(self) -> str:
        return f"Settings(workspace={str(self.workspace)!r}, model={self.model!r})"


def load_settings(flags: Mapping[str, Any], environ: Mapping[str, str], cwd: Path) -> Settings:
    """The settings that hold; a flag that is None is unset. `WorkspaceError`: the workspace file is malformed."""
    said = flags.get("workspace") or environ.get("AGENTOPS_WORKSPACE")
    workspace = (cwd / said).resolve() if said else _find_workspace(cwd)
    if said and not workspace.is_dir():
        msg = f"the workspace {workspace} is not a folder"
        raise WorkspaceError(msg, hint=f"Make one with: agentops init {said}")
    file = _read_file(workspace / FILE_NAME)
    sources: dict[str, str] = {}

    def pick(name: str, default: str, *more: str) -> str:
        variable = SETTINGS[name][0]
        for value, source in (
            (flags.get(name), "flag"),
            *((environ.get(key), f"environment {key}") for key in (variable, *more)),
            (getattr(file, name, None), FILE_NAME),
        ):
            if value:
                sources[name] = source
                return str(value)
        sources[name] = "default"
        return default

    data = workspace / ".agentops"
    journal = pick("journal", str(data / "journal.db"))
    base = cwd if sources["journal"] != FILE_NAME else workspace
    key_name = pick("api_key_env", "OPENAI_API_KEY")
    durability = pick("durability", "process")
    if durability not in ("process", "power"):
        msg = f"durability is {durability!r} ({sources['durability']})"
        raise WorkspaceError(msg, hint="It is process or power.")
    api_key = environ.get(key_name, "")
    secrets = {name: environ[name] for name in (*file.secrets, key_name) if environ.get(name)}
    sources["workspace"] = "flag" if flags.get("workspace") else "environment" if said else "found"
    return Settings(
        workspace=workspace,
        data=data,
        journal=base / journal,
        model=pick("model", DEFAULT_MODEL),
        base_url=pick("base_url", "", "OPENAI_BASE_URL"),
        api_key=api_key,
        durability="power" if durability == "power" else "process",
        prices=file.prices,
        secrets=secrets,
        sources=sources,
    )


def _find_workspace(cwd: Path) -> Path:
    """The nearest folder, from here upwards, with a workspace file; else this one."""
    for folder in (cwd, *cwd.parents):
        if (folder / FILE_NAME).is_file():
            return folder.resolve()
    return cwd.resolve()


def _read_file(path: Path) -> WorkspaceFile:
    if not path.exists():
        return WorkspaceFile()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else ["?"]
    if all(not line.strip() or line.lstrip().startswith("#") for line in lines):
        return WorkspaceFile()  # nothing but comments says nothing
    from agentops.playbook.yaml_source import read_yaml

    try:
        return WorkspaceFile.model_validate(read_yaml(path).data or {})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        hint = nearest(where, WorkspaceFile.model_fields) if first["type"] == "extra_forbidden" else first["msg"]
        msg = f"{path}: {where or 'the file'} is not as it should be"
        raise WorkspaceError(msg, hint=hint, file=str(path)) from error
