"""``fetch_url``: a page of the public Internet, and nothing that only this machine or its network can reach.

The name is looked up here; all its addresses must be public (`agentops.tools.addresses`); the connection goes to one
of those very addresses, so that a name that changes between look-up and connection changes nothing. A redirect starts
over. One to another host is not followed but told, because whoever allowed this host did not allow that one. Proxies,
cookies and credentials are not used. Sizes are bounded on the wire and unpacked, and the whole has one deadline.

::

    @tool(effect="idempotent")
    def fetch_intranet(url: str) -> Page:
        '''Fetch a page of our own network.'''
        return Fetcher(FetchPolicy(allowed=("10.20.0.0/16",))).get(url)
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import zlib
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import Final, TypeAlias

import msgspec

from agentops.errors import ToolFailed
from agentops.kernel.tool import tool
from agentops.messages import Message
from agentops.tools.addresses import refusal
from agentops.tools.urls import Target, UrlRefused, join, parse

__all__ = ["FetchPolicy", "Fetcher", "Page", "Resolver", "fetch_url"]

Resolver: TypeAlias = Callable[[str, int], list[str]]
"""Takes a host and a port, gives its addresses as text; raises OSError where there are none."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TEXTS: Final = ("text/", "application/json", "application/xml", "application/xhtml", "application/javascript")
_HEADERS: Final = (
    ("User-Agent", "agentops-fetch"),
    ("Accept", "text/html, text/*, application/json, application/xml;q=0.9, */*;q=0.1"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Connection", "close"),
)
_CHARSETS: Final = frozenset(
    "utf-8 utf8 utf-16 us-ascii ascii iso-8859-1 iso-8859-2 iso-8859-15 latin-1 latin1 windows-1250 windows-1251"
    " windows-1252 koi8-r shift_jis euc-jp euc-kr gb2312 gbk gb18030 big5".split()
)


class FetchPolicy(msgspec.Struct, frozen=True):
    """What may be fetched. The defaults are those of ``fetch_url``."""

    allowed: tuple[str, ...] = ()
    """Networks that are reached although they are not public, as ``10.20.0.0/16``."""
    ports: tuple[int, ...] | None = (80, 443)
    """None: any."""
    redirects: int = 5
    """How many are followed."""
    other_hosts: bool = False
    """Whether a redirect to another host is followed, with the same checks, instead of told."""
    largest: int = 2_000_000
    """Bytes of the largest answer, as sent and as unpacked."""
    seconds: float = 30.0
    """For each request, from connecting to the last byte."""


class Page(Message, frozen=True):
    """What a URL answered. ``url`` is the one that answered; ``redirect`` one to another host that was not followed.

    ``status`` may be one of failure (404): whoever asked decides what that means. ``text`` is as sent, with its tags.
    """

    url: str
    status: int
    content_type: str = ""
    text: str = ""
    redirect: str = ""


@tool(effect="idempotent", timeout=90.0)  # not pure: a URL takes what stands in it out of the house
def fetch_url(url: str) -> Page:
    """Fetch a page or a text from the public Internet (http or https, GET).

    url: as in "https://example.com/page". Returns the status, the content type and the text, at most 2,000,000 bytes. A
    redirect to another host is not followed; it stands in "redirect", to be fetched by itself.
    """
    return Fetcher().get(url)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as this machine's resolver knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class Fetcher:
    """Fetches under a policy. ``resolver`` and ``tls`` are for those who look names up, or trust, otherwise."""

    def __init__(
        self, policy: FetchPolicy | None = None, *, resolver: Resolver = resolve, tls: ssl.SSLContext | None = None
    ) -> None:
        self.policy = policy or FetchPolicy()
        self._resolve = resolver
        self._tls = tls

    def get(self, url: str) -> Page:
        """The page; `ToolFailed` where it may not be fetched, or cannot be."""
        target = _read(parse, url, url)
        for _ in range(self.policy.redirects + 1):
            try:
                page, location = self._request(target, url)
            except (OSError, http.client.HTTPException, zlib.error) as error:
                what = f"did not answer as it should: {type(error).__name__}: {error}"
                raise _failed(url, what, "Try again later.", transient=True) from error
            if not location:
                return page
            following = _read(partial(join, target), location, url)
            if target.scheme == "https" and following.scheme == "http":
                raise _failed(url, "leads from https to http", "Ask for the page by another URL.")
            if following.host != target.host and not self.policy.other_hosts:
                self._check_literal(following, url)
                return msgspec.structs.replace(page, redirect=following.url, text="")
            target = following
        raise _failed(url, f"leads on more than {self.policy.redirects} times", "It may lead round in a circle.")

    def _request(self, target: Target, asked: str) -> tuple[Page, str]:
        """One request; the page, and where it leads on."""
        line = _Line(self._connect(target, asked), self.policy.seconds)
        connection = http.client.HTTPConnection(target.host, target.port)
        try:
            if target.scheme == "https":
                line.encrypt(self._tls or ssl.create_default_context(), target.host)
            connection.sock = line.sock
            connection.putrequest("GET", target.path, skip_host=True, skip_accept_encoding=True)
            for name, value in (("Host", target.authority), *_HEADERS):
                connection.putheader(name, value)
            connection.endheaders()
            with closing(connection.getresponse()) as response:
                answer = self._read_response(response, target, asked)
            if line.late.is_set():  # what looks like the end of the text may have been the deadline
                raise TimeoutError(f"it took longer than {self.policy.seconds:g} seconds")
            return answer
        finally:
            connection.close()
            line.close()

    def _connect(self, target: Target, asked: str) -> socket.socket:
        """A connection to one of the host's addresses, all of which have been checked."""
        if self.policy.ports is not None and target.port not in self.policy.ports:
            ports = " and ".join(map(str, self.policy.ports))
            raise _failed(asked, f"is on port {target.port}", f"Only ports {ports} are allowed.")
        addresses = [target.host] if target.is_address else self._resolve(target.host, target.port)
        for address in addresses:
            self._check(address, target, asked)
        problem: OSError = OSError(f"{target.host} has no address")
        for address in addresses[:3]:
            try:
                return socket.create_connection((address, target.port), timeout=self.policy.seconds / 3)
            except OSError as error:
                problem = error
        raise problem

    def _check(self, address: str, target: Target, asked: str) -> None:
        why = refusal(address, self.policy.allowed)
        if why:
            what = f"leads to {target.host} at {address}, which is {why}"
            raise _failed(asked, what, "Only addresses of the public Internet are reached by this tool.")

    def _check_literal(self, target: Target, asked: str) -> None:
        """A redirect that is only told: an address in it is checked, a name is not looked up."""
        if target.is_address:
            self._check(target.host, target, asked)

    def _read_response(self, response: http.client.HTTPResponse, target: Target, asked: str) -> tuple[Page, str]:
        kind = (response.getheader("Content-Type") or "").lower()[:200]
        page = Page(target.url, response.status, kind)
        location = response.getheader("Location") or ""
        if response.status in _REDIRECTS and location:
            return page, location
        media = kind.partition(";")[0].strip()
        if media and not media.startswith(_TEXTS) and not media.endswith(("+json", "+xml")):
            raise _failed(asked, f"is {media!r}, not text", "This tool reads text only.")
        raw = response.read(self.policy.largest + 1)
        if len(raw) > self.policy.largest:
            raise self._too_large(asked)
        if response.length:
            raise http.client.IncompleteRead(raw, response.length)
        data = self._unpack(raw, (response.getheader("Content-Encoding") or "").strip().lower(), asked)
        return msgspec.structs.replace(page, text=data.decode(_charset(kind), "replace")), ""

    def _unpack(self, raw: bytes, encoding: str, asked: str) -> bytes:
        """The content, never more of it in memory than may be: small answers that unpack to gigabytes are known."""
        if encoding in {"", "identity"}:
            return raw
        if encoding not in {"gzip", "x-gzip", "deflate"}:
            raise _failed(asked, f"is encoded as {encoding[:40]!r}, which nobody asked for", "Try another URL.")
        window = 31 if encoding != "deflate" else 15 if raw[:1] and raw[0] & 15 == 8 else -15
        found = bytearray()
        while raw:  # gzip may come in several parts
            unpacker = zlib.decompressobj(window)
            found += unpacker.decompress(raw, self.policy.largest + 1 - len(found))
            if len(found) > self.policy.largest:
                raise self._too_large(asked)
            if not unpacker.eof:
                raise _failed(asked, "is cut off in the middle of its compressed text", "Try again.", transient=True)
            raw = unpacker.unused_data if window == 31 else b""
        return bytes(found)

    def _too_large(self, asked: str) -> ToolFailed:
        return _failed(asked, f"is larger than {self.policy.largest:,} bytes", "Ask for a smaller part of it.")


def _read(reader: Callable[[str], Target], text: str, asked: str) -> Target:
    try:
        return reader(text)
    except UrlRefused as error:
        leads = "" if text == asked else f"leads to {text[:200]!r}, which "
        raise _failed(asked, f"{leads}{error}", "Give a plain http or https URL.") from error


def _charset(content_type: str) -> str:
    """The declared character set, if it is one of text; some of Python's others take minutes for a page."""
    _, _, said = content_type.partition("charset=")
    name = said.partition(";")[0].strip(" \"'")
    return name if name in _CHARSETS else "utf-8"


class _Line:
    """A connection with a deadline: at it, whoever waits for the other side sees the end of it."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        self.sock = sock
        self.late = threading.Event()
        self._alarm = threading.Timer(seconds, self._hang_up)
        self._alarm.daemon = True
        self._alarm.start()

    def encrypt(self, tls: ssl.SSLContext, host: str) -> None:
        """Go on in TLS; the certificate has to be the host's, whatever the address."""
        self.sock = tls.wrap_socket(self.sock, server_hostname=host)

    def _hang_up(self) -> None:
        self.late.set()
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)  # not SSLSocket's: it would go on in the clear

    def close(self) -> None:
        """Close it, and wait for its alarm to be over."""
        self._alarm.cancel()
        self._alarm.join()
        self.sock.close()


def _failed(url: str, what: str, hint: str, *, transient: bool = False) -> ToolFailed:
    return ToolFailed(f"fetch_url: {url[:300]!r} {what}", hint=hint, name="fetch_url", error="", transient=transient)
