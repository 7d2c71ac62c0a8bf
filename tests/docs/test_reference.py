"""What can be met is documented: commands, options, settings, errors, records, exit codes, keys, matchers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import click
import pytest

import agentops
from agentops import errors
from agentops.app.settings import SETTINGS, WorkspaceFile
from agentops.cli.main import cli
from agentops.journal.schema import TABLES, VIEWS
from agentops.kernel import records
from agentops.playbook.schema import PlaybookModel
from agentops.supervisor.matchers import MATCHERS
from agentops.supervisor.stock import STOCK
from tests.docs.generate import EXIT_CODES, PAGES, commands

ROOT: Final = Path(__file__).resolve().parent.parent.parent
DOCS: Final = ROOT / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    """After a change: ``python -m tests.docs.generate``."""
    assert page(name) == PAGES[name]()


def test_every_command_and_option_stands_in_the_reference() -> None:
    text = page("reference/cli.md")
    for name, command, _ in commands(cli, "agentops"):
        assert f"## {name}\n" in text
        options = [one for each in command.params if isinstance(each, click.Option) for one in each.opts]
        assert [option for option in options if option not in text] == []


def test_every_command_line_says_what_it_is_for() -> None:
    assert [name for name, command, _ in commands(cli, "agentops") if not command.help] == []


def test_every_exit_code_of_an_error_is_explained() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__]
    codes = {kind.exit_code for kind in kinds if isinstance(kind, type) and issubclass(kind, errors.AgentOpsError)}
    assert codes <= set(EXIT_CODES)
    assert all(f"| {code} |" in page("reference/cli.md") for code in EXIT_CODES)


def test_every_error_is_documented_and_stands_in_the_drawn_tree() -> None:
    text = page("reference/errors.md")
    tree = text.partition("```text")[2].partition("```")[0]
    names = [name for name in errors.__all__ if isinstance(getattr(errors, name), type)]
    assert [name for name in names if f"`{name}`" not in text or not re.search(rf"\b{name}\b", tree)] == []


def test_every_kind_of_record_and_each_of_its_fields_is_documented() -> None:
    text = page("reference/records.md")
    for name in records.__all__:
        kind = getattr(records, name)
        tag = getattr(getattr(kind, "__struct_config__", None), "tag", None)
        if isinstance(tag, str):
            section = text.partition(f"### {tag}\n")[2].partition("\n### ")[0]
            assert [field for field in kind.__struct_fields__ if f"`{field}`" not in section] == [], tag


def test_every_setting_variable_and_key_of_the_workspace_file_is_documented() -> None:
    text = page("reference/settings.md")
    wanted = [*SETTINGS, *(variable for variable, _ in SETTINGS.values()), *WorkspaceFile.model_fields]
    assert [name for name in wanted if f"`{name}`" not in text] == []


def test_every_environment_variable_that_is_read_is_documented() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "agentops").rglob("*.py")]
    read = {name for source in sources for name in re.findall(r"[\"'](AGENTOPS_[A-Z_]+)[\"']", source)}
    assert read
    assert [name for name in sorted(read) if name not in page("reference/settings.md")] == []


def test_every_key_of_a_playbook_is_documented() -> None:
    text = page("reference/playbooks.md")
    keys = [info.alias or name for name, info in PlaybookModel.model_fields.items()]
    assert [key for key in keys if f"`{key}`" not in text] == []


def test_every_matcher_and_every_stock_guardrail_is_documented() -> None:
    text = page("reference/policy.md")
    assert [name for name in MATCHERS if f"`{name}" not in text] == []
    assert [name for name in STOCK if f"`{name}`" not in text] == []


def test_every_table_and_view_of_the_journal_is_documented() -> None:
    text = page("how-to/read-the-journal-with-sqlite.md")
    tables = re.findall(r"CREATE TABLE (\w+)", TABLES)
    assert [name for name in [*tables, *VIEWS] if f"`{name}`" not in text] == []


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in agentops.__all__ if not (getattr(agentops, name).__doc__ or "").strip()] == []
