"""Policies on the command line: checked, tested, explained, and tried on what was recorded, calling nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.commands import agentops, environment, read_json

STRICT: Final = """
allow:
  - look
  - {tool: wait_for, agents: [clerk]}
ask:
  - {tool: send_mail, id: mails, at_most: 1, args: {to: {email_domain: example.org}}}
deny:
  - {tool: send_mail, id: no-pay, args: {body: {matches: "*pay*"}}}
tests:
  - name: nobody mails about money
    call: {tool: send_mail, agent: clerk, args: {to: ann@example.org, body: pay me}}
    expect: deny
    rule: no-pay
  - name: one mail is enough
    call: {tool: send_mail, args: {to: ann@example.org, body: hi}, earlier: 1}
    expect: deny
    rule: mails:at_most
"""

BUSY: Final = """
from agentops import Agent, handles

from .clerk import Note, Order, look, send_mail


class Busy(Agent):
    \"\"\"Looks until it is stopped.\"\"\"

    tools = [look, send_mail]

    @handles
    async def on_order(self, order: Order) -> Note:
        seen = []
        for number in range(int(order.text)):
            try:
                seen.append(await look(name=str(number)))
            except Exception as error:
                seen.append(type(error).__name__)
        return Note(text=" ".join(seen), markdown="")
"""

WATCHED: Final = """
import os, sys

def hook(event, args):
    if event.startswith(("socket.", "subprocess.", "os.fork", "os.exec", "os.spawn", "os.posix_spawn", "os.system")):
        os.write(2, f"caught {event} {args}".encode())
        os._exit(99)

sys.addaudithook(hook)
from agentops.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture
def house(workspace: Path) -> Path:
    """The workspace, with a policy of its own, an agent that looks often, and a playbook that limits it."""
    (workspace / "policies").mkdir()
    (workspace / "policies" / "tight.yaml").write_text(STRICT, encoding="utf-8")
    (workspace / "agents" / "busy.py").write_text(BUSY, encoding="utf-8")
    errand = (workspace / "playbooks" / "errand.yaml").read_text(encoding="utf-8")
    limited = errand.replace("playbook: errand", "playbook: limited").replace("agent: clerk", "agent: busy")
    limited = limited.replace("{tool: look}", "{tool: look, at_most: 2, id: two-looks}")
    (workspace / "playbooks" / "limited.yaml").write_text(limited, encoding="utf-8")
    return workspace


def mailed(house: Path) -> str:
    """A run that sent a mail, because a person allowed it."""
    run: str = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=house))["run"]
    assert agentops("approve", run, "--by", "ann", cwd=house).returncode == 0
    assert agentops("resume", run, cwd=house).returncode == 0
    return run


def backtest(house: Path, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, "policy", "backtest", *arguments, "--json"],
        cwd=house, env=environment(), capture_output=True, text=True, encoding="utf-8", check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return read_json(done)


# --- check and test ------------------------------------------------------------------------------------------------


def test_a_policy_is_found_by_name_by_path_and_inside_a_playbook(house: Path) -> None:
    named = read_json(agentops("policy", "check", "tight", "--json", cwd=house))
    assert named["policy"] == "policies/tight.yaml"
    assert (named["deny"], named["ask"], named["tests"]) == (["no-pay"], ["mails"], 2)
    by_path = agentops("policy", "check", "policies/tight.yaml", cwd=house)
    assert by_path.stdout.startswith("ok  policies/tight.yaml  (1 deny, 1 ask, 2 allow; 2 tests; sha256 ")
    for name in ("errand", "playbooks/errand.yaml"):
        inside = read_json(agentops("policy", "check", name, "--json", cwd=house))
        assert (inside["policy"], inside["ask"]) == ("playbooks/errand.yaml", ["mail-leaves-the-house"])


def test_what_is_wrong_with_a_policy_is_listed_with_its_places_and_the_exit_code_is_2(house: Path) -> None:
    text = STRICT.replace("- look", "- lok").replace("id: mails, at_most", "id: mails, at_mots")
    (house / "policies" / "tight.yaml").write_text(text, encoding="utf-8")
    done = agentops("policy", "check", "tight", "--json", cwd=house)
    assert done.returncode == 2
    assert "policies/tight.yaml:6:43: there is no key 'at_mots' here. Did you mean 'at_most'?" in done.stderr
    assert read_json(done)["error"]["type"] == "PolicyError"
    missing = agentops("policy", "check", "tigt", cwd=house)
    assert (missing.returncode, "Did you mean 'tight'" in missing.stderr) == (2, True)
    assert agentops("policy", "check", "./none.yaml", cwd=house).returncode == 2


def test_tests_that_pass_and_fail_are_told_in_a_table_and_by_the_exit_code(house: Path) -> None:
    done = agentops("policy", "test", "tight", cwd=house)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 passed, 0 failed")
    path = house / "policies" / "tight.yaml"
    path.write_text(STRICT.replace("expect: deny\n    rule: no-pay", "expect: ask"), encoding="utf-8")
    failed = agentops("policy", "test", "tight", cwd=house)
    assert failed.returncode == 1
    assert "FAILED  nobody mails about money  ask" in failed.stdout
    assert "policies/tight.yaml:10:5: expected ask, got deny by no-pay" in failed.stderr
    said = read_json(agentops("policy", "test", "tight", "--json", cwd=house))
    assert (said["failed"], [each["passed"] for each in said["tests"]]) == (1, [False, True])


