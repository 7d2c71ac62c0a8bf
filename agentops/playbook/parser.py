"""Parses references, templates and conditions: recursive descent over a handful of tokens.

The language is described in `agentops.playbook.expressions`. Whatever does not parse raises `ExpressionError` with the
offset of the character where the text stops making sense. Length and nesting are bounded, so that no text, however
hostile, takes long or runs out of stack.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NoReturn

from agentops.playbook.expressions import (
    Both,
    Compare,
    Condition,
    ExpressionError,
    Length,
    ListOf,
    Not,
    Operand,
    Operator,
    Ref,
    Template,
    Value,
)

__all__ = ["MAX_LENGTH", "MAX_NESTING", "parse_condition", "parse_template"]

MAX_LENGTH: Final = 2_000
"""The longest condition that is parsed, in characters."""

MAX_NESTING: Final = 32
"""How deep parentheses and ``not`` may be nested."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{1,3})?(?![\w.]))
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*)
    | (?P<text>"(?:[^"\\]|\\.)*"|'[^']*')
    | (?P<symbol>==|!=|<=|>=|\$\{|[<>()\[\].,}])
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_LITERALS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
_WORDS: Final = frozenset({"and", "or", "not", "in", *_LITERALS})
_OPERATORS: Final[dict[str, Operator]] = {
    "==": "==",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "in": "in",
}
_HINTS: Final = {
    "=": "Compare with '=='.",
    "&": "Write 'and'.",
    "|": "Write 'or'.",
    "!": "Write 'not'.",
    '"': "The text is not closed.",
    "'": "The text is not closed.",
    "+": "There is no arithmetic here; let a tool or an agent do it.",
    "*": "There is no arithmetic here; let a tool or an agent do it.",
    "$": "Write a reference as ${step.field}, or without ${}.",
}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    offset: int
    end: int


def _tokens(text: str, start: int, end: int) -> Iterator[_Token]:
    at = start
    while match := _TOKEN.match(text, at, end):
        kind = str(match.lastgroup)
        yield _Token(kind, match[kind], match.start(kind), match.end())
        at = match.end()
    while at < end and text[at].isspace():
        at += 1
    if at < end:
        raise ExpressionError(f"{text[at]!r} makes no sense here", at, _HINTS.get(text[at], ""))
    yield _Token("end", "", end, end)


class _Parser:
    """One pass over the tokens of ``text[start:end]``."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.tokens = list(_tokens(text, start, end))
        self.at = 0
        self.depth = 0

    @property
    def now(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def accept(self, *texts: str) -> _Token | None:
        """Take the next token if it is one of these symbols or words."""
        return self.take() if self.now.text in texts and self.now.kind in {"symbol", "name"} else None

    def expect(self, text: str) -> None:
        if not self.accept(text):
            self.stop(f"expected {text!r}, found {self.found()}")

    def found(self) -> str:
        return "the end" if self.now.kind == "end" else repr(self.now.text)

    def stop(self, what: str, hint: str = "") -> NoReturn:
        raise ExpressionError(what, self.now.offset, hint)

    def finish(self, hint: str) -> None:
        """Nothing may be left."""
        if self.now.kind != "end":
            self.stop(f"{self.found()} makes no sense here", hint)

    def condition(self) -> Condition:
        return self._joined("or")

    def _joined(self, word: Literal["and", "or"]) -> Condition:
        offset = self.now.offset
        parts = [self._part(word)]
        while self.accept(word):
            parts.append(self._part(word))
        return Both(word, tuple(parts), offset) if len(parts) > 1 else parts[0]

    def _part(self, word: Literal["and", "or"]) -> Condition:
        return self._negated() if word == "and" else self._joined("and")

    def _negated(self) -> Condition:
        if token := self.accept("not"):
            self._deeper()
            part = self._negated()
            self.depth -= 1
            return Not(part, token.offset)
        return self._comparison()

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_NESTING:
            self.stop(f"nested more than {MAX_NESTING} levels deep", "Split it over several steps.")

    def _comparison(self) -> Condition:
        if self.accept("("):
            return self._parenthesised()
        left = self._operand()
        token = self.accept(*_OPERATORS)
        if token is None:
            return left
        compared = Compare(_OPERATORS[token.text], left, self._operand(), left.offset)
        if self.now.text in _OPERATORS and self.now.kind != "text":
            self.stop("comparisons cannot be chained", "Write: a < b and b < c.")
        return compared

    def _parenthesised(self) -> Condition:
        self._deeper()
        inner = self.condition()
        self.depth -= 1
        self.expect(")")
        if self.now.text in _OPERATORS and self.now.kind != "text":
            self.stop("a condition in parentheses cannot be compared", "Write: a == b and c == d.")
        return inner

    def _operand(self) -> Operand:
        token = self.now
        if token.kind in {"number", "text"} or (token.kind == "name" and token.text in _LITERALS):
            return self._literal()
        if self.accept("["):
            return self._list(token.offset)
        if token.text == "length" and token.kind == "name" and self.tokens[self.at + 1].text == "(":
            return self._length()
        if token.text == "${" or (token.kind == "name" and token.text not in _WORDS):
            return self._wrapped()
        return self.stop(
            f"expected a value, found {self.found()}",
            "A value is a reference such as step.field, a text in quotes, a number, true, false or null.",
        )

    def _length(self) -> Length:
        offset = self.take().offset
        self.expect("(")
        inner = self._wrapped()
        self.expect(")")
        return Length(inner, offset)

    def _wrapped(self) -> Ref:
        """A reference, with or without ``${}`` around it."""
        if not self.accept("${"):
            return self.reference()
        inner = self.reference()
        self.expect("}")
        return inner

    def _literal(self) -> Value:
        token = self.now
        if token.kind == "number":
            self.take()
            return Value(_number(token), token.offset)
        if token.kind == "text":
            self.take()
            return Value(_text(token), token.offset)
        if token.kind == "name" and token.text in _LITERALS:
            self.take()
            return Value(_LITERALS[token.text], token.offset)
        return self.stop(f"expected a literal, found {self.found()}", "Lists hold texts, numbers, true, false, null.")

    def _list(self, offset: int) -> ListOf:
        items: list[Value] = []
        while not self.accept("]"):
            if items:
                self.expect(",")
            items.append(self._literal())
        return ListOf(tuple(items), offset)

    def reference(self) -> Ref:
        """A root's name and the way from there."""
        token = self.now
        if token.kind != "name" or token.text in _WORDS:
            self.stop(f"expected a reference, found {self.found()}", "Write inputs.name or step.field.")
        self.take()
        path: list[str | int] = []
        while mark := self.accept(".", "["):
            path.append(self._field() if mark.text == "." else self._index())
        if self.now.text == "(" and self.now.kind == "symbol":
            called = ".".join([token.text, *map(str, path)])
            raise ExpressionError(f"there is no function {called!r}", token.offset, "The only one is length().")
        return Ref(token.text, tuple(path), token.offset)

    def _field(self) -> str:
        if self.now.kind != "name":
            self.stop(f"expected a field's name after '.', found {self.found()}", 'Write ["key"] for other names.')
        return self.take().text

    def _index(self) -> str | int:
        token = self.take()
        key: str | int
        if token.kind == "text":
            key = _text(token)
        elif token.kind == "number" and re.fullmatch(r"-?[0-9]{1,9}", token.text):
            key = int(token.text)
        else:
            raise ExpressionError(f"{token.text!r} is no index", token.offset, 'Write [0] or ["key"].')
        self.expect("]")
        return key


