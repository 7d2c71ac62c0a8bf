"""Where an argument points: is this path under that folder, this URL at that host, this address in that domain?

Each question has three answers: yes, no, and "it cannot be told". A rule that allows takes only a yes; a rule that
forbids is held off only by a no. So the parsers here accept the plain form that everybody reads alike, and answer
"cannot be told" to all that different programs read differently: that is where attacks on parsers live.

All of it is lexical. Symbolic links and name servers can still lead elsewhere: that is for the tools that open things.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

from agentops.supervisor.lookalikes import alike, has_controls, skeleton

__all__ = ["Check", "email_domain", "path_under", "url_host"]

Check: TypeAlias = Callable[[Any], bool | None]
"""Looks at one value: True, False, or None where it cannot be told."""

_LONGEST: Final = 4096

# --- paths ---------------------------------------------------------------------------------------------------------

_ODD_PATH: Final = re.compile(r"\\|^~|^//|^[A-Za-z]:|://|%(?:2e|2f|5c|00|25)|^[A-Za-z]+:/", re.IGNORECASE)
"""What another program could take for a separator, a home folder, a network share, a drive, a URL, or an escape."""


def path_under(root: str) -> Check:
    """Whether a path is ``root`` or below it. Relative paths go with a relative root, absolute with an absolute one.

    Cannot be told: ``..`` anywhere (a symbolic link before it leads elsewhere), backslashes, ``~``, drive letters,
    URLs, percent-escapes, control and hidden characters, absolute against relative, names that differ only in case,
    accents or look.
    """
    if type(root) is not str or not root or has_controls(root) or _ODD_PATH.search(root) or ".." in root.split("/"):
        raise ValueError(f"{root!r} is not a plain path: no '..', no '~', no backslash, no URL")
    absolute = root.startswith("/")
    wanted = _segments(root)
    folded = [skeleton(part) for part in wanted]

    def check(value: Any) -> bool | None:
        if type(value) is not str or not value or len(value) > _LONGEST:
            return None
        if value.startswith("/") is not absolute or has_controls(value) or _ODD_PATH.search(value):
            return None
        found = _segments(value)
        if ".." in found:
            return None
        if found[: len(wanted)] == wanted:
            return True
        return None if _could_be_under(found, folded) else False

    return check


def _segments(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _could_be_under(found: list[str], wanted: list[str]) -> bool:
    """Whether a file system that folds case or Unicode, or drops trailing dots and spaces, sees it below."""
    folded = skeleton("/".join(found)).split("/")  # folded as a whole: a character may fold into a separator
    return len(folded) >= len(wanted) and all(
        alike(part.rstrip(" ."), want.rstrip(" .")) for part, want in zip(folded, wanted, strict=False)
    )


# --- hosts ---------------------------------------------------------------------------------------------------------

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?:(?P<name>[a-z0-9._-]{1,255})|\[(?P<six>[0-9a-f:.]{2,45})\])"
    r"(?P<port>:[0-9]{1,5})?(?P<rest>[/?#].*)?",
    re.IGNORECASE,
)
_PORTS: Final = {"http": 80, "https": 443}
_PATTERN: Final = re.compile(r"(?P<wild>\*\.)?(?P<name>\[[0-9a-f:.]+\]|[^\s:/@?#\[\]*]+)(?P<port>:[0-9]{1,5})?")


class _Host:
    """One host of a rule: ``example.com``, ``*.example.com`` (names below it), ``[::1]``; with ``:port`` or not."""

    __slots__ = ("name", "port", "wild")

    def __init__(self, text: str) -> None:
        match = _PATTERN.fullmatch(text.strip().lower())
        if match is None:
            raise ValueError(f"{text!r} is not a host: write example.com, *.example.com or example.com:8080")
        self.wild = match["wild"] is not None
        self.port = None if match["port"] is None else int(match["port"][1:])
        self.name = _declared_name(match["name"])
        if self.wild and (_numeric(self.name) or self.name.startswith("[")):
            raise ValueError(f"{text!r}: an address has nothing below it")

    def fits(self, name: str) -> bool:
        return name.endswith(f".{self.name}") if self.wild else name == self.name


def _declared_name(text: str) -> str:
    """A rule's host as URLs carry it: IDNs in ASCII, addresses in their normal form."""
    if text.startswith("["):
        return f"[{ipaddress.IPv6Address(text[1:-1]).compressed}]"
    name = text.rstrip(".")
    if not name.isascii():
        name = name.encode("idna").decode()
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} is not a host name")
    return str(ipaddress.IPv4Address(name)) if _numeric(name) else name