def test_a_policy_without_tests_does_not_pass_for_tested(house: Path) -> None:
    done = agentops("policy", "test", "errand", cwd=house)
    assert (done.returncode, "playbooks/errand.yaml has no tests" in done.stderr) == (2, True)


# --- limits in a run -----------------------------------------------------------------------------------------------


def test_a_run_whose_rule_is_limited_replays_and_explains_itself(house: Path) -> None:
    done = read_json(agentops("run", "limited", "-i", "way=4", "--json", cwd=house))
    assert done["output"]["text"] == "seen 0 seen 1 PermissionDenied PermissionDenied"
    assert agentops("replay", done["run"], cwd=house).returncode == 0
    said = read_json(agentops("policy", "explain", "last", "busy/1/0.3", "--json", cwd=house))
    assert said["recorded"]["rule"] == said["policy"]["rule"] == "two-looks:at_most"
    before = read_json(agentops("policy", "explain", "last", "busy/1/0.2", "--json", cwd=house))
    assert (before["recorded"]["outcome"], before["policy"]["verdict"]) == ("made", "allow")
    assert [each["rule"] for each in before["rules"]] == ["two-looks"]


# --- explain -------------------------------------------------------------------------------------------------------


def test_a_call_that_a_person_approved_is_explained_with_the_rule_that_asked(house: Path) -> None:
    run = mailed(house)
    done = agentops("policy", "explain", run, "clerk/1/0.2", cwd=house)
    assert done.returncode == 0, done.stderr
    assert "made by rule mail-leaves-the-house, approved by ann" in done.stdout
    assert "the policy  ask by rule mail-leaves-the-house: mail leaves the house" in done.stdout
    assert "*  ask        mail-leaves-the-house  yes   it looks at no argument" in done.stdout
    assert "\\u202eevil\\x1b[31m" in done.stdout
    unknown = agentops("policy", "explain", run, "clerk/1/0.9", cwd=house)
    assert (unknown.returncode, "has no effect 'clerk/1/0.9'" in unknown.stderr) == (2, True)


def test_a_call_that_a_person_refused_is_told_from_what_the_policy_said(house: Path) -> None:
    run = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=house))["run"]
    agentops("deny", run, "--by", "ann", cwd=house)
    agentops("resume", run, cwd=house)
    done = agentops("policy", "explain", run, "clerk/1/0.2", cwd=house)
    assert "refused by rule person" in done.stdout
    assert "a person said no" in done.stdout


# --- backtest ------------------------------------------------------------------------------------------------------


def test_a_back_test_calls_nothing_and_says_which_run_stops_where_and_who_had_approved_it(house: Path) -> None:
    run = mailed(house)
    assert agentops("run", "errand", "-i", "way=looking", cwd=house).returncode == 0
    mails = (house / "mails.txt").read_bytes()
    said = backtest(house, "tight", "--runs", "all")
    assert (house / "mails.txt").read_bytes() == mails
    assert {each["run"]: each["stopped"] for each in said["runs"]} == {
        run: "clerk/1/0.2",
        next(each["run"] for each in said["runs"] if each["run"] != run): None,
    }
    (finding,) = next(each["findings"] for each in said["runs"] if each["run"] == run)
    assert (finding["change"], finding["rule"], finding["approved"]) == ("stopped", "no-pay", "ann")
    text = agentops("policy", "backtest", "tight", cwd=house).stdout
    assert "stopped at clerk/1/0.2 by no-pay" in text
    assert "made by mail-leaves-the-house, approved by ann" in text
    assert text.endswith("under policies/tight.yaml, 1 of 2 runs would have been stopped\n")


def test_a_run_under_the_policy_it_had_comes_through_unchanged(house: Path) -> None:
    mailed(house)
    agentops("run", "limited", "-i", "way=4", cwd=house)
    (last,) = backtest(house, "limited", "--runs", "last")["runs"]
    assert (last["playbook"], last["calls"], last["findings"]) == ("limited", 4, [])
    (done,) = backtest(house, "errand", "--runs", "all", "--status", "done")["runs"][1:]
    assert done["findings"] == []


def test_runs_are_chosen_by_id_and_by_status(house: Path) -> None:
    waits = read_json(agentops("run", "errand", "-i", "way=mailing", "--json", cwd=house))["run"]
    done = read_json(agentops("run", "errand", "-i", "way=looking", "--json", cwd=house))["run"]

    def chosen(*arguments: str) -> list[str]:
        return [each["run"] for each in backtest(house, "tight", *arguments)["runs"]]

    assert chosen("--runs", f"{done},{waits},{done}") == [done, waits]
    assert chosen("--status", "waiting") == [waits]
    assert chosen("--runs", "last") == [done]
    assert chosen("--runs", "last", "--status", "waiting") == []
    assert backtest(house, "tight", "--runs", waits)["runs"][0]["findings"][0]["then"] == "waiting"
    assert agentops("policy", "backtest", "tight", "--runs", "nope", cwd=house).returncode == 2
