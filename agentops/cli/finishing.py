"""The last words of ``run`` and ``resume``: the page or the object on stdout, hints on stderr, the exit code."""

from __future__ import annotations

import inspect
from typing import Any

import msgspec

from agentops.cli.driving import Finish
from agentops.cli.failing import plain, tell_error
from agentops.cli.shell import note, print_json
from agentops.kernel.records import Approval
from agentops.observe.told import call, visible

__all__ = ["finish"]


def finish(result: Finish | None, *, as_json: bool) -> int:
    """Print what a run came to; its exit code."""
    if result is None:
        note("interrupted")
        return 130
    code = _code(result)
    if as_json:
        print_json(_object(result, code))
    elif code == 0:
        _page(result)
    _hints(result)
    return code


def _status(result: Finish) -> str:
    return "interrupted" if result.ended is None else result.ended.status


def _code(result: Finish) -> int:
    if result.ended is None:
        return 130
    if result.ended.status == "waiting":
        return 5
    if result.ended.error is not None:
        return result.ended.error.exit_code
    return {"done": 0, "cancelled": 130, "stopped": 3, "denied": 4}.get(result.ended.status, 1)


def _object(result: Finish, code: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "run": result.run,
        "status": _status(result),
        "output": msgspec.to_builtins(result.output, enc_hook=_plain),
        "usage": result.totals.plain(),
        "written_by": result.labels,
        "exit_code": code,
    }
    if result.output is not None and (markdown := _markdown(result)):
        found["markdown"] = markdown
    if result.ended is not None and result.ended.error is not None:
        found["error"] = plain(result.ended.error)
    if result.approvals:
        found["approvals"] = [_approval(*each) for each in result.approvals]
    return found


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return str(value) if dump is None else dump(mode="json")


def _approval(approval: Approval, arguments: Any) -> dict[str, Any]:
    return {
        "approval": approval.effect,
        "kind": approval.kind,
        "name": approval.name,
        "arguments": arguments,
        "rule": approval.rule,
        "because": approval.because,
    }


def _page(result: Finish) -> None:
    """The output, for a person: its own page where it has one, else as JSON."""
    markdown = _markdown(result)
    if markdown:
        print(f"\n{visible(markdown, lines=True).rstrip()}")
    elif isinstance(result.output, str):
        print(f"\n{visible(result.output, lines=True)}{_line(result)}")
    elif result.output is not None:
        data = msgspec.json.encode(msgspec.to_builtins(result.output, enc_hook=_plain))
        print(f"\n{visible(msgspec.json.format(data, indent=2).decode(), lines=True)}")
        if result.labels:
            note(f"written by: {_label(result)}")


def _line(result: Finish) -> str:
    """The line at the end of a page that says what wrote it; none where no model did."""
    return f"\n\n*Written by: {_label(result)}.*" if result.labels else ""


def _label(result: Finish) -> str:
    return visible("; ".join(result.labels))


def _markdown(result: Finish) -> str:
    """The page of an output that can write one: a method ``markdown(label)``, or a field of that name."""
    output = result.output
    page = output.get("markdown") if isinstance(output, dict) else getattr(output, "markdown", None)
    if callable(page):
        takes_label = bool(inspect.signature(page).parameters)
        text = page(_label(result)) if takes_label else page()
        return str(text) if takes_label else f"{text}{_line(result)}\n"
    return f"{page.rstrip()}{_line(result)}\n" if isinstance(page, str) else ""


def _hints(result: Finish) -> None:
    """What the run used, what went wrong, what to do next; on stderr."""
    run = result.run
    if result.ended is None:
        note(f"interrupted; go on with: agentops resume {run}")
        return
    note(f"{result.ended.status}: {result.totals.text()}")
    if result.ended.status == "waiting":
        for approval, arguments in result.approvals:
            because = f": {visible(approval.because)}" if approval.because else ""
            note(f"waits for a person (rule {visible(approval.rule)}{because}): {_wants(approval, arguments)}")
            note(f"  agentops approve {run} {approval.effect}")
            note(f"  agentops deny {run} {approval.effect}")
        note(f"then: agentops resume {run}")
        return
    if result.ended.error is not None:
        tell_error(plain(result.ended.error))
    if result.ended.status == "interrupted":
        note(f"go on with: agentops resume {run}")
    else:
        note(f"how it came to this: agentops runs show {run}")


def _wants(approval: Approval, arguments: Any) -> str:
    return f"{visible(approval.effect.partition('/')[0])} wants {call(approval.name, arguments, 200)}"
