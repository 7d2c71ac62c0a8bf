"""Every error that agentops raises, and the exit code of each.

The tree::

    AgentOpsError                  .hint says what to do next
    ├── InvalidInput               exit 2: what came from outside is not usable
    │   ├── PlaybookError          .file .line .column
    │   ├── AgentDefinitionError   an agent, a handler or a tool is declared wrongly
    │   ├── PolicyError            a policy, a budget or a guardrail is declared wrongly
    │   ├── DocumentError          a document or a folder cannot be read
    │   ├── WorkspaceError         a workspace file is missing or malformed
    │   ├── UnknownRun             no run, or several, go by that id
    │   └── JournalError           the journal file cannot be used
    │       ├── JournalVersion     written by another version of the schema
    │       ├── JournalCorrupt     does not read back as it was written
    │       ├── JournalLocked      another process holds it, or the run
    │       └── JournalWriteFailed disk full, read-only, I/O error
    ├── RunError                   exit 1: a run failed
    │   ├── HandlerFailed          an exception left an agent's handler
    │   ├── MessageInvalid         a message does not fit its own type
    │   ├── UnknownRecipient       no agent goes by that name
    │   ├── UnhandledMessage       the recipient has no handler for that type
    │   ├── DeadLetter             a message can no longer be handled by anybody
    │   ├── Deadlock               agents wait for each other; .cycle
    │   ├── UndeclaredEffect       a handler reached outside; .agent .handler .file .line
    │   ├── EffectFailed           a tool, a model or another effect answered with an error
    │   │   ├── ToolFailed
    │   │   └── ModelFailed
    │   ├── InDoubt                an effect may or may not have happened
    │   ├── TimedOut               a deadline passed
    │   ├── RestartLimit           an agent failed too often in too short a time
    │   ├── MessageQuarantined     a message made its agent fail twice
    │   └── RunCancelled           somebody cancelled the run
    ├── BudgetExceeded             exit 3: .scope .unit .limit .settled .reserved .asked
    │   └── UnknownPrice           a budget in money cannot cover a model without a price
    ├── Denied                     exit 4
    │   ├── PermissionDenied       a policy said no; .rule
    │   └── GuardrailBlocked       a guardrail said no; .rule .stage
    ├── ApprovalNeeded             exit 5: the run waits for a person
    └── Diverged                   exit 6: a replay did not do what the record says

    Cancelled                      a BaseException: thrown into a handler that is being cancelled

An error carries its facts as attributes, so that a program need not parse its text. The text says what
happened, with which values; ``hint`` says what to do next. Errors raised by an effect cross the journal as
``(type, text, facts)`` and come back as the same type on replay (see `revive`).
"""

from __future__ import annotations

from typing import Any, ClassVar

__all__ = [
    "AgentDefinitionError",
    "AgentOpsError",
    "ApprovalNeeded",
    "BudgetExceeded",
    "Cancelled",
    "DeadLetter",
    "Deadlock",
    "Denied",
    "Diverged",
    "DocumentError",
    "EffectFailed",
    "GuardrailBlocked",
    "HandlerFailed",
    "InDoubt",
    "InvalidInput",
    "JournalCorrupt",
    "JournalError",
    "JournalLocked",
    "JournalVersion",
    "JournalWriteFailed",
    "MessageInvalid",
    "MessageQuarantined",
    "ModelFailed",
    "PermissionDenied",
    "PlaybookError",
    "PolicyError",
    "RestartLimit",
    "RunCancelled",
    "RunError",
    "TimedOut",
    "ToolFailed",
    "UndeclaredEffect",
    "UnhandledMessage",
    "UnknownPrice",
    "UnknownRecipient",
    "UnknownRun",
    "WorkspaceError",
    "revive",
]