def _numeric(name: str) -> bool:
    """Whether URL parsers take this name for an IPv4 address, in any of its spellings (decimal, hex, short)."""
    last = name.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _read_url(value: Any) -> tuple[str, int, str] | None:
    """``(host, port, scheme)`` of a URL that every parser reads alike; None for any other."""
    if type(value) is not str or len(value) > 2 * _LONGEST or not value.isascii() or "\\" in value:
        return None
    match = None if has_controls(value) or " " in value else _URL.fullmatch(value)
    if match is None:
        return None
    scheme = match["scheme"].lower()
    port = int(match["port"][1:]) if match["port"] else _PORTS[scheme]
    if match["six"] is not None:
        try:
            six = ipaddress.IPv6Address(match["six"])
        except ValueError:
            return None
        return None if _embeds_four(six) else (f"[{six.compressed}]", port, scheme)
    name = match["name"].lower().removesuffix(".")
    if not _NAME.fullmatch(name):
        return None
    if _numeric(name):
        try:
            name = str(ipaddress.IPv4Address(name))
        except ValueError:
            return None
    return name, port, scheme


_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = ipaddress.IPv6Network("::/96")


def _embeds_four(six: ipaddress.IPv6Address) -> bool:
    """Whether an IPv4 address hides in this one, so that it is a second name of that."""
    inside = six.ipv4_mapped or six.sixtofour or six.teredo
    return inside is not None or six in _NAT64 or (six in _COMPATIBLE and int(six) > 1)


def url_host(hosts: str | Sequence[str]) -> Check:
    """Whether an http or https URL goes to one of these hosts; without a port in the rule, to its scheme's own.

    Cannot be told: other schemes, user names (``https://example.com@evil.test``), backslashes, spaces, characters
    outside ASCII (write IDNs as ``xn--...``), addresses in decimal, octal, hex or short form, IPv4 inside IPv6.
    """
    wanted = [_Host(host) for host in _texts(hosts)]

    def check(value: Any) -> bool | None:
        read = _read_url(value)
        if read is None:
            return None
        name, port, scheme = read
        answer: bool | None = False
        for host in wanted:
            if host.fits(name):
                if port == (_PORTS[scheme] if host.port is None else host.port):
                    return True
                answer = None if host.port is None else answer
        return answer

    return check


# --- mail ----------------------------------------------------------------------------------------------------------

_MAIL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+'=-]{0,63}@(?P<domain>[A-Za-z0-9.-]{1,253})")


def email_domain(domains: str | Sequence[str]) -> Check:
    """Whether a bare address (``name@example.com``) is in one of these domains; ``*.example.com``: in one below it.

    Cannot be told: display names, several addresses in one text, quotes, comments, line breaks, routes (``%``,
    ``!``), characters outside ASCII, anything but one ``@``.
    """
    wanted = [_Host(domain) for domain in _texts(domains)]
    if any(host.port is not None or host.name.startswith("[") or _numeric(host.name) for host in wanted):
        raise ValueError(f"{domains!r} names something else than mail domains")

    def check(value: Any) -> bool | None:
        match = _MAIL.fullmatch(value) if type(value) is str and len(value) <= 320 else None
        if match is None:
            return None
        domain = match["domain"].lower()
        if not _NAME.fullmatch(domain) or _numeric(domain):
            return None
        return any(host.fits(domain) for host in wanted)

    return check


def _texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else list(value) if isinstance(value, list | tuple) else []
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{value!r} is not a text or a list of texts")
    return texts
