"""A workspace of small agents, and the command line driven as a subprocess in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent

AGENTS: Final = '''
"""Agents for tests of the command line."""

import pathlib
import time

from agentops import Agent, Ask, Message, handles, tool


class Note(Message):
    text: str
    markdown: str


class Order(Ask[Note]):
    text: str


@tool(effect="pure")
def look(name: str) -> str:
    """Look something up."""
    return f"seen {name}"


@tool(effect="irreversible")
def send_mail(to: str, body: str) -> str:
    """Send a mail; each is a line in a file."""
    with pathlib.Path("mails.txt").open("a", encoding="utf-8") as file:
        file.write(f"{to} {body}\\n")
    return "sent"


@tool(effect="pure")
def wait_for(file: str) -> str:
    """Say that somebody waits, and wait until a file is there."""
    pathlib.Path("waiting").write_text("x", encoding="utf-8")
    while not pathlib.Path(file).exists():
        time.sleep(0.01)
    return "it came"


@tool(effect="pure")
def spin_up() -> None:
    """Say that somebody will not give way."""
    pathlib.Path("spinning").write_text("x", encoding="utf-8")


class Clerk(Agent):
    """Does small things."""

    tools = [look, send_mail, wait_for]

    @handles
    async def on_order(self, order: Order) -> Note:
        way = self.decide("how?", options=("looking", "mailing", "waiting", "failing"), chosen=order.text.split()[0])
        if way == "mailing":
            said = await send_mail(to="boss@example.org", body="pay \\u202eevil\\x1b[31m")
        elif way == "waiting":
            said = await look(name="before") + await wait_for(file="go")
        elif way == "failing":
            raise ValueError("the clerk has a \\x1b[31mbad day")
        else:
            said = await look(name=order.text)
        return Note(text=said, markdown=f"# Note\\n\\n{said}")


class Idler(Agent):
    """Never gives way."""

    tools = [spin_up]

    @handles
    async def on_order(self, order: Order) -> Note:
        await spin_up()
        while True:
            pass
'''

PLAYBOOK: Final = """
playbook: errand
description: A clerk does one thing.
inputs:
  way: {type: text, description: What to do}
policy:
  allow:
    - {tool: look}
    - {tool: spin_up}
    - {tool: wait_for, id: may-wait}
  ask:
    - {tool: send_mail, id: mail-leaves-the-house, because: mail leaves the house}
steps:
  - id: do
    agent: clerk
    input: {text: "${inputs.way}"}
output: ${do}
"""


def make_workspace(folder: Path) -> Path:
    """A workspace with one agent and one playbook."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "agentops.yaml": "model: offline/extractive\n",
        "agents/clerk.py": AGENTS,
        "playbooks/errand.yaml": PLAYBOOK,
        "playbooks/strict.yaml": PLAYBOOK.replace("playbook: errand", "playbook: strict").replace(
            "  ask:\n", "  deny:\n"
        ),
    }.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def environment(**more: str) -> dict[str, str]:
    """That of this process, able to import this tree."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def agentops(*arguments: str, cwd: Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "agentops", *arguments],
        cwd=cwd,
        env=environment(**more),
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    """Start a command; the caller ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "agentops", *arguments],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def read_json(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON value on stdout."""
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        msg = f"not one JSON value: {done.stdout!r}\n{done.stderr}"
        raise AssertionError(msg) from error
