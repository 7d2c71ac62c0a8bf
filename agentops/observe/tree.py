"""Drawing the decision path: a tree of lines, wrapped to the width there is."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from agentops.observe import told
from agentops.observe.steps import Step
from agentops.observe.words import line

__all__ = ["draw"]


def draw(root: Step, *, width: int = 120, full: bool = False) -> str:
    """The path as text, one step a line or a few; values are shortened, unless ``full``."""
    lines = [f"run {told.visible(root.id)}  {line(root)}"]
    lines.extend(_below(root, "", width, full=full))
    return "\n".join(lines)


def _below(step: Step, indent: str, width: int, *, full: bool) -> Iterator[str]:
    rows = [(_text(each, full=full), each) for each in step.steps]
    answer = step.facts.get("answer")
    if step.kind in {"ask", "external"} and "answer" in step.facts:
        rows.append((f"answers {told.value(answer, 100_000 if full else 100)}", Step("")))
    for number, (text, each) in enumerate(rows, 1):
        last = number == len(rows)
        yield from _wrapped(text, indent + ("└─ " if last else "├─ "), indent + ("   " if last else "│  "), width)
        yield from _below(each, indent + ("   " if last else "│  "), width, full=full)


def _text(step: Step, *, full: bool) -> str:
    return line(step, room=100_000) if full else line(step)


def _wrapped(text: str, first: str, rest: str, width: int) -> list[str]:
    room = max(width - len(first), 30)
    rows = textwrap.wrap(text, room - 2, break_on_hyphens=False) or [""]
    return [first + rows[0], *(f"{rest}  {row}" for row in rows[1:])]
