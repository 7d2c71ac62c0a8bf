"""A playbook's file is read strictly: one meaning, a known place for everything, and nothing hostile gets through."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import PlaybookError
from agentops.playbook.problems import Mark
from agentops.playbook.yaml_source import MAX_BYTES, MAX_DEPTH, parse_yaml, read_yaml

LAUGHS = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("raw", "line", "column", "said"),
    [
        (b"", 1, 1, "the file is empty"),
        (b"# only a comment\n", 1, 1, "the file is empty"),
        (b"- a\n- b\n", 1, 1, "holds a list, not a mapping"),
        (b"just text\n", 1, 1, "holds a single value"),
        (b"a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' stands here twice"),
        (b"x:\n  - {b: 1, b: 2}\n", 2, 12, "the key 'b' stands here twice"),
        (LAUGHS, 1, 4, "anchor '&a'"),
        (b"a: *b\n", 1, 4, "alias '*b'"),
        (b"a: !!python/object/apply:os.system [ls]\n", 1, 4, "tag '!!python/object/apply:os.system'"),
        (b"a: !thing x\n", 1, 4, "tag '!thing'"),
        (b"a: ! x\n", 1, 4, "tag '!'"),
        (b"!!map {a: 1}\n", 1, 1, "tag '!!map'"),
        (b"%TAG ! tag:x:\n---\na: 1\n", 1, 1, "tag directives"),
        (b"<<: {a: 1}\n", 1, 1, "merge keys"),
        (b"? [a, b]\n: c\n", 1, 3, "a key must be plain text"),
        (b"'': x\n", 1, 1, "a key is empty"),
        (b"a: 1\n---\nb: 2\n", 2, 1, "a second document"),
        (b"a: 1\n\tb: 2\n", 2, 1, "cannot start any token"),
        (b"a: b: c\n", 1, 5, "mapping values are not allowed"),
        (b"a: [1, 2\n", 2, 1, "expected ',' or ']'"),
        (b"a:\n  b: 1\n c: 2\n", 3, 2, "expected <block end>"),
        (b"ok: 1\na: \xff\n", 2, 4, "not UTF-8 text: a byte 0xff"),
        (b"\xff\xfea\x00:\x00", 1, 1, "not UTF-8"),
        (b"a: x\x00y\n", 1, 5, "a NUL character"),
        (b"a: x\x07y\n", 1, 5, "U+0007 may not stand in YAML"),
        (b'a: "\\0"\n', 1, 4, "makes a NUL"),
        (b'a: "\\ud800"\n', 1, 4, "half a surrogate pair"),
        (b"a: " + b"[" * 100 + b"]" * 100, 1, 4 + MAX_DEPTH, "nested more than"),
        (b"[" * 100_000, 1, MAX_DEPTH + 2, "nested more than"),
    ],
)
def test_what_has_two_meanings_or_none_is_refused_where_it_stands(
    raw: bytes, line: int, column: int, said: str
) -> None:
    with pytest.raises(PlaybookError, match=r"^p\.yaml:") as caught:
        parse_yaml(raw, file="p.yaml")
    assert said in caught.value.what
    assert (caught.value.file, caught.value.line, caught.value.column) == ("p.yaml", line, column)
    assert caught.value.what.startswith(f"p.yaml:{line}:{column}: ")
    assert caught.value.hint
    assert caught.value.exit_code == 2


def test_a_file_may_be_as_large_as_is_allowed_and_no_larger() -> None:
    body = b"a: 1\n#"
    assert parse_yaml(body + b"x" * (MAX_BYTES - len(body)), file="p").data == {"a": 1}
    with pytest.raises(PlaybookError, match=r"p is larger than 256 KiB"):
        parse_yaml(body + b"x" * MAX_BYTES, file="p")


@pytest.mark.parametrize(
    ("plain", "value"),
    [
        ("on", "on"),
        ("no", "no"),
        ("Yes", "Yes"),
        ("010", "010"),
        ("0o17", "0o17"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("12:30:00", "12:30:00"),
        ("2026-01-31", "2026-01-31"),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("123456789012345678901", "123456789012345678901"),
        ("+", "+"),
        (".", "."),
        ("e5", "e5"),
        ("1.2.3", "1.2.3"),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("1.50", 1.5),
        ("2e3", 2000.0),
        (".5", 0.5),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("'' ", ""),
        ("|\n  12", "12\n"),
    ],
)
def test_plain_values_are_what_they_look_like_and_never_what_yaml_1_1_made_of_them(plain: str, value: Any) -> None:
    found = parse_yaml(f"a: {plain}\n".encode(), file="p").data["a"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_always_text() -> None:
    assert list(parse_yaml(b"on: 1\n12: 2\nnull: 3\ntrue: 4\n", file="p").data) == ["on", "12", "null", "true"]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert parse_yaml(b"\xef\xbb\xbfa: 1\n", file="p").data == {"a": 1}


def test_every_value_key_and_character_has_its_place() -> None:
    source = parse_yaml(b'a:\n  - x: "say ${y}"\n    z: |\n      one\n      two ${y}\n', file="p")
    assert source.mark(("a", 0, "x"), key=True) == Mark(2, 5)
    assert source.mark(("a", 0, "x")) == Mark(2, 8)
    assert source.mark(("a", 0, "x"), offset=4) == Mark(2, 13)
    assert source.mark(("a", 0, "z"), offset=8) == Mark(5, 11)
    assert source.mark(("a", 0, "missing", "deeper")) == Mark(2, 5)
    assert source.mark(("nowhere",)) == Mark(1, 1)


def test_where_folding_or_escapes_hide_a_character_its_value_stands_for_it() -> None:
    source = parse_yaml(b'a: "t\\tx ${y}"\nb: >\n  one\n  two ${y}\n', file="p")
    assert source.mark(("a",), offset=3) == Mark(1, 4)
    assert source.mark(("b",), offset=5) == Mark(2, 4)


@pytest.mark.parametrize(("name", "said"), [("missing.yaml", "does not exist"), ("", "is not a regular file")])
def test_what_is_no_file_is_refused_by_name(tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(PlaybookError, match=said) as caught:
        read_yaml(tmp_path / name)
    assert (caught.value.line, caught.value.column) == (0, 0)


def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(PlaybookError, match="is not a regular file"):
        read_yaml(tmp_path / "pipe.yaml")


@given(st.binary(max_size=60))
def test_any_bytes_give_a_mapping_or_a_playbook_error(raw: bytes) -> None:
    try:
        source = parse_yaml(raw, file="p")
    except PlaybookError as error:
        assert error.hint  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(source.data, dict)


_ALPHABET = st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,? \n\t0._$~<"), max_size=40)


@given(_ALPHABET)
def test_any_yaml_like_text_gives_plain_json_values_or_a_playbook_error(text: str) -> None:
    try:
        data = parse_yaml(text.encode(), file="p").data
    except PlaybookError:
        return
    _assert_plain(data)


def _assert_plain(value: Any) -> None:
    match value:
        case dict():
            assert all(isinstance(key, str) for key in value)
            for item in value.values():
                _assert_plain(item)
        case list():
            for item in value:
                _assert_plain(item)
        case float():
            assert math.isfinite(value)
        case _:
            assert value is None or isinstance(value, str | bool | int)
