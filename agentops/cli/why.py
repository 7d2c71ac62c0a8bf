"""``agentops why``: from a claim of the answer back to the words of the sources."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
import msgspec

from agentops.cli.shell import Shell, json_option, note, pass_shell, print_json, read_blocks

if TYPE_CHECKING:  # names in annotations only: importing them takes longer than --help may
    from agentops.observe.why import Reason, Span

__all__ = ["why"]


@click.command(short_help="Follow the claims of an answer back to the spans of its sources.")
@click.argument("name", metavar="RUN")
@click.option("--claim", type=int, metavar="N", help="Only this claim, from 1, with the whole chain behind it.")
@json_option
@pass_shell
def why(shell: Shell, name: str, claim: int | None, as_json: bool) -> int:
    """Show what each claim in the answer of RUN rests on, from the record alone.

    RUN is an id, the beginning or end of one, or `last`. With --claim the chain is shown in full: findings, passages
    with the words quoted, the search that found them, and the messages back to what the run was asked. An answer
    that claims nothing is shown with the messages and calls that led to it.
    """
    from agentops.observe.path import decision_path
    from agentops.observe.said import Conversation
    from agentops.observe.why import led_to
    from agentops.observe.why import why as reasons_of

    journal = shell.journal()
    try:
        row = journal.find(name)
        blocks = read_blocks(journal, row)
        talk = Conversation(blocks, journal.payload)
        path = decision_path(blocks, journal.payload, run=row.run, playbook=row.playbook, status=row.status)
    finally:
        journal.close()
    reasons = reasons_of(talk)
    chosen = _chosen(reasons, claim, row.run)
    if as_json:
        print_json(_object(row, talk, reasons, chosen, led_to(path)))
    elif claim is not None:
        print("\n".join(_chain(reasons[claim - 1], claim, len(reasons))))
    elif reasons:
        for number, reason in enumerate(reasons, 1):
            print(_line(number, reason))
        note(f"one of them in full: agentops why {row.run} --claim 1")
    else:
        _without_claims(row.run, path)
    return 0


def _chosen(reasons: list[Reason], claim: int | None, run: str) -> list[int]:
    """The numbers of the claims that were asked for."""
    if claim is None:
        return list(range(1, len(reasons) + 1))
    if not 1 <= claim <= len(reasons):
        from agentops.errors import InvalidInput

        has = f"claims 1 to {len(reasons)}" if len(reasons) > 1 else "one claim, 1" if reasons else "no claims"
        msg = f"run {run} has no claim {claim}: its answer has {has}"
        raise InvalidInput(msg, hint=f"List them with agentops why {run}.", claims=len(reasons))
    return [claim]


def _object(row: Any, talk: Any, reasons: list[Reason], chosen: list[int], path: Any) -> dict[str, Any]:
    found = {
        "run": row.run,
        "status": row.status,
        "claims": [
            {
                "claim": number,
                "sources": [msgspec.to_builtins(span) for span in reasons[number - 1].sources()],
                **msgspec.to_builtins(reasons[number - 1]),
            }
            for number in chosen
        ],
    }
    if talk.error is not None:
        found["error"] = talk.error
    return found if reasons else {**found, "path": path}


def _without_claims(run: str, path: Any) -> None:
    from agentops.observe.tree import draw
    from agentops.observe.why import led_to

    print("this run's answer claims nothing that could be followed; what led to it:")
    print(draw(led_to(path), width=_width()))
    note(f"with every choice: agentops runs show {run}")


# --- in words ----------------------------------------------------------------------------------------------------


def _width() -> int:
    return shutil.get_terminal_size((120, 24)).columns


def _line(number: int, reason: Reason) -> str:
    """A claim and its sources on one line; the claim is shortened, its sources are not."""
    from agentops.observe.told import clip, visible

    sources = ", ".join(visible(span.where) for span in reason.sources()) or "no source on record"
    room = max(_width() - len(sources) - len(str(number)) - 6, 40)
    return f"{number}. {clip(visible(reason.text), room)}  <- {sources}"


def _chain(reason: Reason, number: int, count: int) -> list[str]:
    """A claim and everything behind it, as a tree; what was told once is not told again."""
    head = f"claim {number} of {count}: {_quoted(reason.text)}"
    lines = textwrap.wrap(head, _width(), subsequent_indent="  ", break_on_hyphens=False)
    lines += [f"  {each}" for each in (_author(reason), *map(_cited, reason.spans)) if each]
    return [*lines, *_below(reason, "", set())]


def _below(reason: Reason, indent: str, told: set[str]) -> Iterator[str]:
    for number, each in enumerate(reason.because, 1):
        last = number == len(reason.because)
        first, rest = indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  ")
        key = f"{each.kind} {each.name} {each.at} {each.text}"
        again = key in told
        rows = _words(each)[:1] if again else _words(each)
        for row, text in enumerate(rows):
            wrapped = textwrap.wrap(text, max(_width() - len(first), 40), break_on_hyphens=False) or [""]
            yield (first if row == 0 else rest + "  ") + wrapped[0] + (" (see above)" if again else "")
            yield from (f"{rest}  {more}" for more in wrapped[1:])
        told.add(key)
        if not again:
            yield from _below(each, rest, told)


def _words(reason: Reason) -> list[str]:
    """What a link says, on a line or a few."""
    from agentops.observe.told import call, visible

    name, by = visible(reason.name), visible(reason.by)
    match reason.kind:
        case "source":
            return [f"passage {name}" if reason.spans else _quoted(reason.text), *map(_cited, reason.spans)]
        case "call":
            rule = f", allowed by {visible(reason.rule)}" if reason.rule else ""
            return [f"given to {by} by {call(reason.name, reason.value, 160)} · {visible(reason.at)}{rule}"]
        case "message":
            return [f"{visible(reason.text)} was asked by {by}: {call(reason.name, reason.value, 120)}"]
        case "input" | "external":
            body = reason.value
            if isinstance(body, dict) and body.keys() == {"values"}:
                body = body["values"]  # the inputs of a playbook
            whence = "the run was asked" if reason.kind == "input" else "a message from outside"
            return [f"{whence}: {call(reason.name, body, 160)}"]
        case _:
            head = f"{name}: {_quoted(reason.text)}" if name else _quoted(reason.text)
            return [each for each in (head, _author(reason)) if each]


def _author(reason: Reason) -> str:
    from agentops.observe.told import visible

    worded = f", in the words of {visible(reason.model)}" if reason.model else ""
    return f"by {visible(reason.by)}{worded}" if reason.by else ""


def _cited(span: Span) -> str:
    from agentops.observe.told import visible

    return f"{visible(span.where)} {_quoted(span.text)}" if span.text else visible(span.where)


def _quoted(text: str) -> str:
    from agentops.observe.told import clip, visible

    return f'"{clip(visible(" ".join(text.split())), 400)}"'
