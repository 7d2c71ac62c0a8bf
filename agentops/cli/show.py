"""``agentops show``: from a citation to the words it points to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json

if TYPE_CHECKING:
    from agentops.retrieval import Index, Quote

__all__ = ["show"]

_CITATION: Final = re.compile(r"(?P<document>.+):(?P<start>\d{1,12})-(?P<end>\d{1,12})", re.DOTALL)
_NEAR: Final = 2_000
"""Characters within which lines of context are looked for."""


@click.command(short_help="Show the place in a document that a citation points to.")
@click.argument("citation", nargs=-1, required=True, metavar="[COLLECTION] DOCUMENT:START-END")
@click.option("--context", type=click.IntRange(0, 50), default=3, show_default=True, help="Lines before and behind it.")
@json_option
@pass_shell
def show(shell: Shell, citation: tuple[str, ...], context: int, as_json: bool) -> int:
    """Show the quoted span with a few lines around it. COLLECTION may be left out where there is only one.

    The span is printed from the text that was indexed; whether the file still says so is told too.
    """
    from agentops.retrieval import Index

    collection, document, start, end = _read(citation)
    with Index.open(shell.index(), create=False) as opened:
        name = collection or _holder(opened, document)
        quote = opened.quote(name, document, start, end)
        before, after = _around(opened, name, quote, context) if quote.state == "current" else ("", "")
    if as_json:
        print_json({**_plain(quote), "collection": name, "before": before, "after": after})
        return 0
    _print(quote, before, after)
    return 0


def _read(given: tuple[str, ...]) -> tuple[str | None, str, int, int]:
    match = _CITATION.fullmatch(given[-1].strip("`"))
    if match is None or len(given) > 2:
        msg = f"{' '.join(given)!r} is not a citation"
        raise click.UsageError(f"{msg}: write [COLLECTION] DOCUMENT:START-END, such as guide.md:120-480")
    return (given[0] if len(given) == 2 else None), match["document"], int(match["start"]), int(match["end"])


def _holder(opened: Index, document: str) -> str | None:
    """The one collection that has this document; None: the index is to say what is wrong."""
    names = [each.collection for each in opened.stats()]
    having = [name for name in names if document in opened.documents(name)]
    return having[0] if len(having) == 1 else None


def _around(opened: Index, name: str | None, quote: Quote, lines: int) -> tuple[str, str]:
    """The lines of the document before and behind a span."""
    if not lines:
        return "", ""
    start = max(0, quote.start - _NEAR)
    before = opened.quote(name, quote.document, start, quote.start).text if start < quote.start else ""
    after = _behind(opened, name, quote)
    return "\n".join(before.split("\n")[-lines - 1 :]), "\n".join(after.split("\n")[: lines + 1])


def _behind(opened: Index, name: str | None, quote: Quote) -> str:
    """What follows a span: as much as there is, up to `_NEAR`."""
    from agentops.errors import DocumentError

    low, high, text = 0, _NEAR, ""
    while low < high:  # the longest span that the document has
        length = (low + high + 1) // 2
        try:
            text = opened.quote(name, quote.document, quote.end, quote.end + length).text
            low = length
        except DocumentError:
            high = length - 1
    return text


def _plain(quote: Quote) -> dict[str, object]:
    import msgspec

    found: dict[str, object] = msgspec.to_builtins(quote)
    return found


def _print(quote: Quote, before: str, after: str) -> None:
    """The span between its surroundings, marked at the margin."""
    from agentops.observe.told import visible

    where = f"{quote.document}:{quote.start}-{quote.end}"
    print(visible(f"{where}  {quote.heading}".rstrip()))
    print()
    for mark, text in (("  ", before.strip("\n")), ("> ", quote.text.strip("\n")), ("  ", after.strip("\n"))):
        if text.strip():
            print("\n".join(f"{mark}{line}".rstrip() for line in visible(text, lines=True).split("\n")))
    if quote.note:
        note(f"note: {visible(quote.note)}")