def _number(token: _Token) -> int | float:
    if re.fullmatch(r"-?[0-9]{1,18}", token.text):
        return int(token.text)
    number = float(token.text)
    if not math.isfinite(number):
        raise ExpressionError(f"{token.text} is too large a number", token.offset)
    return number


def _text(token: _Token) -> str:
    """A quoted text: in single quotes as it is, in double quotes with JSON's escapes."""
    if token.text[0] == "'":
        return token.text[1:-1]
    try:
        text = str(json.loads(token.text, strict=False))
        text.encode()
    except ValueError as error:  # also what an escaped half of a surrogate pair raises
        raise ExpressionError("an escape in this text is malformed", token.offset, "Use single quotes.") from error
    return text


def parse_condition(text: str) -> Condition:
    """Parse a condition; raises `ExpressionError`."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"a condition of {len(text)} characters", 0, f"At most {MAX_LENGTH} are read.")
    parser = _Parser(text, 0, len(text))
    if parser.now.kind == "end":
        raise ExpressionError("the condition is empty", 0, "Write, for example: review.accepted")
    condition = parser.condition()
    parser.finish("Join conditions with 'and' or 'or'.")
    return condition


def parse_template(text: str) -> Template:
    """Parse text that may hold references; raises `ExpressionError`."""
    parts: list[str | Ref] = []
    plain = ""
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at and text[start - 1] == "$":  # $${ is a plain ${
            plain += text[at : start - 1] + "${"
            at = start + 2
            continue
        if plain := plain + text[at:start]:
            parts.append(plain)
            plain = ""
        end = _closing(text, start)
        parts.append(_reference(text, start, end))
        at = end + 1
    if plain := plain + text[at:]:
        parts.append(plain)
    return Template(tuple(parts) or ("",))


def _reference(text: str, start: int, end: int) -> Ref:
    parser = _Parser(text, start + 2, end)
    if parser.now.kind == "end":
        raise ExpressionError("the reference is empty", start, "Write ${inputs.name} or ${step.field}.")
    found = parser.reference()
    parser.finish("Between ${ and } stands one reference, such as ${step.field}.")
    return found


def _closing(text: str, start: int) -> int:
    """Where the ``}`` stands that belongs to the ``${`` at ``start``; those in quotes do not count."""
    quote = ""
    at = start + 2
    while at < len(text):
        character = text[at]
        if quote:
            if character == "\\" and quote == '"':
                at += 1
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "}":
            return at
        at += 1
    raise ExpressionError("'${' is not closed", start, "Close it with '}', or write $${ for a plain ${.")
