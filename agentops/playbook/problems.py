"""What is wrong with a playbook: found all at once, each with its place, reported in the order of the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, NoReturn, Protocol

from agentops.errors import PlaybookError

__all__ = ["Mark", "Place", "Problem", "Problems", "Source", "fail", "listing"]

Place = tuple[str | int, ...]
"""The way to a value inside a document: ``("steps", 0, "input", "question")``."""

_SHOWN: Final = 20
"""How many problems one error prints; the others are counted."""


class Mark(NamedTuple):
    """Where something stands in a file. Both count from 1; 0 where unknown."""

    line: int
    column: int


class Source(Protocol):
    """What problems need to know about the file that they are in."""

    @property
    def file(self) -> str:
        """Its name, as errors give it."""
        ...

    def mark(self, place: Place, *, key: bool = False, offset: int | None = None) -> Mark:
        """Where the value (or its key) at ``place`` stands, or the character at ``offset`` inside it."""
        ...


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and what to do about it."""

    file: str
    mark: Mark
    what: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.file}:{self.mark.line}:{self.mark.column}: {self.what}"
        return f"{text}\n    {self.hint}" if self.hint else text


class Problems:
    """Collects the problems of one playbook, so that its author sees all of them at once."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._found: dict[Problem, None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, place: Place, what: str, hint: str = "", *, key: bool = False, offset: int | None = None) -> None:
        """Note a problem with the value at ``place``; ``key``: with its key; ``offset``: at a character inside it."""
        mark = self.source.mark(place, key=key, offset=offset)
        self._found[Problem(self.source.file, mark, what, hint)] = None

    def found(self) -> list[Problem]:
        """The problems so far, in the order of the file."""
        return sorted(self._found, key=lambda problem: problem.mark)

    def check(self) -> None:
        """Raise `PlaybookError` if there is any problem."""
        if self._found:
            fail(self.found())


def fail(problems: list[Problem]) -> NoReturn:
    """Raise one `PlaybookError` that names all of ``problems``; its facts are the first one's place, and all of them.

    Facts: ``file``, ``line``, ``column``, and ``problems``, a list of objects with ``line``, ``column``, ``what``
    and ``hint``.
    """
    first = problems[0]
    text = f"{first.file}:{first.mark.line}:{first.mark.column}: {first.what}"
    hint = first.hint
    if rest := problems[1:]:
        more = [str(problem) for problem in rest[: _SHOWN - 1]]
        if len(rest) >= _SHOWN:
            more.append(f"... and {len(rest) - _SHOWN + 1} more problems")
        hint = "\n  ".join([*([hint] if hint else []), f"{len(rest)} more:", *more])
    raise PlaybookError(
        text,
        hint=hint,
        file=first.file,
        line=first.mark.line,
        column=first.mark.column,
        problems=[
            {"line": each.mark.line, "column": each.mark.column, "what": each.what, "hint": each.hint}
            for each in problems
        ],
    )


def listing(names: Iterable[str], *, none: str = "none") -> str:
    """Names as people write them: ``'a', 'b' and 'c'``; the first ten where there are more."""
    quoted = [repr(name) for name in names]
    if not quoted:
        return none
    if len(quoted) > 10:  # as many as an eye takes in
        return f"{', '.join(quoted[:10])} and {len(quoted) - 10} more"
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
