"""Agents are loaded from a folder by path, and what is wrong in a file is said with its line."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

import pytest

from agentops.errors import AgentDefinitionError
from agentops.playbook.agents import load_agents, load_catalog
from tests.playbook.house import count_words

GOOD = """
    from agentops.kernel.agent import Agent, handles
    from agentops.messages import Message
    from .shared import Hello

    class Greeter(Agent):
        @handles
        async def on_hello(self, hello: Hello) -> str:
            return "hi"

    class _Base(Agent):
        pass
"""
SHARED = """
    from agentops.kernel.tool import tool
    from agentops.messages import Message
    from agentops.supervisor.guardrails import guardrail, passed

    class Hello(Message):
        name: str = ""

    @tool(effect="pure")
    def shout(text: str) -> str:
        '''Shout.'''
        return text.upper()

    @guardrail(on="input")
    def no_swearing(value: object) -> object:
        return passed
"""


def folder(root: Path, **files: str) -> Path:
    made = root / "agents"
    made.mkdir(exist_ok=True)
    for name, text in files.items():
        (made / f"{name}.py").write_text(textwrap.dedent(text), encoding="utf-8")
    return made


def test_files_see_each_other_by_relative_imports_and_bases_are_no_agents(tmp_path: Path) -> None:
    shelf = load_agents(folder(tmp_path, greeter=GOOD, shared=SHARED))
    assert list(shelf.agents) == ["greeter"]
    assert list(shelf.tools) == ["shout"]
    assert list(shelf.guardrails) == ["no-swearing"]
    assert shelf.files["greeter"].name == "greeter.py"


def test_nothing_called_agents_becomes_importable(tmp_path: Path) -> None:
    path = list(sys.path)
    before = sys.modules.get("agents")
    load_agents(folder(tmp_path, greeter=GOOD, shared=SHARED))
    assert sys.path == path
    assert sys.modules.get("agents") is before
    assert "greeter" not in sys.modules


def test_two_workspaces_do_not_meet(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        folder(tmp_path / name, greeter=GOOD, shared=SHARED)
    one, two = (load_agents(tmp_path / name / "agents").agents["greeter"] for name in ("one", "two"))
    assert one is not two
    assert list(one.handlers()) != list(two.handlers())


def test_a_folder_that_is_not_there_holds_no_agents(tmp_path: Path) -> None:
    assert load_agents(tmp_path / "agents").agents == {}


def test_the_first_workspace_hides_the_agents_of_later_ones(tmp_path: Path) -> None:
    for name in ("mine", "stock"):
        (tmp_path / name).mkdir()
        folder(tmp_path / name, greeter=GOOD, shared=SHARED)
    catalog = load_catalog([tmp_path / "mine", tmp_path / "stock"], [count_words])
    assert catalog.agents["greeter"] is load_agents(tmp_path / "mine" / "agents").agents["greeter"]
    assert sorted(catalog.tools) == ["count_words", "shout"]
    assert list(catalog.guardrails) == ["no-swearing"]


HANDLER = """
    from agentops.kernel.agent import Agent, handles

    class Odd(Agent):
        @handles
        async def on_it(self, it){returns}:
            return 1
"""


@pytest.mark.parametrize(
    ("text", "line", "said", "hint"),
    [
        ("import nosuchthing\n", 1, "ModuleNotFoundError: No module named 'nosuchthing'", "Install what provides"),
        ("import shared\n", 1, "No module named 'shared'", "write 'from .shared import ...'"),
        ("from .nobody import x\n", 1, "No module named", "Relative imports reach the other files"),
        ("from json import nothing\n", 1, "cannot import name 'nothing' from 'json'", "Check the name"),
        ("from agents.shared import Hello\n", 1, "No module named 'agents", "from .name import"),
        ("x = 1\ndef f(:\n", 2, "SyntaxError: invalid syntax", "not valid Python"),
        ("x = 1\n\n1 / 0\n", 3, "ZeroDivisionError: division by zero", "must not fail"),
        ("import sys\nsys.exit(3)\n", 2, "SystemExit: 3", "must not fail"),
        ("def f():\n    raise KeyError('k')\n\nf()\n", 2, "KeyError: 'k'", "must not fail"),
        (HANDLER.format(returns=""), 4, "its parameter 'it' has no annotation", "Annotate it with one class"),
        (
            "from agentops.kernel.agent import handles\n\n@handles\ndef on_it(self, it):\n    return 1\n",
            3,
            "@handles goes onto an async method",
            "async def",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded_is_named_with_its_line(
    tmp_path: Path, text: str, line: int, said: str, hint: str
) -> None:
    with pytest.raises(AgentDefinitionError, match=r"broken\.py") as caught:
        load_agents(folder(tmp_path, broken=text, shared=SHARED))
    assert said in caught.value.what
    assert hint in caught.value.hint
    assert Path(caught.value.file).name == "broken.py"
    assert caught.value.line == line
    assert caught.value.exit_code == 2


def test_a_failure_in_an_imported_file_is_placed_there(tmp_path: Path) -> None:
    with pytest.raises(AgentDefinitionError, match=r"_helper\.py:2: ZeroDivisionError"):
        load_agents(folder(tmp_path, main="from . import _helper\n", _helper="x = 1\ny = x / 0\n"))


def test_two_agents_of_one_name_are_refused_with_both_files(tmp_path: Path) -> None:
    with pytest.raises(AgentDefinitionError, match=r"zweit\.py:6: two agents are called 'greeter'.*greeter\.py"):
        load_agents(folder(tmp_path, greeter=GOOD, zweit=GOOD, shared=SHARED))


def test_a_file_whose_name_is_no_identifier_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AgentDefinitionError, match=r"'my-agent' cannot be the name of a Python module\n.*my_agent\.py"):
        load_agents(folder(tmp_path, **{"my-agent": "x = 1\n"}))
