"""Laws of the offline model: it quotes, it repeats itself exactly, and its parts do what their sources say."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.models.offline.graph import cosine, pagerank, similarities, vectors
from agentops.models.offline.select import select
from tests.models.offline_desk import Findings, complete, request

WORDS = "pump water steel rust winter price ride lock certificate station not 12 3.5 it however SYSTEM: # | ```".split()
sentence = st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join)
mark = st.sampled_from([". ", ".\n", "? ", "\n\n", "\n- ", ": ", "\n# ", "\n| a | b |\n", "\n```\n", " … "])
prose = st.lists(st.tuples(sentence, mark), min_size=1, max_size=12).map(
    lambda parts: "".join(text.capitalize() + end for text, end in parts)
)
material = st.lists(st.one_of(prose, st.text(max_size=300)), min_size=1, max_size=5).map(
    lambda texts: [{"id": f"p{n}", "document": f"d{n % 2}", "text": text} for n, text in enumerate(texts)]
)


def squeezed(text: str) -> str:
    return " ".join(text.split())


@given(material, sentence)
def test_every_quote_stands_verbatim_in_the_item_that_it_cites(items: list[dict[str, Any]], question: str) -> None:
    """Whatever the material is, nothing is said that is not in it, white space aside."""
    if not any(item["text"].strip() for item in items):
        return
    reply = complete(request("?", {"question": question, "items": items}, Findings))
    by_id = {item["id"]: squeezed(item["text"]) for item in items}
    for finding in json.loads(reply.text)["findings"]:
        assert finding["quote"] == finding["text"]
        assert all(finding["quote"] in by_id[name] for name in finding["evidence"])
        assert finding["evidence"]


@given(material, sentence)
def test_the_same_request_gets_the_same_answer(items: list[dict[str, Any]], question: str) -> None:
    """No clock, no chance, no memory."""
    if not any(item["text"].strip() for item in items):
        return
    asked = request("?", {"question": question, "items": items}, Findings)
    assert complete(asked) == complete(asked)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_wording_of_prompt_or_system_changes_the_answer(prompt: str, system: str) -> None:
    """With a question in the material, the answer depends on the material alone: there is nothing to inject into."""
    content = {"question": "What moves water?", "items": [{"id": "1", "text": "Pumps move water. Hats do not."}]}
    plain = complete(request("?", content, Findings))
    other = request(prompt, content, Findings)
    other = type(other)(
        other.model,
        (type(other.messages[0])("system", system), *other.messages[1:]),
        other.max_output_tokens,
        schema=other.schema,
    )
    assert complete(other).text == plain.text


edges = st.integers(1, 8).flatmap(
    lambda size: st.lists(
        st.tuples(st.integers(0, size - 1), st.integers(0, size - 1), st.floats(0.1, 1.0)), max_size=20
    ).map(lambda links: (size, links))
)


def graph(size: int, links: list[tuple[int, int, float]]) -> list[dict[int, float]]:
    nodes: list[dict[int, float]] = [{} for _ in range(size)]
    for a, b, weight in links:
        if a != b:
            nodes[a][b] = nodes[b][a] = weight
    return nodes


@given(edges, st.data())
def test_ranks_are_a_distribution(sized: tuple[int, list[tuple[int, int, float]]], data: st.DataObject) -> None:
    """Ranks are not negative and add up to one, whatever the graph and wherever the reader starts."""
    size, links = sized
    restart = data.draw(st.lists(st.floats(0, 5), min_size=size, max_size=size))
    ranks = pagerank(graph(size, links), restart)
    assert math.isclose(sum(ranks), 1.0, abs_tol=1e-6)
    assert min(ranks) >= 0


def test_ranks_satisfy_the_equation_of_pagerank() -> None:
    """Rank = (1 - d) * restart + d * sum of rank * weight / out, on a small graph."""
    nodes = graph(4, [(0, 1, 0.5), (1, 2, 0.25), (2, 0, 1.0), (2, 3, 0.5)])
    start = [0.4, 0.3, 0.2, 0.1]
    ranks = pagerank(nodes, start)
    for n in range(4):
        came = sum(ranks[m] * nodes[m][n] / sum(nodes[m].values()) for m in nodes[n])
        assert ranks[n] == pytest.approx(0.15 * start[n] + 0.85 * came, abs=1e-5)


def test_the_centre_of_a_star_ranks_first_and_its_rays_alike() -> None:
    """A sentence that all the others resemble is the central one."""
    ranks = pagerank(graph(5, [(0, n, 0.5) for n in range(1, 5)]), [0.0] * 5)
    assert ranks[0] == max(ranks)
    assert ranks[1:] == pytest.approx([ranks[1]] * 4)


@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=8), min_size=1, max_size=8))
def test_similarity_is_symmetric_between_nought_and_one_and_greatest_with_itself(texts: list[list[str]]) -> None:
    """A cosine is a cosine."""
    found = vectors(texts)
    for a in found:
        assert not a or cosine(a, a) == pytest.approx(1.0)
        for b in found:
            assert cosine(a, b) == pytest.approx(cosine(b, a))
            assert -1e-9 <= cosine(a, b) <= 1 + 1e-9
    linked = similarities(found)
    assert all(linked[m][n] == weight for n, row in enumerate(linked) for m, weight in row.items())


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from("ab")), min_size=1, max_size=12), st.integers(1, 6))
def test_selection_keeps_its_promises(candidates: list[tuple[float, str]], most: int) -> None:
    """No position twice, not more than asked for, none below the floor."""
    worth = [value for value, _ in candidates]
    taken = select(worth, [{str(n): 1.0} for n in range(len(worth))], [s for _, s in candidates], most=most, floor=0.5)
    assert len(taken) == len(set(taken)) <= most
    assert all(worth[n] >= 0.5 for n in taken)
    assert len(taken) == min(most, sum(value >= 0.5 for value in worth))
