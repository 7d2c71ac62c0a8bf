"""The conductor does what a playbook says, in that order, and puts every choice on record."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from agentops.errors import InvalidInput, MessageInvalid, PermissionDenied, RunError
from agentops.supervisor.supervisor import Supervisor
from tests.playbook.house import compiled, play

WHOLE: Final = """\
playbook: whole
inputs:
  topic: {type: text}
  strict: {type: integer, default: 3}
steps:
  - {id: read, agent: reader, input: {topic: "on ${inputs.topic}"}}
  - id: both
    parallel:
      - {id: count, tool: count_words, input: {text: "${read.topic}"}}
      - {id: pub, tool: publish, input: {title: x, notes: "${read.notes}"}}
  - id: loop
    repeat:
      until: judge.accepted
      at_most: 5
      steps:
        - {id: write, agent: author, input: {notes: "${read}", opinion: "${judge}"}}
        - {id: judge, agent: judging, input: {draft: "${write}", strictness: "${inputs.strict}"}}
  - id: way
    when: count.words > 2 and length(read.notes) == 3
    then:
      - {id: polished, agent: author, input: {draft: "${write}"}}
    else:
      - {id: plain, value: "${write}"}
output: {draft: "${way}", words: "${count.words}", loop: "${loop}", published: "${both.pub}"}
"""


def test_steps_run_in_order_side_by_side_round_by_round_and_one_way_only(tmp_path: Path) -> None:
    played = play(compiled(tmp_path, {"whole": WHOLE}), {"topic": "big cats"})
    assert played.output == {
        "draft": {"text": "ON BIG CATS IN 3 NOTES", "version": 4},
        "words": 3,
        "loop": {"rounds": 2, "accepted": True},
        "published": "x: n0, n1, n2",
    }
    assert played.asked == ["reader", "author", "judging", "author", "judging", "author"]
    assert played.together[0] == ["count_words", "publish"]


def test_every_round_and_every_way_is_a_decision_with_its_options_and_its_reason(tmp_path: Path) -> None:
    played = play(compiled(tmp_path, {"whole": WHOLE}), {"topic": "cats"})
    assert [(one.question, one.options, one.chosen, one.because) for one in played.decided] == [
        (
            "Is step 'loop' done after round 1 of 5?",
            ("done", "another round"),
            "another round",
            "judge.accepted is false",
        ),
        ("Is step 'loop' done after round 2 of 5?", ("done", "another round"), "done", "judge.accepted is true"),
        (
            "Which way at step 'way'?",
            ("then", "else"),
            "else",
            "count.words > 2 and length(read.notes) == 3: count.words is 2, length(read.notes) is 3",
        ),
    ]


def test_a_loop_gives_up_after_its_last_round_and_says_so(tmp_path: Path) -> None:
    played = play(compiled(tmp_path, {"whole": WHOLE}), {"topic": "cats", "strict": "99"})
    assert played.output["loop"] == {"rounds": 5, "accepted": False}
    assert played.decided[4].options == ("done", "give up")
    assert played.decided[4].chosen == "give up"


def test_the_same_playbook_and_inputs_give_the_same_records_byte_for_byte(tmp_path: Path) -> None:
    blocks = [play(compiled(tmp_path, {"whole": WHOLE}), {"topic": "cats"}).blocks for _ in range(2)]
    assert blocks[0] == blocks[1]


def test_a_loop_inside_a_loop_starts_each_time_without_a_round_before(tmp_path: Path) -> None:
    text = """\
playbook: nested
steps:
  - id: outer
    repeat:
      until: false
      at_most: 2
      steps:
        - id: inner
          repeat:
            until: judge.accepted
            at_most: 3
            steps:
              - {id: write, agent: author, input: {notes: {topic: t}, opinion: "${judge}"}}
              - {id: judge, agent: judging, input: {draft: "${write}", strictness: 2}}