class AgentOpsError(Exception):
    """Root of the tree. ``str(error)`` is what happened; ``error.hint`` is what to do next.

    Any keyword argument becomes an attribute, and an entry of ``error.facts``. Facts are plain JSON values,
    because an error may have to cross the journal.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, hint: str = "", **facts: Any) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.facts = facts

    def __getattr__(self, name: str) -> Any:
        facts = self.__dict__.get("facts", {})
        if name in facts:
            return facts[name]
        msg = f"{type(self).__name__} has no attribute {name!r}"
        raise AttributeError(msg)

    def __str__(self) -> str:
        return f"{self.what}\n  {self.hint}" if self.hint else self.what


class InvalidInput(AgentOpsError):
    """What came from outside (a file, an input, an id) cannot be used as it is."""

    exit_code = 2


class PlaybookError(InvalidInput):
    """A playbook is malformed. Facts: ``file``, ``line`` and ``column`` (both from 1; 0 where unknown)."""


class AgentDefinitionError(InvalidInput):
    """An agent, a handler or a tool is declared in a way that cannot work."""


class PolicyError(InvalidInput):
    """A policy, a budget or a guardrail is declared in a way that cannot work."""


class DocumentError(InvalidInput):
    """A document, or a folder of them, cannot be read."""


class WorkspaceError(InvalidInput):
    """A file of the workspace is missing or malformed."""


class UnknownRun(InvalidInput):
    """No run goes by that id, or more than one does. Facts: ``run``, ``candidates``."""


class JournalError(InvalidInput):
    """The journal file cannot be used. Facts: ``path``."""


class JournalVersion(JournalError):
    """The journal was written by a schema that this version does not know. Facts: ``found``, ``known``."""


class JournalCorrupt(JournalError):
    """The journal does not read back as it was written."""


class JournalLocked(JournalError):
    """Another process holds the journal, or the run."""


class JournalWriteFailed(JournalError):
    """The journal could not be written (disk full, read-only, I/O error); nothing was released."""

    exit_code = 1


class RunError(AgentOpsError):
    """A run failed."""


class HandlerFailed(RunError):
    """An exception left an agent's handler. Facts: ``agent``, ``handler``, ``error``, ``file``, ``line``."""


class MessageInvalid(RunError):
    """A message does not fit its own type, or holds something that cannot be recorded."""


class UnknownRecipient(RunError):
    """No agent of this run goes by that name. Facts: ``recipient``, ``known``."""


class UnhandledMessage(RunError):
    """The recipient has no handler for messages of that type. Facts: ``recipient``, ``message``, ``handled``."""


class DeadLetter(RunError):
    """A message can no longer be handled by anybody. Facts: ``recipient``, ``message``, ``reason``."""


class Deadlock(RunError):
    """Agents wait for each other, and nothing outside can wake them. Facts: ``cycle``, a list of names."""


class UndeclaredEffect(RunError):
    """A handler reached outside other than by an effect. Facts: ``agent``, ``handler``, ``file``, ``line``."""


class EffectFailed(RunError):
    """An effect answered with an error. Facts: ``effect`` (its id), ``name``, ``transient``."""


class ToolFailed(EffectFailed):
    """A tool raised. Facts: also ``error``, the type that it raised."""


class ModelFailed(EffectFailed):
    """A model did not answer, or its answer is of no use."""


class InDoubt(RunError):
    """A crash came between an effect's dispatch and its outcome, and a person said not to repeat it."""


class TimedOut(RunError):
    """A deadline passed. Facts: ``seconds``."""


class RestartLimit(RunError):
    """An agent failed more often than its restart strategy forgives. Facts: ``agent``, ``restarts``, ``within``."""


class MessageQuarantined(RunError):
    """A message made its agent fail again after redelivery, and was set aside. Facts: ``agent``, ``message``."""


class RunCancelled(RunError):
    """Somebody cancelled the run. Facts: ``reason``."""

    exit_code = 130


class BudgetExceeded(AgentOpsError):
    """A reservation did not fit. Facts: ``scope``, ``unit``, ``limit``, ``settled``, ``reserved``, ``asked``."""

    exit_code = 3


class UnknownPrice(BudgetExceeded):
    """A model has no known price, and unknown is never free. Facts: ``model``."""


class Denied(AgentOpsError):
    """The supervisor refused. Facts: ``rule``, the rule that said so."""

    exit_code = 4


class PermissionDenied(Denied):
    """No rule of the policy allows this tool call, or one forbids it. Facts: ``tool``, ``agent``, ``rule``."""


class GuardrailBlocked(Denied):
    """A guardrail blocked. Facts: ``rule`` (the guardrail's name), ``stage``, ``reason``."""


class ApprovalNeeded(AgentOpsError):
    """The run waits for a person. Facts: ``run``, ``approvals``, the ids that are open."""

    exit_code = 5


class Diverged(AgentOpsError):
    """A replay did not do what the record says. Facts: ``report``, see `agentops.runtime.replay.Divergence`."""

    exit_code = 6


class Cancelled(BaseException):
    """Thrown into a handler that is being cancelled.

    Level-triggered: after it, every further effect of that handler raises it again, unless it is made inside
    ``async with self.cleanup(seconds)``. Let it pass; a handler that keeps swallowing it is closed.
    """

    def __init__(self, reason: str = "cancelled", scope: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.scope = scope


def _tree(root: type[AgentOpsError]) -> dict[str, type[AgentOpsError]]:
    found = {root.__name__: root}
    for child in root.__subclasses__():
        found |= _tree(child)
    return found


_BY_NAME = _tree(AgentOpsError)


def revive(name: str, what: str, hint: str, facts: dict[str, Any]) -> AgentOpsError:
    """The error that was recorded as ``name``: of that type if it is one of ours, else `EffectFailed`."""
    kind = _BY_NAME.get(name, EffectFailed)
    return kind(what, hint=hint, **facts)
