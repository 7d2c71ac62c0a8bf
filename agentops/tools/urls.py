"""Reading a URL in the one way in which every program reads it; what programs read differently is refused."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import quote, urljoin

import msgspec

__all__ = ["Target", "UrlRefused", "join", "parse"]

_LONGEST: Final = 8192
_URL: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<name>[a-z0-9._-]{1,253})|\[(?P<six>[0-9a-f:.]{2,45})\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<target>[/?][!$-;=?-Z_a-z~%\[\]]*)?(?:#.*)?",
    re.IGNORECASE,
)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_PORTS: Final = {"http": 80, "https": 443}


class UrlRefused(ValueError):
    """A URL is not for a tool. Its text says why."""


class Target(msgspec.Struct, frozen=True):
    """What a URL asks for: ``host`` in lower case, an IPv6 address without brackets; ``path`` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The host as it goes into a URL and a request, with the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def is_address(self) -> bool:
        """Whether the host is an address, and no name that would have to be looked up."""
        return ":" in self.host or self.host.rpartition(".")[2].isdigit()

    @property
    def url(self) -> str:
        """The URL again, in its normal form, without a fragment."""
        return f"{self.scheme}://{self.authority}{self.path}"


def parse(url: str) -> Target:
    """What an http or https URL asks for; `UrlRefused` for every other."""
    if len(url) > _LONGEST:
        raise UrlRefused(f"is {len(url)} characters long; {_LONGEST} is the most")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        hint = "write the name as xn--..., and other characters as %XX"
        raise UrlRefused(f"holds characters that programs read differently; {hint}")
    scheme, colon, _ = url.partition(":")
    if not colon or scheme.lower() not in _PORTS:
        raise UrlRefused("is not an http or https URL")
    match = _URL.fullmatch(url)
    if match is None:
        raise UrlRefused("is not of the plain form https://host/path (no user name, no odd characters)")
    scheme = match["scheme"].lower()
    port = int(match["port"]) if match["port"] else _PORTS[scheme]
    if not 0 < port < 65536:
        raise UrlRefused(f"has no port {port}")
    path = match["target"] or "/"
    return Target(scheme, _host(match["name"], match["six"]), port, path if path.startswith("/") else f"/{path}")


def _host(name: str | None, six: str | None) -> str:
    try:
        if six is not None:
            return ipaddress.IPv6Address(six).compressed
        host = (name or "").lower().removesuffix(".")
        last = host.rpartition(".")[2]
        if last.isdigit() or last.startswith("0x"):
            return str(ipaddress.IPv4Address(host))  # four decimal numbers; not one, not octal, not hexadecimal
    except ValueError as error:
        raise UrlRefused(f"has an address in a form that programs read differently: {error}") from error
    if not _NAME.fullmatch(host):
        raise UrlRefused("has a host that is no name")
    return host


def join(base: Target, location: str) -> Target:
    """Where a redirect leads. Its header may hold bytes outside ASCII; they are percent-encoded, as browsers do."""
    raw = location.strip().encode("latin-1", "replace")
    return parse(urljoin(base.url, quote(raw, safe="!#$%&'()*+,/:;=?@[]~\\")))
