"""What an argument must be: typed matchers, compiled once from ``{name: setting}``.

A matcher answers True, False, or None where it cannot be told: the argument is missing, or of another type, or in a
form that programs read differently. `Matcher.surely` is for rules that allow: every part must be True. `Matcher.perhaps`
is for rules that forbid or ask: any part that is not False will do. Both fail towards the closed side.

Lists are looked into: each of several recipients, URLs or paths must fit (to allow), any may (to forbid).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from agentops.kernel.suggest import nearest
from agentops.messages import encode
from agentops.supervisor.lookalikes import resembles, skeleton
from agentops.supervisor.places import Check, email_domain, path_under, url_host

__all__ = ["MATCHERS", "Matcher", "compile_matchers", "glob"]

_LONGEST_GLOBBED: Final = 100_000


class Matcher(NamedTuple):
    """One matcher with its setting. ``spread``: it judges the elements of a list, not the list."""

    name: str
    setting: Any
    check: Check
    spread: bool

    def surely(self, value: Any) -> bool:
        """Whether the value fits, beyond doubt; of a list, each element. An empty list has none that does not."""
        if self.spread and type(value) in {list, tuple}:
            return all(self.check(each) is True for each in value)
        return self.check(value) is True

    def perhaps(self, value: Any) -> bool:
        """Whether the value fits, or it cannot be told; of a list, any element."""
        if self.spread and type(value) in {list, tuple}:
            return any(self.check(each) is not False for each in value)
        return self.check(value) is not False

    def __str__(self) -> str:
        return f"{self.name} {self.setting}"


def glob(pattern: str) -> Callable[[str], bool]:
    """A test for ``pattern``, in which ``*`` is any text, also none, and everything else is itself. Linear time."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern.__eq__
    *middle, last = rest

    def fits(text: str) -> bool:
        if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return fits


def _number(value: Any) -> bool:
    """JSON numbers: neither true nor false, nor what a number in a text is."""
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _at_most(limit: Any) -> Check:
    if not _number(limit):
        raise ValueError(f"{limit!r} is not a number")
    return lambda value: bool(value <= limit) if _number(value) else None


def _at_least(limit: Any) -> Check:
    if not _number(limit):
        raise ValueError(f"{limit!r} is not a number")
    return lambda value: bool(value >= limit) if _number(value) else None


def _max_length(limit: Any) -> Check:
    if type(limit) is not int or limit < 0:
        raise ValueError(f"{limit!r} is not a whole number from 0")
    return lambda value: len(value) <= limit if isinstance(value, str | list | tuple | dict) else None


def _kind(value: Any) -> type:
    return float if _number(value) else type(value)


def _same(value: Any, wanted: Any) -> bool | None:
    """Equal as JSON: true is not 1, 1 is 1.0; a text that only looks the same is perhaps the same."""
    if _kind(value) is not _kind(wanted):
        return None
    if type(value) is str:
        return True if value == wanted else (None if resembles(value, wanted) else False)
    if isinstance(wanted, dict | list):
        return encode(value) == encode(wanted)
    return bool(value == wanted)


def _equals(wanted: Any) -> Check:
    return lambda value: _same(value, wanted)


def _one_of(wanted: Any) -> Check:
    if not isinstance(wanted, list | tuple) or not wanted:
        raise ValueError(f"{wanted!r} is not a list of values")

    def check(value: Any) -> bool | None:
        answers = [_same(value, each) for each in wanted if _kind(each) is _kind(value)]
        if True in answers:
            return True
        return None if None in answers or not answers else False

    return check


def _matches(pattern: Any) -> Check:
    if not isinstance(pattern, str) or not pattern or len(pattern) > 1000:
        raise ValueError(f"{pattern!r} is not a pattern: a text in which * stands for any text")
    exact, loose = glob(pattern), glob(skeleton(pattern))

    def check(value: Any) -> bool | None:
        if type(value) is not str or len(value) > _LONGEST_GLOBBED:
            return None
        if exact(value):
            return True
        return None if loose(skeleton(value)) else False

    return check


def _path_under(root: Any) -> Check:
    if not isinstance(root, str):
        raise ValueError(f"{root!r} is not a path")
    return path_under(root)


MATCHERS: Final[dict[str, tuple[Callable[[Any], Check], bool]]] = {
    "path_under": (_path_under, True),
    "url_host": (url_host, True),
    "email_domain": (email_domain, True),
    "one_of": (_one_of, True),
    "matches": (_matches, True),
    "max": (_at_most, True),
    "min": (_at_least, True),
    "equals": (_equals, False),
    "max_length": (_max_length, False),
}
"""What makes a check of a setting, and whether it looks into lists, by the matcher's name in a policy."""


def compile_matchers(said: Any) -> tuple[Matcher, ...]:
    """The matchers of one argument, all of which must fit; raises ValueError saying what is wrong."""
    if not isinstance(said, Mapping) or not said:
        raise ValueError(f"{said!r} is not a matcher; write one as in {{one_of: [a, b]}} or {{path_under: out/}}")
    made = []
    for name, setting in said.items():
        if name not in MATCHERS:
            raise ValueError(f"there is no matcher {name!r}. {nearest(str(name), MATCHERS)}")
        factory, spread = MATCHERS[name]
        try:
            check = factory(setting)
        except (ValueError, UnicodeError) as error:
            raise ValueError(f"{name}: {error}") from error
        made.append(Matcher(name, setting, check, spread))
    return tuple(made)
