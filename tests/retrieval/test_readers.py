"""Readers: what becomes of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import DocumentError
from agentops.retrieval.html_reader import html_text
from agentops.retrieval.readers import READABLE, decode_text, extract


def test_markdown_and_text_are_extracted_as_they_stand() -> None:
    source = "# T\n\n*Some* text, é.\n"
    assert extract(source.encode(), "a.md").text == source
    assert extract(source.encode(), "README").text == source


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"a\r\nb\rc\n", "a\nb\nc\n"),
        (b"\xef\xbb\xbfhello", "hello"),
        ("hello é".encode("utf-16"), "hello é"),
        ("hello é".encode("utf-32"), "hello é"),
    ],
)
def test_line_ends_become_newlines_and_a_byte_order_mark_decides(data: bytes, text: str) -> None:
    assert decode_text(data) == (text, "")


def test_a_little_that_is_not_utf8_is_replaced_and_reported() -> None:
    found = extract(b"The caf\xe9 is open, and it serves coffee.", "a.txt")
    assert found.text == "The caf\ufffd is open, and it serves coffee."
    assert found.damage == "characters that are not valid utf-8, shown as \ufffd: 1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"text\0text", "it is binary \\(it holds NUL bytes\\)"),
        (bytes(range(128, 256)) * 10, "it is binary, or not utf-8 text"),
        (b"\x01\x02\x03text\x04\x05", "it is binary, or not utf-8 text"),
        (b"", "it holds no text"),
        (b" \n\t\n", "it holds no text"),
    ],
)
def test_what_is_not_text_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=f"^a.md: {reason}"):
        extract(data, "a.md")


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(DocumentError, match=r"a\.docx: files of this kind are not read"):
        extract(b"x", "a.docx")


@pytest.mark.parametrize(
    ("name", "source", "title"),
    [
        ("a.md", "---\ntitle: 'From the front'\n---\n# Other\n", "From the front"),
        ("a.md", "# The *first*\n\n## Second\n", "The *first*"),
        ("a.md", "## Low\n\n# High\n", "High"),
        ("sub/billing-faq_2024.md", "no heading", "billing faq 2024"),
        ("a.html", "<title>Of &amp; the page</title><h1>Other</h1>", "Of & the page"),
        ("a.html", "<h1>Only this</h1>", "Only this"),
    ],
)
def test_a_document_has_a_title(name: str, source: str, title: str) -> None:
    assert extract(source.encode(), name).title == title


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>a <b>b</b>c</p><p>d", "a bc\n\nd"),
        ("<p>1 &lt; 2 &amp; caf&eacute; &#8364; &bogus;", "1 < 2 & café € &bogus;"),
        ("a<script>var x = '<p>no</p>';</script><style>p{}</style>b", "ab"),
        ("<nav>menu</nav><p>text</p><noscript>no</noscript>", "text"),
        ("<ul><li><p>one</p><li>two</ul>", "- one\n- two"),
        ("<h2>Head</h2>text<br>more", "## Head\n\ntext more"),
        ("<table><tr><th>a<th>b</tr><tr><td>1 | 2<td><p>x</p><p>y</p></table>", "| a | b |\n| 1 / 2 | x y |"),
        ("<pre>a\n  ``b``\n</pre>", "```\na\n  ``b``\n```"),
        ("<pre>```</pre>", "````\n```\n````"),
        ("<!-- no --><!--> yes <!doctype x><?php no ?>", "yes"),
        ("<p>see <img src=x alt='the picture'></p>", "see the picture"),
        ("<a title=\"x > y\" href='>'>link</a>", "link"),
        ("1 < 2 <3 <é", "1 < 2 <3 <é"),
        ("<nav>never closed, but <p>all there is", "never closed, but\n\nall there is"),
        ("<svg/><p>seen</p><svg><text>unseen</text></svg>", "seen"),
        ("text <unfinished", "text"),
        ("text <!-- unfinished", "text"),
        ("<form><p>A page inside a form</p></form>", "A page inside a form"),
        ("</p></table></nav><p>odd ends", "odd ends"),
    ],
)
def test_html_gives_what_a_reader_of_the_page_sees(source: str, text: str) -> None:
    assert html_text(source)[1].strip() == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"<meta charset=iso-8859-1><p>caf\xe9", "café"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1252">\x80', "€"),
        ("<meta charset=utf-16><p>café".encode(), "café"),
        ("<meta charset=nonsense><p>café".encode(), "café"),
    ],
)
def test_a_page_is_read_in_the_encoding_that_it_declares(data: bytes, text: str) -> None:
    assert extract(data, "a.html").text.strip() == text


@pytest.mark.parametrize(
    "unit",
    [
        "<!--",
        "<a ",
        '<a b="',
        "<!a",
        "<?",
        "</",
        "<a",
        "<nav>",
        "<td>",
        "<div> ",
        "<script>",
        "&",
        "<title>",
        "<![CDATA[",
    ],
)
def test_hostile_repetition_in_html_is_read_in_linear_time(unit: str) -> None:
    """Where this takes minutes, somebody has made it quadratic."""
    html_text("<p>text" + unit * 50_000)


FRAGMENTS = st.sampled_from(
    ["<p>", "</p>", "<table>", "<tr>", "<td>", "</table>", "<li>", "<pre>", "</pre>", "<nav>", "</nav>", "<h1>",
     "&amp;", "<!--", "-->", "<script>", "</script>", "<title>", "</title>", '"', "'", "=", "<", ">", "word ",
     "|", "`", "\n"],
)  # fmt: skip


@given(
    st.sampled_from(sorted(READABLE)), st.one_of(st.binary(), st.lists(FRAGMENTS).map(lambda f: "".join(f).encode()))
)
def test_any_bytes_are_read_or_refused(ending: str, data: bytes) -> None:
    """No other exception, and nothing in the text that SQLite or JSON could not hold."""
    if ending == ".pdf":
        data = b"%PDF-1.7\n" + data
    try:
        text = extract(data, "a" + ending).text
    except DocumentError as error:
        text = error.facts["reason"]
    assert text.strip()
    assert text.encode()
    assert not {"\0", "\r"} & set(text)
