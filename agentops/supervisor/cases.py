"""The tests inside a policy, run: what it says of each call, and whether that is what its author expects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from agentops.kernel.gate import ToolDeclaration
from agentops.supervisor.judge import Call, judge
from agentops.supervisor.policy import Policy
from agentops.supervisor.policy_form import CaseForm

__all__ = ["CaseResult", "run_cases"]


class CaseResult(msgspec.Struct, frozen=True):
    """What came of one test. ``expect_rule`` is empty where any rule may decide."""

    name: str
    passed: bool
    expect: Literal["allow", "ask", "deny"]
    expect_rule: str
    verdict: Literal["allow", "ask", "deny"]
    rule: str
    because: str


def run_cases(policy: Policy, cases: Iterable[CaseForm], tools: Mapping[str, ToolDeclaration]) -> list[CaseResult]:
    """Run tests in their order; none knows of another. ``tools``: for the defaults of arguments that a test omits."""
    return [_run(policy, case, tools) for case in cases]


def _run(policy: Policy, case: CaseForm, tools: Mapping[str, ToolDeclaration]) -> CaseResult:
    call = Call(tools.get(case.call.tool, case.call.tool), case.call.args, case.call.agent)
    earlier = [call] * case.call.earlier
    said = judge(call.tool, call.arguments, agent=call.agent, policy=policy, earlier=earlier)
    passed = said.verdict == case.expect and case.rule in {None, said.rule}
    return CaseResult(case.name, passed, case.expect, case.rule or "", said.verdict, said.rule, said.because)
