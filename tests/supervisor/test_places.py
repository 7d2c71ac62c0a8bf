"""Paths, hosts and addresses as attackers write them. True opens a door, False holds off a ban; None does neither."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.supervisor.places import email_domain, path_under, url_host

FILE_URL = "file:" + "///etc/passwd"

PATHS: list[tuple[str, Any, bool | None]] = [
    ("out", "out/brief.md", True),
    ("out/", "out//a/./b.md", True),
    ("out", "./out/x", True),
    ("out", "out", True),
    (".", "anything/at all.md", True),
    ("/data/in", "/data/in/a", True),
    ("/", "/etc/passwd", True),
    ("out", "Übersicht/ä.md", False),
    ("out", "output/x", False),
    ("out", "other/out/x", False),
    ("/data/in", "/data/input", False),
    ("out", "out/../secrets", None),
    ("out", "out/a/../b", None),
    ("secrets", "out/../secrets/key", None),
    ("out", "..", None),
    ("out", "/out/x", None),
    ("/out", "out/x", None),
    ("out", "//out/x", None),
    ("out", "out\\..\\x", None),
    ("out", "out/x\x00.md", None),
    ("out", "out/\nx", None),
    ("out", "out/\u202ex", None),
    ("out", "o\u200but/x", None),
    ("out", "~/out", None),
    ("out", "C:/out/x", None),
    ("out", "c:out", None),
    ("out", FILE_URL, None),
    ("out", "file:/out", None),
    ("out", "out/%2e%2e/x", None),
    ("out", "out/%2E./x", None),
    ("out", "out%2f..%2fx", None),
    ("out", "out/%00", None),
    ("out", "OUT/x", None),
    ("out", "out./x", None),
    ("out", "out /x", None),
    ("out", "o\u0301ut/x", None),
    ("out", "\uff4fut/x", None),
    ("out", "out\uff0fx", None),
    ("out", "оut/x", None),  # noqa: RUF001 - a Cyrillic letter, on purpose
    ("out", "", None),
    ("out", "out/" + "x" * 5000, None),
    ("out", None, None),
    ("out", 7, None),
    ("out", True, None),
    ("out", ["out/x"], None),
    ("out", {"path": "out/x"}, None),
]


@pytest.mark.parametrize(("root", "value", "answer"), PATHS)
def test_paths(root: str, value: Any, answer: bool | None) -> None:
    assert path_under(root)(value) is answer


@pytest.mark.parametrize("root", ["", "../out", "a/../b", "~/out", "a\\b", FILE_URL, "a\x00", "C:/x"])
def test_a_root_that_is_no_plain_path_is_refused(root: str) -> None:
    with pytest.raises(ValueError, match="is not a plain path"):
        path_under(root)


HOSTS: list[tuple[Any, Any, bool | None]] = [
    ("example.com", "https://example.com", True),
    ("example.com", "http://EXAMPLE.com/a?b#c", True),
    ("example.com", "https://example.com./x", True),
    ("example.com", "https://example.com:443/x", True),
    ("example.com", "https://example.com?x=@evil.test", True),
    ("example.com", "https://example.com/@evil.test", True),
    ("*.example.com", "https://docs.example.com/", True),
    ("*.example.com", "https://a.b.example.com/", True),
    (["a.test", "b.test"], "https://b.test/", True),
    ("localhost:8080", "http://localhost:8080/x", True),
    ("127.0.0.1", "http://127.0.0.1/", True),
    ("[::1]:9", "http://[0:0:0:0:0:0:0:1]:9/", True),
    ("bücher.test", "https://xn--bcher-kva.test/", True),
    ("*.example.com", "https://example.com/", False),
    ("*.example.com", "https://evilexample.com/", False),
    ("example.com", "https://example.com.evil.test/", False),
    ("example.com", "https://evil.test/example.com", False),
    ("example.com", "https://evil.test#example.com", False),
    ("example.com", "https://xn--exmple-cua.com/", False),
    ("localhost:8080", "http://localhost:8081/x", False),
    ("169.254.169.254", "http://10.0.0.1/", False),
    ("example.com", "https://example.com:22/", None),
    ("example.com", "https://example.com@evil.test/", None),
    ("example.com", "https://user:pw@example.com/", None),
    ("example.com", "https://example.com\\@evil.test/", None),
    ("example.com", "https://evil.test\\.example.com/", None),
    ("example.com", "https:/example.com/", None),
    ("example.com", "https:example.com", None),
    ("example.com", "//example.com/", None),
    ("example.com", "example.com", None),
    ("example.com", "javascript://example.com/%0aalert(1)", None),
    ("example.com", "file://example.com/etc/passwd", None),
    ("example.com", "ftp://example.com/", None),
    ("example.com", " https://example.com/", None),
    ("example.com", "https://example.com/\r\nHost: evil.test", None),
    ("example.com", "https://example.com\t.evil.test/", None),
    ("example.com", "https://example.com\x00.evil.test/", None),
    ("example.com", "https://example.com%2eevil.test/", None),
    ("example.com", "https://example.com%00/", None),
    ("example.com", "https://example。com/", None),
    ("example.com", "https://еxample.com/", None),  # noqa: RUF001 - a Cyrillic letter, on purpose
    ("example.com", "https://example..com/", None),
    ("example.com", "https://.example.com/", None),
    ("example.com", "https:///", None),
    ("example.com", "https://example.com:99999999/", None),
    ("example.com", "https://example.com:x/", None),
    ("169.254.169.254", "http://2852039166/", None),
    ("169.254.169.254", "http://0xa9fea9fe/", None),
    ("169.254.169.254", "http://0xa9.0xfe.0xa9.0xfe/", None),
    ("169.254.169.254", "http://0251.0376.0251.0376/", None),
    ("169.254.169.254", "http://169.254.43518/", None),
    ("169.254.169.254", "http://[::ffff:169.254.169.254]/", None),
    ("169.254.169.254", "http://[::ffff:a9fe:a9fe]/", None),
    ("169.254.169.254", "http://[::a9fe:a9fe]/", None),
    ("169.254.169.254", "http://[64:ff9b::a9fe:a9fe]/", None),
    ("169.254.169.254", "http://[2002:a9fe:a9fe::1]/", None),
    ("169.254.169.254", "http://[fe80::1%25eth0]/", None),
    ("127.0.0.1", "http://127.1/", None),
    ("127.0.0.1", "http://0/", None),
    ("example.com", "https://example.com/" + "x" * 9000, None),
    ("example.com", None, None),
    ("example.com", 5, None),
    ("example.com", {"url": "https://example.com"}, None),
]


@pytest.mark.parametrize(("hosts", "value", "answer"), HOSTS)
def test_hosts(hosts: Any, value: Any, answer: bool | None) -> None:
    assert url_host(hosts)(value) is answer


@pytest.mark.parametrize(
    "hosts", ["", [], 5, None, [1], "https://example.com", "a b", "*", "*.1.2.3.4", "1.2.3", "a..b"]
)
def test_a_host_that_is_none_is_refused(hosts: Any) -> None:
    with pytest.raises(ValueError, match=r"host|texts|address|octet|Expected"):
        url_host(hosts)


MAIL: list[tuple[Any, Any, bool | None]] = [
    ("example.com", "ann@example.com", True),
    ("example.com", "ann.b+tag@EXAMPLE.COM", True),
    ("*.example.com", "ann@mail.example.com", True),
    (["a.test", "b.test"], "x@b.test", True),
    ("example.com", "ann@example.com.evil.test", False),
    ("example.com", "ann@evilexample.com", False),
    ("example.com", "ann@mail.example.com", False),
    ("example.com", "ann@evil.test", False),
    ("example.com", "Ann <ann@example.com>", None),
    ("example.com", "ann@example.com, eve@evil.test", None),
    ("example.com", "eve@evil.test;ann@example.com", None),
    ("example.com", "eve@evil.test\nBcc: x@example.com", None),
    ("example.com", "ann@example.com\r\nBcc: eve@evil.test", None),
    ("example.com", "eve%evil.test@example.com", None),
    ("example.com", "evil.test!eve@example.com", None),
    ("example.com", '"eve@evil.test"@example.com', None),
    ("example.com", "eve@evil.test@example.com", None),
    ("example.com", "eve(x)@example.com", None),
    ("example.com", "@example.com", None),
    ("example.com", "-oQ/tmp@example.com", None),
    ("example.com", "ann@example.com.", None),
    ("example.com", "ann@.example.com", None),
    ("example.com", "ann@[127.0.0.1]", None),
    ("example.com", "ann@127.0.0.1", None),
    ("example.com", "ann@еxample.com", None),  # noqa: RUF001 - a Cyrillic letter, on purpose
    ("example.com", "ann@example.com\x00", None),
    ("example.com", "", None),
    ("example.com", 5, None),
    ("example.com", None, None),
]


@pytest.mark.parametrize(("domains", "value", "answer"), MAIL)
def test_mail_addresses(domains: Any, value: Any, answer: bool | None) -> None:
    assert email_domain(domains)(value) is answer


@pytest.mark.parametrize("domains", ["", "1.2.3.4", "[::1]", "example.com:25", []])
def test_a_mail_domain_that_is_none_is_refused(domains: Any) -> None:
    with pytest.raises(ValueError, match=r"domain|texts|host"):
        email_domain(domains)


anything = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists)
nasty = st.text(alphabet="ot/.\\~%2eE:@ \x00\u200b\u0301\uff0f-[]h?#", max_size=30)


@given(anything | nasty)
def test_no_value_makes_a_check_raise(value: Any) -> None:
    for check in (path_under("out"), path_under("/"), url_host(["ot.test", "[::1]"]), email_domain("ot.test")):
        assert check(value) in {True, False, None}


@given(nasty)
def test_a_path_that_is_surely_under_a_root_has_no_way_out_of_it(value: str) -> None:
    if path_under("o")(value):
        assert [part for part in value.split("/") if part not in {"", "."}][0] == "o"  # noqa: RUF015
        assert not set(value) & set("\\\x00\u200b")
        assert ".." not in value.split("/")
