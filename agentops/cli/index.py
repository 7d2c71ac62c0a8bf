"""``agentops index``: documents read, searched, counted."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json, table

__all__ = ["index"]


@click.group(short_help="Read documents, search them, count them.")
def index() -> None:
    """Read documents, search them, count them."""


@index.command("add")
@click.argument("folder")
@click.option("--collection", metavar="NAME", help="What to call them; default: from the folder's name and place.")
@json_option
@pass_shell
def add(shell: Shell, folder: str, collection: str | None, as_json: bool) -> int:
    """Read the documents in FOLDER (Markdown, text, HTML, PDF) into the index; only what changed is read again."""
    from agentops.observe.told import visible
    from agentops.retrieval import Index

    app = shell.app()
    app.prepare_data()
    with Index.open(shell.index()) as opened:
        report = opened.add(Path(folder), collection)
    if as_json:
        print_json(report)
        return 0
    counts = {
        "added": report.added,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    moved = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    print(f"{report.collection}: {report.documents} documents, {report.passages} passages ({moved or 'nothing new'})")
    for each in report.skipped:
        note(f"  not read  {visible(each.document)}: {visible(each.reason)}")
    for each in report.damaged:
        note(f"  with losses  {visible(each.document)}: {visible(each.reason)}")
    return 0


@index.command("search")
@click.argument("query")
@click.option("--collection", metavar="NAME", help="Where to look, if there are several.")
@click.option("--limit", type=click.IntRange(1, 200), default=8, show_default=True, help="At most so many passages.")
@json_option
@pass_shell
def search(shell: Shell, query: str, collection: str | None, limit: int, as_json: bool) -> int:
    """Find the passages that bear best on QUERY."""
    from agentops.observe.told import visible
    from agentops.retrieval import Index

    with Index.open(shell.index(), create=False) as opened:
        passages = opened.search(query, limit, collection)
    if as_json:
        print_json(passages)
        return 0
    if not passages:
        print("nothing found", file=sys.stderr)
    for passage in passages:
        heading = f"  {visible(passage.heading)}" if passage.heading else ""
        print(f"{visible(passage.id)}{heading}")
        print("\n".join(f"    {line}" for line in visible(passage.text, lines=True).strip().splitlines()))
        print()
    return 0


@index.command("stats")
@json_option
@pass_shell
def stats(shell: Shell, as_json: bool) -> int:
    """Say what is in the index."""
    from agentops.retrieval import Index

    path = shell.index()
    if not path.exists():
        print_json([]) if as_json else print("no documents are indexed")
        return 0
    with Index.open(path, create=False) as opened:
        found = opened.stats()
    if as_json:
        print_json(found)
        return 0
    rows = [
        [each.collection, f"{each.documents:,}", f"{each.passages:,}", f"{each.characters:,}", each.folder]
        for each in found
    ]
    table(["collection", "documents", "passages", "characters", "folder"], rows)
    return 0