output: "${write.version}"
"""
    played = play(compiled(tmp_path, {"nested": text}), {})
    assert played.asked == ["author", "judging"] * 4
    assert played.output == 3


def test_arms_of_a_parallel_in_a_loop_see_each_other_s_round_before_and_never_this_one(tmp_path: Path) -> None:
    text = """\
playbook: arms
steps:
  - id: loop
    repeat:
      until: false
      at_most: 3
      steps:
        - id: both
          parallel:
            - {id: first, tool: count_words, input: {text: a b, minimum: "${second.words}"}}
            - {id: second, tool: count_words, input: {text: a b c, minimum: "${first.words}"}}
output: ["${first.words}", "${second.words}"]
"""
    assert play(compiled(tmp_path, {"arms": text}), {}).output == [3, 3]


def test_a_branch_not_taken_has_the_value_nothing(tmp_path: Path) -> None:
    text = """\
playbook: empty-handed
inputs: {go: {type: boolean}}
steps:
  - {id: way, when: inputs.go, then: [{id: one, value: 1}]}
output: "${way}"
"""
    house = compiled(tmp_path, {"empty-handed": text})
    assert play(house, {"go": "yes"}).output == 1
    assert play(house, {"go": "no"}).output is None


LOOSE: Final = """\
playbook: vague
inputs: {said: {type: text}}
steps:
  - {id: a, agent: loose, input: {topic: "${inputs.said}"}}
  - {id: b, agent: reader, input: {topic: "${a.topic}"}}
output: "${b.topic}"
"""


@pytest.mark.parametrize(
    ("said", "error", "text"),
    [
        ('{"topic": "cats"}', None, ""),
        (
            '{"topic": 3}',
            MessageInvalid,
            "playbook 'vague', line 5, column 35: step 'b': Topic cannot be sent: Expected `str`, got `int`",
        ),
        (
            '{"title": "x"}',
            RunError,
            "playbook 'vague', line 5, column 46: a has no field 'topic': it is a mapping with 'title'",
        ),
        ("[]", RunError, "playbook 'vague', line 5, column 46: a has no field 'topic': it is a list of 0"),
    ],
)
def test_what_turns_out_wrong_only_in_a_run_names_playbook_line_and_value(
    tmp_path: Path, said: str, error: type[Exception] | None, text: str
) -> None:
    house = compiled(tmp_path, {"vague": LOOSE})
    if error is None:
        assert play(house, {"said": said}).output == "cats"
    else:
        with pytest.raises(error, match=r".") as caught:
            play(house, {"said": said})
        assert text in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


# --- other playbooks --------------------------------------------------------------------------------------------------

OUTER: Final = """\
playbook: outer
inputs: {topic: {type: text}}
budget: {tool_calls: 10}
policy: {allow: [{tool: count_words, agents: [outer]}]}
steps:
  - {id: words, tool: count_words, input: {text: "${inputs.topic}"}}
  - {id: sub, playbook: inner, input: {title: "${inputs.topic}"}, budget: {tool_calls: 1}}
output: ["${words.words}", "${sub.published}"]
"""
INNER: Final = """\
playbook: inner
model: scripted/inner
inputs:
  title: {type: text}
  times: {type: integer, default: 2}
agents:
  scribe: {uses: reader, budget: {model_calls: 3}, instructions: Be brief., model: scripted/scribe}
budget: {tool_calls: 5, seconds: 60}
policy:
  allow:
    - {tool: publish, id: may-publish}
steps:
  - {id: read, agent: scribe, input: {topic: "${inputs.title}", limit: "${inputs.times}"}}
  - {id: judge, agent: judging, input: {draft: {text: x}}}
  - {id: out, tool: publish, input: {title: "${inputs.title}", notes: "${read.notes}"}}
