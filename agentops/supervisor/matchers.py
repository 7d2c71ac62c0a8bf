"""What an argument must be: typed matchers, compiled once from ``{name: setting}``.

A value fits, or does not, or it cannot be told: it is of another type, or in a form that programs read differently.
`Matcher.surely` is for rules that allow: it must fit. `Matcher.perhaps` is for rules that forbid or ask: that it cannot
be told is enough. Both fail towards the closed side.

Lists are looked into: each of several recipients, URLs or paths must fit (to allow), any may (to forbid).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from agentops.kernel.suggest import nearest
from agentops.supervisor.lookalikes import alike, skeleton
from agentops.supervisor.places import Check, email_domain, path_under, url_host

__all__ = ["MATCHERS", "Matcher", "compile_matchers", "glob"]

_LONGEST_GLOBBED: Final = 100_000


class Test(NamedTuple):
    """The two questions that a matcher answers about one value."""

    surely: Callable[[Any], bool]
    perhaps: Callable[[Any], bool]


class Matcher(NamedTuple):
    """One matcher with its setting. ``spread``: it judges the elements of a list, not the list."""

    name: str
    setting: Any
    test: Test
    spread: bool

    def surely(self, value: Any) -> bool:
        """Whether the value fits, beyond doubt; of a list, each element. An empty list has none that does not."""
        if self.spread and type(value) is list:
            return all(map(self.test.surely, value))
        return self.test.surely(value)

    def perhaps(self, value: Any) -> bool:
        """Whether the value fits, or it cannot be told; of a list, any element."""
        if self.spread and type(value) is list:
            return any(map(self.test.perhaps, value))
        return self.test.perhaps(value)

    def __str__(self) -> str:
        return f"{self.name} {self.setting}"


def _told(check: Check) -> Test:
    """Both questions, from a check with three answers."""
    return Test(lambda value: check(value) is True, lambda value: check(value) is not False)


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


def _bound(limit: Any, fits: Callable[[Any, Any], bool]) -> Test:
    if not _number(limit):
        raise ValueError(f"{limit!r} is not a number")
    return _told(lambda value: fits(value, limit) if _number(value) else None)


def _at_most(limit: Any) -> Test:
    return _bound(limit, operator.le)


def _at_least(limit: Any) -> Test:
    return _bound(limit, operator.ge)


def _max_length(limit: Any) -> Test:
    if type(limit) is not int or limit < 0:
        raise ValueError(f"{limit!r} is not a whole number from 0")
    return _told(lambda value: len(value) <= limit if isinstance(value, str | list | dict) else None)


def _kind(value: Any) -> type:
    return float if _number(value) else type(value)


def _same(value: Any, wanted: Any) -> bool:
    """Equal as JSON: true is not 1, 1 is 1.0."""
    if type(wanted) is str:
        return bool(value == wanted)
    if _kind(value) is not _kind(wanted):
        return False
    if type(wanted) is list:
        return len(value) == len(wanted) and all(map(_same, value, wanted))
    if type(wanted) is dict:
        return value.keys() == wanted.keys() and all(_same(value[key], wanted[key]) for key in wanted)
    return bool(value == wanted)


def _plain(value: Any) -> bool:
    """Whether a setting is something that JSON arguments can be equal to (a YAML date is not: quote it)."""
    if type(value) is list:
        return all(map(_plain, value))
    if type(value) is dict:
        return all(type(key) is str for key in value) and all(map(_plain, value.values()))
    return value is None or type(value) in {bool, str} or _number(value)


def _one_of(wanted: Any) -> Test:
    """Certainly, where one is the same; perhaps, where a text only looks like one, or none is of the value's kind."""
    if not isinstance(wanted, list | tuple) or not wanted:
        raise ValueError(f"{wanted!r} is not a list of values")
    odd = next((each for each in wanted if not _plain(each)), None)
    if odd is not None:
        raise ValueError(f"{odd!r} is a {type(odd).__name__}, which no argument can equal; if it is a text, quote it")
    kinds = {_kind(each) for each in wanted}
    bones = [skeleton(each) for each in wanted if type(each) is str]

    def surely(value: Any) -> bool:
        return any(_same(value, each) for each in wanted)

    def perhaps(value: Any) -> bool:
        if _kind(value) not in kinds:
            return True
        if type(value) is not str:
            return surely(value)
        bone = skeleton(value)
        return any(alike(bone, each) for each in bones)

    return Test(surely, perhaps)


def _equals(wanted: Any) -> Test:
    return _one_of([wanted])


def _matches(pattern: Any) -> Test:
    if not isinstance(pattern, str) or not pattern or len(pattern) > 1000:
        raise ValueError(f"{pattern!r} is not a pattern: a text in which * stands for any text")
    exact, loose = glob(pattern), glob(skeleton(pattern))

    def perhaps(value: Any) -> bool:
        return type(value) is not str or len(value) > _LONGEST_GLOBBED or exact(value) or loose(skeleton(value))

    return Test(lambda value: type(value) is str and len(value) <= _LONGEST_GLOBBED and exact(value), perhaps)


MATCHERS: Final[dict[str, tuple[Callable[[Any], Test], bool]]] = {
    "path_under": (lambda root: _told(path_under(root)), True),
    "url_host": (lambda hosts: _told(url_host(hosts)), True),
    "email_domain": (lambda domains: _told(email_domain(domains)), True),
    "one_of": (_one_of, True),
    "matches": (_matches, True),
    "max": (_at_most, True),
    "min": (_at_least, True),
    "equals": (_equals, False),
    "max_length": (_max_length, False),
}
"""What makes a test of a setting, and whether it looks into lists, by the matcher's name in a policy."""


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
            test = factory(setting)
        except (ValueError, UnicodeError) as error:
            raise ValueError(f"{name}: {error}") from error
        made.append(Matcher(name, setting, test, spread))
    return tuple(made)
