"""Writes the reference pages that follow from the code: ``python -m tests.docs.generate``. A test says when to."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import click
import msgspec
from pydantic.fields import FieldInfo

from agentops import errors
from agentops.app import settings
from agentops.cli.main import cli
from agentops.kernel import records
from agentops.kernel.chat import Usage
from agentops.kernel.gate import Amount

__all__ = ["PAGES", "commands"]

DOCS: Final = Path(__file__).resolve().parent.parent.parent / "docs"

EXIT_CODES: Final = {
    0: "Done.",
    1: "The run failed, or something is broken.",
    2: "The usage, or what was given, is wrong: playbook, inputs, documents, run id, settings, journal.",
    3: "A budget stopped the run.",
    4: "A permission or a guardrail stopped the run.",
    5: "The run waits for a person's approval.",
    6: "A replay diverged from the record.",
    130: "Interrupted, or cancelled.",
}


def commands(command: click.Command, name: str) -> Iterator[tuple[str, click.Command, click.Context]]:
    """A command and all below it, each with its full name."""
    context = click.Context(command, info_name=name, max_content_width=100, terminal_width=100)
    yield name, command, context
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from commands(found, f"{name} {child}")


def cli_page() -> str:
    """Every command with its help."""
    parts = [
        "# The command line",
        _prose(
            """
            Results go to stdout, progress and hints to stderr. Every command but `agentops` itself takes `--json`,
            and then prints one JSON value on stdout. A setting is taken from the flag, else from the environment,
            else from the workspace file, else it has its default: see [settings](settings.md).
            """
        ),
        "`RUN` is the id of a run, the beginning or end of one, or `last`.",
        "## Exit codes",
        _table(("code", "meaning"), [(str(code), text) for code, text in EXIT_CODES.items()]),
        "The [errors](errors.md) page says which error has which code.",
    ]
    for name, command, context in commands(cli, "agentops"):
        help_text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        parts += [f"## {name}", f"```text\n{help_text}\n```"]
    return _page(parts)


def errors_page() -> str:
    """The tree of errors, and every class."""
    tree = inspect.cleandoc(errors.__doc__ or "").partition("::\n")[2].partition("\n\nAn error")[0].strip("\n")
    parts = [
        "# Errors",
        _prose(
            """
            Every error that agentops raises is an `AgentOpsError`, defined in `agentops.errors`. Its text says what
            happened, with which values. `error.hint` says what to do next. Its facts are attributes, so that a
            program need not parse the text. The command line turns the class of an error into its exit code.
            """
        ),
        f"```text\n{inspect.cleandoc(tree)}\n```",
    ]
    parts.append(
        _table(
            ("error", "exit code", "when"),
            [(f"`{kind.__name__}`", _exit_code(kind), _marked(inspect.getdoc(kind) or "")) for kind in _classes()],
        )
    )
    return _page(parts)


def _exit_code(kind: type[BaseException]) -> str:
    return str(kind.exit_code) if issubclass(kind, errors.AgentOpsError) else ""


def _classes() -> list[type[BaseException]]:
    found = [getattr(errors, name) for name in errors.__all__]
    classes = [value for value in found if isinstance(value, type)]
    return sorted(classes, key=lambda kind: inspect.getsourcelines(kind)[1])


def records_page() -> str:
    """Every kind of delivery and record, with its fields in the order of the format."""
    parts = [
        "# Records",
        _prose(
            """
            The journal keeps a run as blocks. A block is one delivery and the records that it caused: a JSON array
            whose first element is the delivery. Each element is an array that opens with its kind; the fields
            follow in the order given here. A field is only ever added at the end. Times are integer microseconds
            since 1970-01-01 UTC. A value `{"$payload": digest}` stands in the table `payloads` under that SHA-256.
            How to query them: [read the journal with SQLite](../how-to/read-the-journal-with-sqlite.md).
            """
        ),
        _prose(
            """
            Identity is a path, not a counter: `agent/turn/fiber.n` is the n-th thing that a fiber did in that turn
            of that agent. An attempt after the first has `#2`, `#3` and so on behind it.
            """
        ),
        "## Deliveries",
        "A delivery is what comes in from outside. Deliveries stand in the one order in which they were handed in.",
    ]
    for node, kind in _lines(records):
        if kind is records.Spawned:
            parts += ["## What a delivery caused"]
        parts += [f"### {kind.__struct_config__.tag}", _marked(inspect.getdoc(kind) or ""), _fields(node)]
    parts += ["## Parts", "`ErrorRecord`, `Usage` and `Amount` stand inside other records.", _parts()]
    return _page(parts)


def _lines(module: ModuleType) -> Iterator[tuple[ast.ClassDef, type[msgspec.Struct]]]:
    """Each kind of line with its source, in the order of the file."""
    for node in ast.parse(inspect.getsource(module)).body:
        kind: Any = getattr(module, node.name) if isinstance(node, ast.ClassDef) else None
        if isinstance(node, ast.ClassDef) and isinstance(kind.__struct_config__.tag, str):
            yield node, kind


def _fields(node: ast.ClassDef) -> str:
    rows: list[tuple[str, str, str]] = []
    for index, child in enumerate(node.body):
        if not isinstance(child, ast.AnnAssign):
            continue
        after = node.body[index + 1] if index + 1 < len(node.body) else None
        about = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            about = inspect.cleandoc(str(after.value.value))
        name, kind = ast.unparse(child.target), ast.unparse(child.annotation)
        rows.append((f"`{name}`", f"`{kind.replace('Raw', 'JSON')}`".replace("|", "\\|"), _marked(about)))
    return _table(("field", "type", ""), rows)


def _parts() -> str:
    rows = []
    for kind in (records.ErrorRecord, Usage, Amount):
        first = (inspect.getdoc(kind) or "").partition("\n\n")[0]
        rows.append((f"`{kind.__name__}`", ", ".join(f"`{name}`" for name in kind.__struct_fields__), _marked(first)))
    return _table(("part", "fields", ""), rows)


def settings_page() -> str:
    """Every setting, its variable, and what the workspace file may say."""
    rows = [(f"`{name}`", f"`{variable}`", _marked(about)) for name, (variable, about) in settings.SETTINGS.items()]
    example = (inspect.getdoc(settings) or "").partition("::\n")[2]
    parts = [
        "# Settings",
        _prose(
            """
            A setting is taken from the flag, else from the environment, else from the workspace file
            `agentops.yaml`, else it has its default. The workspace file is looked for in the working folder and
            above it; the folder that holds it is the workspace. `agentops doctor` shows what holds.
            """
        ),
        _table(("setting", "environment", "what it is"), rows),
        _prose(
            """
            The flags are `--journal` and `--workspace` before the command, `--model`, `--base-url` and
            `--api-key-env` behind `run`; see [the command line](cli.md). `AGENTOPS_LOG_LEVEL`, or `--log-level`
            before the command, writes logs to stderr instead of progress: debug, info, warning or error. With
            `AGENTOPS_DEBUG=1` an error that is a fault of agentops itself shows its traceback. A model that a
            playbook names goes before the workspace file's, and behind a flag or `AGENTOPS_MODEL`.
            """
        ),
        _prose(
            """
            A key never stands in a file. The variable that `api_key_env` names holds it; its value is redacted from
            everything that is recorded, and so are the values of the variables under `secrets`.
            """
        ),
        "## The workspace file",
        f"```yaml\n{inspect.cleandoc(example).strip()}\n```",
        _table(
            ("key", "type"),
            [
                (f"`{name}`", f"`{_type(info.annotation)}`")
                for name, info in settings.WorkspaceFile.model_fields.items()
            ],
        ),
        "A key that is not listed is an error, with a suggestion.",
    ]
    return _page(parts)


def _file_keys() -> dict[str, FieldInfo]:
    return settings.WorkspaceFile.model_fields


def _type(annotation: object) -> str:
    name = annotation.__name__ if isinstance(annotation, type) and "[" not in str(annotation) else str(annotation)
    name = re.sub(r"typing\.|, NoneType| \| None|Optional\[(.*)\]", r"\1", name)
    name = re.sub(r"Literal\[(.*)\]", lambda found: found[1].replace("'", "").replace(", ", " or "), name)
    return name.replace("|", "\\|")


def _prose(text: str) -> str:
    """A paragraph, wrapped as the other pages are."""
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def _marked(text: str) -> str:
    """A docstring as Markdown on one line."""
    one = " ".join(text.split())
    one = re.sub(r"``([^`]+)``", r"`\1`", one)
    return one.replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def _page(parts: list[str]) -> str:
    first, *rest = parts
    return "\n\n".join([first, *rest]) + "\n"


PAGES: Final = {
    "reference/cli.md": cli_page,
    "reference/errors.md": errors_page,
    "reference/records.md": records_page,
    "reference/settings.md": settings_page,
}


if __name__ == "__main__":
    for name, made in PAGES.items():
        (DOCS / name).write_text(made(), encoding="utf-8")