output: {published: "${out}"}
"""


def test_a_called_playbook_runs_as_part_of_the_same_run_under_its_step_s_name(tmp_path: Path) -> None:
    house = compiled(tmp_path, {"outer": OUTER, "inner": INNER})
    assert [(spec.name, spec.parent, spec.model, spec.instructions) for spec in house.agents] == [
        ("outer", "", "", ""),
        ("sub.inner", "outer", "scripted/inner", ""),
        ("sub.scribe", "sub.inner", "scripted/scribe", "Be brief."),
        ("sub.judging", "sub.inner", "scripted/inner", house.agents[3].cls.instructions),
    ]
    gate = Supervisor.from_config(house.config)
    assert play(house, {"topic": "cats"}, gate).output == [1, "cats: n0, n1"]
    assert house.config.nested["sub."].tool_calls == 1
    assert house.config.nested["sub."].seconds == 60
    assert house.config.agents["sub.scribe"].model_calls == 3


def test_a_called_playbook_brings_permissions_for_its_own_agents_only(tmp_path: Path) -> None:
    house = compiled(tmp_path, {"outer": OUTER, "inner": INNER})
    assert house.config.policy == {
        "allow": [
            {"tool": "count_words", "agents": ["outer"]},
            {"tool": "publish", "agents": ["sub.*"], "id": "sub.may-publish"},
        ]
    }


def test_what_the_caller_forbids_is_forbidden_to_what_it_calls(tmp_path: Path) -> None:
    strict = OUTER.replace("policy: {allow:", "policy: {deny: [publish], allow:")
    house = compiled(tmp_path, {"outer": strict, "inner": INNER})
    with pytest.raises(PermissionDenied, match="publish"):
        play(house, {"topic": "cats"}, Supervisor.from_config(house.config))


def test_the_steps_own_tools_need_a_permission_in_the_playbook_s_name(tmp_path: Path) -> None:
    house = compiled(tmp_path, {"outer": OUTER.replace("agents: [outer]", "agents: ['sub.*']"), "inner": INNER})
    with pytest.raises(PermissionDenied, match="count_words"):
        play(house, {"topic": "cats"}, Supervisor.from_config(house.config))


def test_a_called_playbook_is_called_twice_by_two_steps(tmp_path: Path) -> None:
    twice = """\
playbook: twice
steps:
  - id: both
    parallel:
      - {id: one, playbook: inner, input: {title: a}}
      - {id: two, playbook: ./inner.yaml, input: {title: b, times: 1}}
output: "${both}"
"""
    house = compiled(tmp_path, {"twice": twice, "inner": INNER})
    assert play(house, {}).output == {"one": {"published": "a: n0, n1"}, "two": {"published": "b: n0"}}


def test_a_value_unknown_before_the_run_is_checked_when_it_is_an_input_of_a_called_playbook(tmp_path: Path) -> None:
    caller = """\
playbook: caller
steps:
  - {id: a, agent: loose, input: {topic: '{"n": "many"}'}}
  - {id: b, playbook: inner, input: {title: x, times: "${a.n}"}}
output: 1
"""
    house = compiled(tmp_path, {"caller": caller, "inner": INNER})
    with pytest.raises(MessageInvalid, match=r"'caller', line 4, .*: the input 'times' must be a whole number"):
        play(house, {})


def test_a_called_playbook_s_default_folder_counts_from_the_workspace_and_must_be_there_when_a_run_starts(
    tmp_path: Path,
) -> None:
    caller = "playbook: caller\nsteps:\n  - {id: a, playbook: callee}\noutput: ${a}\n"
    callee = (
        "playbook: callee\ninputs: {folder: {type: folder, default: docs}}\n"
        "steps:\n  - {id: a, value: 1}\noutput: ${inputs.folder}\n"
    )
    house = compiled(tmp_path, {"caller": caller, "callee": callee})
    with pytest.raises(InvalidInput, match=r"playbook 'callee': the input 'folder': .*docs does not exist"):
        house.message({}, base=tmp_path, workspace=tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").touch()
    assert house.message({}, base=tmp_path, workspace=tmp_path).values == {}
