"""Reads a policy from a file of its own: the mapping that a playbook holds under ``policy``, and nothing around it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentops.errors import PlaybookError, PolicyError
from agentops.kernel.gate import ToolDeclaration
from agentops.playbook.problems import Source
from agentops.playbook.yaml_source import YamlSource, read_yaml
from agentops.supervisor.policy_form import PolicyForm
from agentops.supervisor.policy_reading import Locate, read_form

__all__ = ["PolicyFile", "locator", "policy_of", "read_policy_yaml"]


@dataclass(frozen=True)
class PolicyFile:
    """A policy that is in order. ``locate`` says where a part of it stands: ``policies/mail.yaml:4:5``."""

    file: str
    form: PolicyForm
    locate: Locate


def read_policy_yaml(path: Path, *, shown: str) -> YamlSource:
    """Parse the file, as strictly as playbooks are; raises `PolicyError`. ``shown``: what errors call it."""
    try:
        return read_yaml(path, shown=shown)
    except PlaybookError as error:
        hint = error.hint
        if "playbook" in hint:
            hint = "A policy is one mapping, as in {allow: [search_documents]}."
        raise PolicyError(error.what.replace("playbooks", "policies"), hint=hint, **error.facts) from error


def policy_of(source: YamlSource, tools: Iterable[ToolDeclaration]) -> PolicyFile:
    """Check a parsed file. ``tools``: those that there are. Raises `PolicyError` that lists every fault.

    Which agents there are only a playbook says, so names of agents are not checked here.
    """
    locate = locator(source)
    return PolicyFile(source.file, read_form(source.data, tools=tools, locate=locate, reachable=True), locate)


def locator(source: Source, *under: str) -> Locate:
    """What turns a path inside a policy, which stands at ``under`` in its file, into file, line and column."""

    def locate(path: Iterable[str | int]) -> str:
        mark = source.mark((*under, *path))
        return f"{source.file}:{mark.line}:{mark.column}"

    return locate
