"""The playbooks that come along do their job on real documents, without a network or a key, and replay exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from agentops.app.embed import open_runtime

CORPUS: Final = Path(__file__).resolve().parents[1] / "models" / "corpus"
SIDES: Final = {"left": "council-report.md", "right": "handbook.md"}


@pytest.mark.parametrize(
    ("name", "more", "said"),
    [
        ("research-brief", {}, "After the new wheel locks were fitted in February 2024, thefts fell to 18"),
        ("support-answer", {}, "After the new wheel locks were fitted in February 2024, thefts fell to 18"),
        ("compare-documents", SIDES, "**council-report.md**: Thefts fell from 71 in 2023 to 18 in 2024"),
    ],
)
async def test_each_answers_from_the_documents_and_replays_without_a_difference(
    tmp_path: Path, name: str, more: dict[str, Any], said: str
) -> None:
    async with open_runtime(workspace=tmp_path, journal=tmp_path / "runs.db") as ops:
        run = await ops.start(name, question="Why did bicycle thefts fall?", documents=str(CORPUS), **more)
        page = (await run.result()).markdown()
        replayed = ops.replay(run.id)
    assert said in page
    assert "- [1] `" in page
    assert replayed.finished
    assert replayed.divergence is None


async def test_what_the_documents_do_not_answer_is_looked_for_once_more_and_then_said_to_be_so(tmp_path: Path) -> None:
    async with open_runtime(workspace=tmp_path, journal=tmp_path / "runs.db") as ops:
        run = await ops.start("support-answer", question="What does a kidney transplant cost?", documents=str(CORPUS))
        answer = await run.result()
    assert not answer.covered
    assert "do not cover this question" in answer.text
