"""Passages: of a readable size, along the structure, exactly as the document has them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import DocumentError
from agentops.retrieval.readers import Extracted, extract
from agentops.retrieval.split import LONGEST, split
from tests.text.test_blocks import MARKDOWN


def passages(text: str, name: str = "a.md") -> list[tuple[str, str]]:
    found = extract(text.encode(), name)
    return [(piece.heading, found.text[piece.start : piece.end]) for piece in split(found)]


def test_a_passage_never_crosses_a_heading_and_carries_the_path_of_headings() -> None:
    text = "Before.\n\n# A\n\nOne.\n\nTwo.\n\n## B\n\nThree.\n\n# C\n\nFour.\n"
    assert passages(text) == [("", "Before."), ("A", "One.\n\nTwo."), ("A > B", "Three."), ("C", "Four.")]


def test_a_heading_with_nothing_under_it_can_be_found_all_the_same() -> None:
    assert passages("# A\n\n## Empty\n\n## Full\n\nText.\n\n# Last\n") == [
        ("A", "## Empty"),
        ("A > Full", "Text."),
        ("", "# Last"),
    ]


def test_long_prose_is_cut_between_sentences() -> None:
    sentence = "The pump moves forty litres an hour and never stops."
    found = passages(" ".join([sentence] * 100))
    assert len(found) > 5
    for _, text in found:
        assert 400 < len(text) <= LONGEST
        assert text.startswith("The pump")
        assert text.endswith("stops.")


def test_long_code_and_tables_are_cut_between_lines() -> None:
    lines = [f"value_{number} = compute({number})" for number in range(100)]
    for text in ("```\n" + "\n".join(lines) + "\n```", "\n".join(f"| {line} |" for line in lines)):
        for _, passage in passages(text):
            assert set(passage.replace("| ", "").replace(" |", "").split("\n")) <= {*lines, "```"}


def test_a_line_without_any_white_space_is_cut_all_the_same() -> None:
    found = passages("x" * 1_000_000)
    assert "".join(text for _, text in found) == "x" * 1_000_000
    assert max(len(text) for _, text in found) <= LONGEST


def test_short_paragraphs_are_put_together_and_a_short_rest_is_not_left_alone() -> None:
    paragraph = "Some words about a pump that goes on and on. " * 8
    found = passages("\n\n".join([paragraph.strip()] * 2 + ["A short end."]))
    assert len(found) == 1


def check(found: Extracted) -> None:
    """The law of splitting."""
    at = 0
    covered = 0
    for piece in split(found):
        text = found.text[piece.start : piece.end]
        assert at <= piece.start < piece.end <= len(found.text)
        assert text.strip()
        assert len(text) <= LONGEST
        covered += len("".join(text.split()))
        at = piece.end
    whole = sum(
        len("".join(found.text[block.start : block.end].split()))
        for block in found.blocks
        if block.kind not in {"heading", "meta", "rule"}
    )
    bare = sum(
        len("".join(found.text[block.start : block.end].split())) for block in found.blocks if block.kind == "heading"
    )
    assert whole <= covered <= whole + bare


@given(MARKDOWN, st.sampled_from(["a.md", "a.txt", "a.html"]))
def test_passages_are_disjoint_slices_that_leave_no_text_out(text: str, name: str) -> None:
    try:
        found = extract(text.encode("utf-8", "replace"), name)
    except DocumentError:
        return
    check(found)


@given(st.lists(st.text(alphabet="ab. \n#|-`", min_size=200, max_size=3000), min_size=1, max_size=3))
def test_the_same_holds_for_long_texts(parts: list[str]) -> None:
    check(extract(("a" + "\n".join(parts)).encode(), "a.md"))
