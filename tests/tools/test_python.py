"""`run_python`: a program's end is its result, whatever that end was."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentops.errors import RunError
from agentops.messages import encode
from agentops.tools.confinement import isolation_report
from agentops.tools.isolated import run_isolated
from agentops.tools.python import KEPT, PythonResult, run_python
from tests.tools.performing import context


async def run(code: str) -> PythonResult:
    result: PythonResult = await run_isolated(run_python, encode({"code": code}), context(Path("/nowhere")))
    return result


async def test_what_a_program_prints_and_how_it_ends_is_its_result() -> None:
    result = await run("import sys\nprint('Grüße', sys.argv)\nsys.stderr.write('oh')\nsys.exit(3)")
    assert (result.exit_code, result.stdout, result.stderr) == (3, "Grüße ['-']\n", "oh")
    assert result.isolation == isolation_report().text()


async def test_a_program_that_fails_shows_its_traceback() -> None:
    result = await run("print(1 / 0)")
    assert result.exit_code == 1
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")


async def test_a_program_is_no_shell_command() -> None:
    result = await run("'; echo pwned; $(echo pwned) `echo pwned`'")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


async def test_endless_output_stops_a_program_and_its_beginning_is_kept() -> None:
    result = await run("while True: print('x' * 99)")
    assert (result.stopped, len(result.stdout), result.exit_code) == ("output", KEPT, -9)


async def test_a_program_that_ignores_signals_and_leaves_a_daemon_gives_its_result_all_the_same() -> None:
    result = await run(
        "import os, signal, sys\n"
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n    os.setsid()\n    signal.pause()\n"
        "print('done', flush=True)"
    )
    assert (result.exit_code, result.stdout) == (0, "done\n")


async def test_nothing_of_one_program_is_there_for_the_next() -> None:
    assert (await run("open('a', 'w').write('x')")).exit_code == 0
    assert (await run("import os; print(os.listdir('.'))")).stdout == "[]\n"


def test_outside_its_own_process_it_does_not_run() -> None:
    with pytest.raises(RunError, match="runs only in a process of its own"):
        run_python.function("print(1)")
    assert (run_python.declaration.effect, run_python.isolation) == ("irreversible", "process")
