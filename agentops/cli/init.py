"""``agentops init``: a workspace to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json

__all__ = ["init"]

_SETTINGS: Final = """\
# Settings of this workspace. Flags and environment variables go before what stands here.

model: offline/extractive             # needs no key and no network; or openai/gpt-5-mini and the like

# base_url: http://127.0.0.1:8080/v1  # any OpenAI-compatible endpoint
# api_key_env: OPENAI_API_KEY         # the variable that holds the key; the key itself never stands here
# journal: .agentops/journal.db       # where runs are recorded
# durability: process                 # process survives a kill, power also the loss of power
# prices:                             # dollars per million tokens, of models that are in no table
#   openai/my-model: {input: 0.25, output: 2.00}
# secrets: [MY_OTHER_TOKEN]           # variables whose values never reach the journal
"""
_IGNORE: Final = "# journal, index and other data of agentops\n.agentops/\n"
_FOLDERS: Final = {"agents": "*.py", "playbooks": "*.yaml"}


@click.command(short_help="Write a workspace: agents, playbooks and settings to start from.")
@click.argument("folder", default=".", metavar="[DIR]")
@click.option("--force", is_flag=True, help="Overwrite files that are there and differ.")
@json_option
@pass_shell
def init(shell: Shell, folder: str, force: bool, as_json: bool) -> int:
    """Write agents/, playbooks/, agentops.yaml and .gitignore into DIR, the working folder by default.

    A file that is there and differs is an error, and then nothing is written, unless --force is given.
    """
    from agentops.errors import InvalidInput

    del shell
    target = Path(folder)
    files = _files()
    differing = [name for name, data in files.items() if _differs(target / name, data)]
    keep = {name for name in differing if name == ".gitignore"}
    clash = [name for name in differing if name not in keep]
    if clash and not force:
        msg = f"{target} has files that would be overwritten: {', '.join(clash)}"
        raise InvalidInput(msg, hint="Name another folder, or say --force.", files=clash)
    written = _write(target, {name: data for name, data in files.items() if name not in keep})
    if keep:
        written += _ignore_data(target / ".gitignore")
    if as_json:
        print_json({"workspace": str(target.resolve()), "written": written})
        return 0
    print(
        f"workspace {target.resolve()}: {len(written)} files written" if written else f"{target.resolve()} is complete"
    )
    for name in written:
        print(f"  {name}")
    at = "" if folder == "." else f"cd {folder} && "
    note(f'next: {at}agentops run research-brief -i question="..." -i documents=FOLDER')
    return 0


def _files() -> dict[str, bytes]:
    """What a workspace begins with, by path."""
    from agentops.app.workspace import stock_workspace

    stock = stock_workspace()
    found = {
        path.relative_to(stock).as_posix(): path.read_bytes()
        for name, pattern in _FOLDERS.items()
        for path in sorted((stock / name).glob(pattern))
    }
    return {**found, "agentops.yaml": _SETTINGS.encode(), ".gitignore": _IGNORE.encode()}


def _differs(path: Path, data: bytes) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != data)


def _write(target: Path, files: dict[str, bytes]) -> list[str]:
    written = []
    for name, data in files.items():
        path = target / name
        if path.is_file() and path.read_bytes() == data:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        written.append(name)
    return written


def _ignore_data(path: Path) -> list[str]:
    """Add the data folder to a .gitignore that is there; somebody's own lines stay."""
    text = path.read_text(encoding="utf-8")
    if any(line.strip().strip("/") == ".agentops" for line in text.splitlines()):
        return []
    path.write_text(text + ("" if text.endswith("\n") or not text else "\n") + _IGNORE, encoding="utf-8")
    return [".gitignore"]
