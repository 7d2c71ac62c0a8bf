"""Blocks: headings, paragraphs, items, code, tables and the rest, by offsets."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.text import blocks, heading_title

LINES = st.sampled_from(
    [
        "# Title", "## Sub ##", "Text.", "More text, 3.5 of it.", "- item", "  * nested", "1. first", "```", "```py",
        "~~~", "    code()", "\tx = 1", "| a | b |", "|---|---|", "a | b", "> quote", ">", "---", "===", "<!-- c -->",
        "<!--", "-->", "<div>", "[a]: http://x", "", "", " ", "\r", "***", "#", "#no", "\u2028", "Dr. H came. He left.",
    ],
)  # fmt: skip
MARKDOWN = st.one_of(st.text(), st.lists(st.one_of(LINES, st.text(max_size=20)), max_size=30).map("\n".join))


def kinds(text: str, *, markdown: bool = True) -> list[tuple[str, str]]:
    return [(block.kind, text[block.start : block.end]) for block in blocks(text, markdown=markdown)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# A\ntext\nmore\n\nnext", [("heading", "# A"), ("paragraph", "text\nmore"), ("paragraph", "next")]),
        ("A\n===\nB\n---\n", [("heading", "A\n==="), ("heading", "B\n---")]),
        ("- a\n  b\n- c\n", [("item", "- a\n  b"), ("item", "- c")]),
        ("1. a\n2) b", [("item", "1. a"), ("item", "2) b")]),
        ("```\n# no\n\n```\nyes", [("code", "```\n# no\n\n```"), ("paragraph", "yes")]),
        ("```\nnever closed\n", [("code", "```\nnever closed")]),
        ("text\n\n    x = f(1)\n\n    y\n\nend", [("paragraph", "text"), ("code", "    x = f(1)\n\n    y"),
                                               ("paragraph", "end")]),
        ("| a | b |\n|--|--|\n| 1 | 2 |\n\nt", [("table", "| a | b |\n|--|--|\n| 1 | 2 |"), ("paragraph", "t")]),
        ("a | b\n--|--\n1 | 2", [("table", "a | b\n--|--\n1 | 2")]),
        ("> a\n> b\nc", [("quote", "> a\n> b\nc")]),
        ("---\ntitle: x\n---\ntext", [("meta", "---\ntitle: x\n---"), ("paragraph", "text")]),
        ("a\n\n---\n\nb", [("paragraph", "a"), ("rule", "---"), ("paragraph", "b")]),
        ("<!-- a\nb -->\ntext", [("meta", "<!-- a\nb -->"), ("paragraph", "text")]),
        ("<div align=center>\nx\n</div>\n\ny", [("html", "<div align=center>\nx\n</div>"), ("paragraph", "y")]),
        ("[a]: http://x\n\ny", [("meta", "[a]: http://x"), ("paragraph", "y")]),
        ("use a `b | c` here", [("paragraph", "use a `b | c` here")]),
        ("5 is #1, not -1", [("paragraph", "5 is #1, not -1")]),
    ],
)  # fmt: skip
def test_structure_is_read_from_the_lines(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


def test_plain_text_knows_no_markup() -> None:
    text = "# not a heading\n\n    An indented paragraph.\n\n<b>\n"
    assert [kind for kind, _ in kinds(text, markdown=False)] == ["paragraph"] * 3


@pytest.mark.parametrize(
    ("source", "title"),
    [("## A `b` **c** ##", "A b c"), ("#", ""), ("A\nB\n===", "A B"), ("# [T](http://x) d", "T d"), ("# C#", "C#")],
)
def test_a_heading_says_its_title_without_markup(source: str, title: str) -> None:
    (block,) = blocks(source)
    assert block.kind == "heading"
    assert heading_title(source, block) == title


@given(MARKDOWN, st.booleans())
def test_blocks_hold_everything_but_white_space_in_order(text: str, markdown: bool) -> None:
    at = 0
    for block in blocks(text, markdown=markdown):
        assert at <= block.start < block.end <= len(text)
        assert not text[at : block.start].strip()
        assert not text[block.end - 1].isspace()
        at = block.end
    assert not text[at:].strip()


def test_headings_agree_with_commonmark_on_real_pages() -> None:
    """markdown-it is the reference; it gives lines, not offsets, and no sentences, which is why it is not used."""
    reference = pytest.importorskip("markdown_it").MarkdownIt()
    for page in sorted((Path(__file__).parents[1] / "retrieval" / "corpus").glob("*.md")):
        text = page.read_text("utf-8")
        if text.startswith("---"):
            text = text[text.index("---", 3) + 3 :]
        tokens = reference.parse(text)
        expected = [tokens[at + 1].content for at, token in enumerate(tokens) if token.type == "heading_open"]
        assert [heading_title(text, block) for block in blocks(text) if block.kind == "heading"] == expected
