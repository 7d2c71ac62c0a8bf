"""`fetch_url`: the public Internet, and nothing else. All servers here are on loopback, allowed by a policy."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from agentops.errors import ToolFailed
from agentops.tools.addresses import refusal
from agentops.tools.fetch import Fetcher, FetchPolicy, Page, fetch_url
from agentops.tools.urls import UrlRefused, parse

HERE: Final = "127.0.0.1"


class Site(ThreadingHTTPServer):
    """Answers each path as it was told; keeps the requests."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[str, tuple[int, dict[str, str], bytes]] = {}
        super().__init__((HERE, 0), _Handler)

    def url(self, path: str, host: str = "site.test") -> str:
        return f"http://{host}:{self.server_port}{path}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked.append((self.headers["Host"].partition(":")[0], self.path))
        status, headers, body = self.server.answers[self.path]
        self.send_response(status)
        for name, value in ({"Content-Type": "text/plain", "Content-Length": str(len(body))} | headers).items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Names:
    """A resolver: each look-up of a name gives its next answer, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.looked_up: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.looked_up.append(host)
        answers = self.answers.get(host.partition(".")[0], [[HERE]])
        return answers.pop(0) if len(answers) > 1 else answers[0]


def fetcher(names: Callable[[str, int], list[str]] | None = None, **policy: object) -> Fetcher:
    given: dict[str, object] = {"allowed": (f"{HERE}/32",), "ports": None} | policy
    return Fetcher(FetchPolicy(**given), resolver=names or Names())  # type: ignore[arg-type]


def test_a_page_comes_with_its_status_type_and_text(site: Site) -> None:
    site.answers["/a?b=c"] = (404, {"Content-Type": "text/html; charset=ISO-8859-1"}, "Grüße".encode("latin-1"))
    page = fetcher().get(site.url("/a?b=c#part"))
    assert page == Page(site.url("/a?b=c"), 404, "text/html; charset=iso-8859-1", "Grüße")
    assert site.asked == [("site.test", "/a?b=c")]


ADDRESSES = """
127.0.0.1 127.255.255.254 0.0.0.0 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.100.100.200 169.254.0.1
169.254.169.254 169.254.170.2 192.0.0.192 168.63.129.16 198.18.0.1 224.0.0.1 255.255.255.255 240.0.0.1 192.0.2.1
::1 :: ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::1 2002:7f00:1:: 2001:0:1::1 fe80::1
fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2a00::5efe:7f00:1 2a00::200:5efe:7f00:1 100::1 localhost 127.1
""".split()


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_that_are_not_of_the_public_internet_are_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "172.32.0.1", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
)
def test_public_addresses_are_not(address: str) -> None:
    assert refusal(address) == ""


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each not in {"localhost", "127.1"}])
def test_a_name_that_leads_to_such_an_address_is_refused_before_anything_is_sent(address: str) -> None:
    """One of several addresses is enough: the next connection may go to it."""
    names = Names(site=[["8.8.8.8", address]])
    with pytest.raises(ToolFailed, match=r"leads to site\.test at"):
        Fetcher(resolver=names).get("http://site.test/")


@pytest.mark.parametrize(
    "url",
    [
        "file:" + "//localhost/etc/passwd",
        "ftp://site.test/",
        "gopher://site.test/",
        "data:text/plain,x",
        "//site.test/",
        "site.test",
        "http:site.test",
        "http:///site.test",
        "http://",
        "http://user@site.test/",
        "http://user:password@site.test/",
        "http://site.test@127.0.0.1/",
        "http://site.test\\@127.0.0.1/",
        "http://127.0.0.1\t.site.test/",
        "http://site.test/a b",
        "http://site.test/\r\nHost: other",
        "http://site.test\0/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1.5/",
        "http://[::1%25lo]/",
        "http://[::ffff:1/",
        "http://①②⑦.0.0.1/",
        "http://\u017fite.test/",
        "http://site..test/",
        "http://-site.test/",
        "http://site.test:0/",
        "http://site.test:65536/",
        "http://site.test:80:80/",
        "http://site.test/" + "a" * 9000,
    ],
)
def test_a_url_that_programs_read_differently_or_that_is_not_of_the_web_is_refused(url: str) -> None:
    names = Names()
    with pytest.raises(ToolFailed, match="fetch_url: "):
        fetcher(names).get(url)
    assert names.looked_up == []
    with pytest.raises(UrlRefused, match=r"\w"):
        parse(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:169.254.169.254]", "[fd00:ec2::254]"]
)
def test_the_stock_tool_reaches_neither_this_machine_nor_a_clouds_metadata(host: str) -> None:
    with pytest.raises(ToolFailed, match=r"which is \w"):
        fetch_url.function(f"http://{host}/latest/meta-data/")


def test_only_the_webs_ports_are_reached_unless_the_policy_says_otherwise() -> None:
    with pytest.raises(ToolFailed, match="is on port 25"):
        fetcher(ports=(80, 443)).get("http://site.test:25/")


def test_a_redirect_on_the_same_host_is_followed_and_its_name_looked_up_anew(site: Site) -> None:
    site.answers["/a"] = (302, {"Location": "/b c\xe9"}, b"")
    site.answers["/b%20c%E9"] = (200, {}, b"there")
    names = Names()
    page = fetcher(names).get(site.url("/a"))
    assert (page.text, page.url) == ("there", site.url("/b%20c%E9"))
    assert names.looked_up == ["site.test"] * 2


def test_a_name_that_changes_between_two_look_ups_is_refused_at_the_second(site: Site) -> None:
    site.answers["/a"] = (302, {"Location": "/b"}, b"")
    with pytest.raises(ToolFailed, match=r"site.test at 127.0.0.2, which is this machine"):
        fetcher(Names(site=[[HERE], ["127.0.0.2"]])).get(site.url("/a"))
    assert site.asked == [("site.test", "/a")]


def test_a_name_that_changes_after_its_look_up_changes_nothing(site: Site) -> None:
    """The connection goes to the address that was checked: a second look-up would get another one."""
    site.answers["/a"] = (200, {}, b"pinned")
    names = Names(site=[[HERE], ["127.0.0.2"]])
    assert fetcher(names).get(site.url("/a")).text == "pinned"
    assert names.looked_up == ["site.test"]


@pytest.mark.parametrize("location", ["http://127.0.0.2/", "http://[::1]/", "http://169.254.169.254/", "//127.0.0.2/x"])
@pytest.mark.parametrize("other_hosts", [True, False])
def test_a_redirect_to_loopback_or_metadata_is_an_error(site: Site, location: str, other_hosts: bool) -> None:
    site.answers["/a"] = (302, {"Location": location}, b"")
    with pytest.raises(ToolFailed, match=r"which is \w"):
        fetcher(other_hosts=other_hosts).get(site.url("/a"))


@pytest.mark.parametrize("location", ["file:" + "//localhost/etc/passwd", "http://2130706433/", "http://a@127.0.0.1/"])
def test_a_redirect_to_what_is_no_plain_url_is_an_error(site: Site, location: str) -> None:
    site.answers["/a"] = (302, {"Location": location}, b"")
    with pytest.raises(ToolFailed, match="leads to"):
        fetcher(other_hosts=True).get(site.url("/a"))


def test_a_redirect_to_another_host_is_told_and_not_followed(site: Site) -> None:
    """Whoever allowed this host did not allow that one; its name is not even looked up."""
    site.answers["/a"] = (302, {"Location": "http://other.test/?secret"}, b"Moved")
    names = Names()
    page = fetcher(names).get(site.url("/a"))
    assert (page.status, page.redirect, page.text) == (302, "http://other.test/?secret", "")
    assert names.looked_up == ["site.test"]


def test_where_other_hosts_are_allowed_each_is_checked(site: Site) -> None:
    site.answers["/a"] = (302, {"Location": site.url("/b", "other.test")}, b"")
    site.answers["/b"] = (200, {}, b"there")
    assert fetcher(other_hosts=True).get(site.url("/a")).text == "there"
    with pytest.raises(ToolFailed, match=r"leads to other\.test at 10\.0\.0\.1, which is private"):
        fetcher(Names(other=[["10.0.0.1"]]), other_hosts=True).get(site.url("/a"))


def test_redirects_in_a_circle_end(site: Site) -> None:
    site.answers["/a"] = (302, {"Location": "/a"}, b"")
    with pytest.raises(ToolFailed, match="leads on more than 5 times"):
        fetcher().get(site.url("/a"))
    assert len(site.asked) == 6


@pytest.mark.parametrize("length", ["known", "unknown"])
def test_an_answer_that_is_too_large_is_an_error(site: Site, length: str) -> None:
    site.answers["/a"] = (200, {} if length == "known" else {"Content-Length": ""}, b"x" * 1001)
    with pytest.raises(ToolFailed, match="larger than 1,000 bytes"):
        fetcher(largest=1000).get(site.url("/a"))


def _deflate(data: bytes) -> bytes:
    made = zlib.compressobj(wbits=-15)
    return made.compress(data) + made.flush()


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", _deflate)]
)
def test_compressed_text_is_unpacked_and_a_bomb_is_an_error(
    site: Site, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    site.answers["/a"] = (200, {"Content-Encoding": encoding}, pack(b"text" * 10))
    site.answers["/bomb"] = (200, {"Content-Encoding": encoding}, pack(bytes(50_000_000)))
    assert fetcher().get(site.url("/a")).text == "text" * 10
    with pytest.raises(ToolFailed, match="larger than 2,000,000 bytes"):
        fetcher().get(site.url("/bomb"))


def test_a_bomb_in_many_parts_is_one_too(site: Site) -> None:
    site.answers["/a"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(b"ab") * 2)
    site.answers["/bomb"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(500_000)) * 10)
    assert fetcher().get(site.url("/a")).text == "abab"
    with pytest.raises(ToolFailed, match="larger than"):
        fetcher().get(site.url("/bomb"))


@pytest.mark.parametrize(
    ("headers", "body", "said"),
    [
        ({"Content-Type": "image/png"}, b"x", "is 'image/png', not text"),
        ({"Content-Encoding": "gzip, gzip"}, b"x", "which nobody asked for"),
        ({"Content-Encoding": "gzip"}, b"no gzip", "did not answer as it should: error"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"text")[:-9], "is cut off"),
        ({"Content-Length": "100"}, b"x", "IncompleteRead"),
    ],
    ids=["image", "encoded twice", "not gzip", "cut off", "too short"],
)
def test_what_is_no_whole_text_is_an_error(site: Site, headers: dict[str, str], body: bytes, said: str) -> None:
    site.answers["/a"] = (200, headers, body)
    with pytest.raises(ToolFailed, match=said):
        fetcher().get(site.url("/a"))


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape", "hex", "utf-7", "no-such"])
def test_a_character_set_that_is_none_for_pages_is_taken_for_utf_8(site: Site, charset: str) -> None:
    site.answers["/a"] = (200, {"Content-Type": f"text/plain; charset={charset}"}, "+AGE- ü".encode())
    assert fetcher().get(site.url("/a")).text == "+AGE- ü"


def test_what_the_tool_declares() -> None:
    assert (fetch_url.declaration.effect, fetch_url.declaration.trusted) == ("idempotent", False)
    assert fetch_url.declaration.parameters["required"] == ["url"]
