"""The playbooks that come along are right, and their policies allow what they need and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from agentops.kernel.gate import ToolDeclaration
from agentops.messages import encode
from agentops.playbook.agents import load_catalog
from agentops.playbook.compile import Compiled, compile_book
from agentops.playbook.conditions import truth
from agentops.playbook.graph import loop_edges, ways_graph
from agentops.playbook.loader import Library
from agentops.retrieval.tools import index_documents, search_documents
from agentops.supervisor.supervisor import Supervisor

ROOT: Final = Path(__file__).resolve().parents[2]
NAMES: Final = ("compare-documents", "research-brief", "support-answer")
STOCK_TOOLS: Final = (index_documents, search_documents)


def stock(name: str) -> Compiled:
    catalog = load_catalog([ROOT], STOCK_TOOLS)
    return compile_book(Library([ROOT]).open(name, ROOT), catalog)


def test_there_are_three_and_each_bears_the_name_of_its_file() -> None:
    assert tuple(Library([ROOT]).names()) == NAMES
    assert [stock(name).name for name in NAMES] == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_is_checked_against_the_stock_agents_and_says_what_it_is_for(name: str) -> None:
    playbook = stock(name)
    assert playbook.plan.description
    assert all(spec.description for spec in playbook.plan.inputs.values())
    assert list(playbook.plan.inputs)[:2] == ["question", "documents"]
    assert playbook.returns is not None
    assert callable(getattr(playbook.returns, "markdown", None))


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_limit_in_every_unit(name: str) -> None:
    limits = stock(name).config.limits
    assert all(getattr(limits, unit) for unit in limits.__struct_fields__)


@pytest.mark.parametrize("name", NAMES)
def test_each_allows_exactly_what_its_agents_and_steps_need(name: str) -> None:
    playbook = stock(name)
    gate = Supervisor.from_config(playbook.config)
    wants: dict[str, set[str]] = {spec.name: {tool.name for tool in spec.cls.tools} for spec in playbook.agents}
    wants[name] = {"index_documents"}
    allowed = {
        (agent, tool.name)
        for agent in wants
        for tool in STOCK_TOOLS
        if gate.policy.judge(tool.name, agent, _arguments(tool.declaration)).verdict == "allow"
    }
    assert allowed == {(agent, tool) for agent, tools in wants.items() for tool in tools}


def _arguments(tool: ToolDeclaration) -> bytes:
    sample: dict[str, Any] = {"folder": "/docs", "query": "x"}
    return encode({key: sample[key] for key in tool.parameters["required"]})


def test_the_brief_goes_round_only_from_the_critic_back_to_the_writer() -> None:
    assert loop_edges(ways_graph(stock("research-brief").plan, truth)) == [("review", "write")]


def test_the_comparison_reads_both_documents_with_agents_of_their_own() -> None:
    names = [spec.name for spec in stock("compare-documents").agents]
    assert names == [
        "compare-documents",
        "left-retriever",
        "right-retriever",
        "left-analyst",
        "right-analyst",
        "comparer",
    ]
