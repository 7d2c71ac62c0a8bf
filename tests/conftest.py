"""What holds for every test: it is deterministic, it has the machine to itself, and it stays on the machine.

Async tests need no mark; each runs under asyncio and under trio.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from typing import Any, Final

import hypothesis
import pytest

# Found examples are found again: by everybody, each time. More of them: pytest --hypothesis-profile=deep
hypothesis.settings.register_profile("house", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=2_000)
hypothesis.settings.load_profile("house")

_FOREIGN_SETTINGS: Final = ("AGENTOPS_", "OPENAI_", "XDG_")
_reached_outside: list[str] = []


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test sees the settings of whoever runs it, or writes to their home; subprocesses inherit that."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_FOREIGN_SETTINGS)]:
            patch.delenv(name)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("NO_COLOR", "1")
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)  # subprocesses start three times as fast with it
        patch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path_factory.mktemp("compiled")))
        patch.setenv("COLUMNS", "120")
        yield


@pytest.fixture(autouse=True)
def _stays_on_this_machine() -> Iterator[None]:
    """A test that tried to reach beyond loopback fails, even where what it called swallowed the refusal."""
    _reached_outside.clear()
    yield
    assert not _reached_outside, f"reached beyond loopback: {_reached_outside}"


def _is_here(host: object) -> bool:
    """Whether a socket's host is this machine; None and '' are wildcards to listen on, 'localhost' needs no DNS."""
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host in {None, "", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(str(host).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _stay_on_loopback(event: str, args: tuple[Any, ...]) -> None:
    """Refuse, as an audit hook, what would leave the machine. Socket paths are local files, so they may pass."""
    if event == "socket.getaddrinfo":
        host = args[0]
    elif event in {"socket.connect", "socket.sendto", "socket.sendmsg"} and isinstance(args[1], tuple):
        host = args[1][0]
    else:
        return
    if not _is_here(host):
        _reached_outside.append(f"{event} {host!r}")
        msg = f"a test may not reach beyond loopback: {event} {host!r}"
        raise PermissionError(msg)


sys.addaudithook(_stay_on_loopback)
