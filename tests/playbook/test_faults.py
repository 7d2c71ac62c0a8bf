"""A playbook that cannot work is refused before it runs: every fault at its line and column, with what to do."""

from __future__ import annotations

from typing import Final

import pytest

from agentops.errors import PlaybookError
from agentops.kernel.tool import tool
from agentops.playbook.catalog import Catalog
from agentops.playbook.schema import MAX_STEPS
from tests.playbook.house import CATALOG, checked, faults

HEAD: Final = """\
playbook: demo
inputs:
  topic: {type: text}
  n: {type: integer, default: 2}
  kind: {type: choice, choices: [quick, deep], default: quick}
  maybe: {type: text, default: null}
steps:
"""
FIRST: Final = "  - {id: a, agent: reader, input: {topic: x}}\n"


def book(steps: str, *, output: str = "1", head: str = HEAD) -> str:
    """A playbook whose steps start at line 8."""
    return f"{head}{steps.rstrip()}\noutput: {output}\n"


def branch(condition: str) -> str:
    """A branch on a condition, at line 9, column 11."""
    return book(f"{FIRST}  - id: b\n    when: {condition}\n    then:\n      - {{id: c, value: 1}}\n")


# --- shape ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("playbook: x\noutput: 1\n", ["1:1 the playbook needs the key 'steps' | Add 'steps: ...'."]),
        (
            "playbook: x\nstep: []\noutput: 1\n",
            [
                "1:1 the playbook needs the key 'steps' | Is 'step' a slip?",
                "2:1 unknown key 'step' in the playbook | Did you mean 'steps'?",
            ],
        ),
        (book("  []"), ["8:3 'steps' is empty | Give it at least one step, or remove it."]),
        (book("  - 3"), ["8:5 a step is a mapping with an 'id' | "]),
        (
            book("  - {id: a}"),
            [
                (
                    "8:5 nothing says what this step does; it needs one of 'agent', 'tool', 'parallel', 'when', "
                    "'repeat', 'playbook', 'value' | For example: agent: writer"
                )
            ],
        ),
        (book("  - {id: a, agnet: x}"), ["8:13 unknown key 'agnet' in a step | Did you mean 'agent'?"]),
        (
            book("  - {id: a, agent: x, tool: y}"),
            ["8:5 a step does one thing, and this one has 'agent', 'tool' | "],
        ),
        (book("  - {agent: x}"), ["8:5 the step needs the key 'id' | Add 'id: ...'."]),
        (
            book("  - {id: a, agent: x, inputs: {}}"),
            ["8:23 unknown key 'inputs' in the step 'a' | Did you mean 'input'?"],
        ),
        (
            book("  - {id: Read It, agent: x}"),
            ["8:10 'Read It' is no name | Use lower-case words joined by '-' or '_', such as 'find-evidence'."],
        ),
        (
            book("  - {id: inputs, agent: x}"),
            ["8:10 'inputs' means something in expressions | Choose another id."],
        ),
        (
            book("  - {id: 7, agent: x}"),
            ["8:10 'id' must be text, not the number 7 | Put it in quotes if it is meant as text."],
        ),
        (book("  - {id: a, agent: [x]}"), ["8:20 'agent' must be text, not a list | "]),
        (book("  - {id: a, agent: ''}"), ["8:20 'agent' is empty | Write it out, or remove the key."]),
        (
            book("  - {id: a, agent: x, input: [1]}"),
            ["8:30 an agent's input is a mapping of fields, or one reference such as ${step} | "],
        ),
        (
            book("  - {id: a, agent: x, input: hello}"),
            [
                (
                    "8:30 an agent's input is a mapping of fields, or one reference | "
                    "Write the field's name before it: 'text: ...'."
                )
            ],
        ),
        (book("  - {id: a, tool: x, input: '${a}'}"), ["8:29 'input' must be a mapping, not the text '${a}' | "]),
        (book("  - {id: a, parallel: []}"), ["8:23 'parallel' is empty | Give it at least one step, or remove it."]),
        (book("  - {id: a, when: x}"), ["8:5 the step 'a' needs the key 'then' | Add 'then: ...'."]),
        (
            book("  - {id: a, when: x, then: [{id: b, agent: y}], esle: []}"),
            ["8:49 unknown key 'esle' in the step 'a' | Did you mean 'else'?"],
        ),
        (
            book("  - {id: a, repeat: {until: x, at_most: 1000, steps: [{id: b, agent: y}]}}"),
            ["8:41 'at_most' must be at most 100, not 1000 | A loop must have an end that a person would wait for."],
        ),
        (
            book("  - {id: a, repeat: {until: x, at_most: 0, steps: [{id: b, agent: y}]}}"),
            ["8:41 'at_most' must be at least 1, not 0 | "],
        ),
        (
            book("  - {id: a, repeat: {until: x, steps: [{id: b, agent: y}]}}"),
            ["8:21 'repeat' needs the key 'at_most' | Add 'at_most: ...'."],
        ),
        (
            book("  - {id: a, repeat: {until: x, at_most: '3', steps: [{id: b, agent: 1}]}}"),
            [
                "8:41 'at_most' must be a whole number, not the text '3' | ",
                "8:69 'agent' must be text, not the number 1 | Put it in quotes if it is meant as text.",
            ],
        ),
        (
            book(
                "  - {id: a, repeat: {until: x, at_most: 100, steps: [{id: b, repeat: {until: x, at_most: 11, "
                "steps: [{id: c, repeat: {until: x, at_most: 2, steps: [{id: d, agent: y}]}}]}}]}}"
            ),
            [
                (
                    "8:90 with the loops around it, this one makes 1100 rounds, more than 1000 | "
                    "Lower 'at_most', here or around it."
                )
            ],
        ),
        (
            book("  - {id: a, agent: x}\n  - {id: p, parallel: [{id: a, tool: y}]}"),
            ["9:29 two steps have the id 'a' | The other is at line 8; rename one."],
        ),
        (
            book(FIRST, head=HEAD.replace("type: text", "type: txt")),
            [
                "3:17 'type' cannot be the text 'txt' | Did you mean 'text'?",
                "6:17 'type' cannot be the text 'txt' | Did you mean 'text'?",
            ],
        ),
        (
            book(FIRST, head=HEAD.replace("choices: [quick, deep], ", "")),
            ["5:9 an input of type 'choice' needs 'choices', a list of texts | "],
        ),
        (
            book(FIRST, head=HEAD.replace("[quick, deep]", "[yes, yes]")),
            ["5:9 'choices' names something twice | "],
        ),
        (
            book(FIRST, head=HEAD.replace("  topic: {type: text}", "  topic:")),
            ["3:9 'topic' must be a mapping, not nothing | Write its keys below it, indented, or leave it out."],
        ),
        (
            book(FIRST, head="agents:\n  A: {uses: reader}\n  b: {use: reader}\n" + HEAD),
            [
                "2:3 'A' is no name | Use lower-case words joined by '-' or '_', such as 'find-evidence'.",
                "3:6 the agent 'b' needs the key 'uses' | Is 'use' a slip?",
                "3:7 unknown key 'use' in the agent 'b' | Did you mean 'uses'?",
            ],
        ),
        (
            book(FIRST, head="unknown_price: free\n" + HEAD),
            ["1:16 'unknown_price' cannot be the text 'free' | Did you mean 'refuse'?"],
        ),
        (
            book(FIRST, head="budget: {money: -1, tokns: 3, tool_calls: 1.5}\n" + HEAD),
            [
                "1:17 budget money=-1 is not an amount of US dollars from 0 | Write US dollars, as in money=0.50.",
                "1:21 there is no budget in 'tokns' | Did you mean 'tokens'?",
                (
                    "1:43 budget tool_calls=1.5 is not a whole number from 0 | "
                    "Write a whole number, as in tool_calls=20000."
                ),
            ],
        ),
        (
            book("  - {id: a, value: '${x', input: 1}"),
            ["8:27 unknown key 'input' in the step 'a' | There is: id, value."],
        ),
        (
            book("  - id: a\n    value: ['${inputs.}', 'so ${topic']"),
            [
                "9:23 expected a field's name after '.', found the end | Write [\"key\"] for other names.",
                "9:31 '${' is not closed | Close it with '}', or write $${ for a plain ${.",
            ],
        ),
        (
            branch("inputs.n >> 2"),
            [
                (
                    "10:21 expected a value, found '>' | A value is a reference such as step.field, a text in quotes, "
                    "a number, true, false or null."
                )
            ],
        ),
    ],
)
def test_a_wrong_shape_is_refused_where_it_stands(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


# --- names, order, types ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            book("  - {id: a, agent: raeder, input: {topic: x}}"),
            ["8:20 there is no agent 'raeder' | Did you mean 'reader'?"],
        ),
        (
            book("  - {id: a, tool: count_word, input: {text: x}}"),
            ["8:19 there is no tool 'count_word' | Did you mean 'count_words'?"],
        ),
        (
            book(FIRST, head="agents:\n  x: {uses: readr}\n" + HEAD),
            ["2:13 there is no agent 'readr' | Did you mean 'reader'?"],
        ),
        (
            book(FIRST, head="guardrails: [size, secret]\n" + HEAD),
            ["1:20 there is no guardrail 'secret' | Did you mean 'secrets'?"],
        ),
        (
            book(FIRST, head=HEAD.replace("demo", "reader")),
            [
                (
                    "1:11 the playbook has the name of its agent 'reader' | "
                    "The playbook itself appears as an agent in a run; rename one."
                )
            ],
        ),
        (
            book(FIRST, head=HEAD.replace("default: 2", "default: two").replace("default: quick", "default: slow")),
            [
                "4:31 the default of the input 'n' must be a whole number, not the text 'two' | ",
                "5:57 the default of the input 'kind' must be one of 'quick' and 'deep', not the text 'slow' | ",
            ],
        ),
        (
            book("  - {id: a, agent: reader}"),
            ["8:5 Topic (what agent 'reader' accepts) needs the field 'topic' | Add 'topic: ...' (text)."],
        ),
        (
            book("  - {id: a, agent: reader, input: {topic: x, limt: 3}}"),
            ["8:46 Topic (what agent 'reader' accepts) has no field 'limt' | Did you mean 'limit'?"],
        ),
        (
            book("  - {id: a, agent: reader, input: {topic: 12, limit: '3', depth: deeep}}"),
            [
                "8:43 Topic.topic must be text: 12 is an integer, not text | Put it in quotes.",
                (
                    "8:54 Topic.limit must be an integer: '3' is text, not an integer | "
                    "Write it without quotes; yes, no, on, off and numbers with '_' are text here."
                ),
                "8:66 Topic.depth must be 'deep' or 'quick': 'deeep' is not 'deep' or 'quick' | ",
            ],
        ),
        (
            book(FIRST + "  - {id: b, agent: reader, input: {topic: '${a.notes}', limit: '${inputs.maybe}'}}"),
            [
                "9:43 Topic.topic must be text: a list of Note is not text | ",
                "9:64 Topic.limit must be an integer: text is not an integer | ",
            ],
        ),
        (
            book(FIRST + "  - {id: b, agent: reader, input: {topic: '${inputs.maybe}'}}"),
            ["9:43 Topic.topic must be text: nothing is not text | "],
        ),
        (
            book(FIRST + "  - {id: b, agent: judging, input: {draft: '${a}'}}"),
            ["9:44 Judge.draft must be Draft: Notes has no field 'text', which Draft needs | "],
        ),
        (
            book(FIRST + "  - {id: b, agent: judging, input: '${a}'}"),
            [
                (
                    "9:36 a does not fit Judge (what agent 'judging' accepts): Notes has no field 'draft', "
                    "which Judge needs | Give its fields one by one."
                )
            ],
        ),
        (
            book("  - {id: b, agent: author, input: {notes: {topic: x, note: [], notes: [{id: a, txt: b}]}}}"),
            [
                "8:54 Notes has no field 'note' | Did you mean 'notes'?",
                "8:72 Note needs the field 'text' | Add 'text: ...' (text).",
                "8:80 Note has no field 'txt' | Did you mean 'text'?",
            ],
        ),
        (
            book("  - {id: b, agent: author, input: {}}"),
            [
                (
                    "8:20 agent 'author' handles 'Polish' and 'Write', and this input fits none of them | "
                    "Say which one is meant with 'message: ...'."
                )
            ],
        ),
        (
            book("  - {id: b, agent: author, message: Wite, input: {}}"),
            ["8:37 agent 'author' does not handle 'Wite' | Did you mean 'Write'?"],
        ),
        (
            book("  - {id: a, tool: publish, input: {title: x, notes: '${inputs.topic}', more: 1}}"),
            [
                "8:53 publish.notes must be a list of Note: text is not a list of Note | ",
                "8:72 tool 'publish' has no field 'more' | There is: notes, title.",
            ],
        ),
        (
            book("  - {id: a, agent: reader, input: {topic: '${inputs.topc}'}}"),
            ["8:46 inputs.topc: there is no input 'topc' | Did you mean 'topic'?"],
        ),
        (
            book("  - {id: a, agent: reader, input: {topic: '${topic}'}}"),
            ["8:46 topic: there is no step 'topic', but there is an input | Write inputs.topic."],
        ),
        (
            book(FIRST + "  - {id: b, value: '${aa.topic}'}"),
            ["9:23 aa.topic: there is no step 'aa' | Did you mean 'a'?"],
        ),
        (
            book(FIRST + "  - {id: b, value: '${a.topc}'}"),
            ["9:23 a.topc: Notes has no field 'topc' | Did you mean 'topic'?"],
        ),
        (
            book(FIRST + "  - {id: b, value: ['${a.notes.text}', '${a.topic.x}', '${a[0]}']}"),
            [
                "9:24 a.notes.text: a list has no field 'text' | Take one item with [0], or its size with length(...).",
                "9:43 a.topic.x: text has no parts, so no 'x' | Refer to it as it is.",
                "9:59 a[0]: Notes is no list and has no item [0] | It has 'topic' and 'notes'.",
            ],
        ),
        (
            book(FIRST + "  - {id: b, value: 'all of ${a.notes}'}"),
            [
                (
                    "9:30 a.notes is a list of Note and cannot stand inside text | Text takes texts, numbers, true and "
                    "false. A field may have the whole value, without text around."
                )
            ],
        ),
        (book(FIRST, output="${b}"), ["9:11 b: there is no step 'b' | There is: a, inputs."]),
        (
            book("  - {id: a, value: '${b}'}\n  - {id: b, value: 1}"),
            ["8:23 b: step 'b' runs after 'a' | Change their order, or put both under 'repeat'."],
        ),
        (
            book("  - {id: a, value: '${b}'}\n  - {id: b, value: '${c}'}\n  - {id: c, value: '${a}'}"),
            [
                (
                    "8:23 b: steps use each other in a circle: a uses b uses c uses a | "
                    "Only 'repeat' may go round: put these steps under it, with 'until' and 'at_most'."
                )
            ],
        ),
        (
            book("  - {id: a, value: '${a}'}"),
            ["8:23 a: step 'a' uses its own result | Only inside 'repeat' can a step see a result of before."],
        ),
        (
            book(
                FIRST
                + "  - {id: b, when: inputs.n > 1, then: [{id: c, value: 1}], else: [{id: d, value: '${c}'}]}\n"
                + "  - {id: e, value: '${d}'}"
            ),
            [
                (
                    "9:85 c: step 'c' may not have run: it stands under 'then' of 'b' | "
                    "Use 'b': its value is that of the last step of whichever way was taken."
                ),
                (
                    "10:23 d: step 'd' may not have run: it stands under 'else' of 'b' | "
                    "Use 'b': its value is that of the last step of whichever way was taken."
                ),
            ],
        ),
        (
            book("  - {id: p, parallel: [{id: b, value: 1}, {id: c, value: '${b}'}]}"),
            [
                (
                    "8:61 b: step 'c' runs side by side with 'b' and cannot use its result | "
                    "Move it behind the parallel step 'p'."
                )
            ],
        ),
        (
            book("  - {id: p, parallel: [{id: b, value: '${p.b}'}]}"),
            ["8:42 p.b: step 'b' is inside 'p' and runs before it is done | Use a step before it."],
        ),
        (
            book("  - {id: b, when: true, then: [{id: c, value: 1}], else: [{id: d, value: 1}, {id: e, value: 1}]}"),
            [
                "8:64 step 'd' can never run | The condition before it is always true or always false.",
            ],
        ),
        (
            book("  - {id: b, when: not (1 < 2) or 2 < 1, then: [{id: c, value: 1}]}"),
            ["8:53 step 'c' can never run | The condition before it is always true or always false."],
        ),
        (
            branch("a.notes"),
            [
                (
                    "10:11 a.notes is a list of Note, not true or false | "
                    "Compare it with something, for example: length(step.items) > 0"
                )
            ],
        ),
        (
            branch('inputs.kind == "quik"'),
            [
                (
                    "10:11 inputs.kind == \"quik\" is always false: 'quick' or 'deep' against 'quik' | "
                    "Compare with a value that it can have."
                )
            ],
        ),
        (
            branch("inputs.topic < 3"),
            [
                (
                    "10:11 text cannot be compared with 3 by '<' | "
                    "'<' and its like compare numbers with numbers, and text with text."
                )
            ],
        ),
        (branch("length(a) > 2"), ["10:18 a is Notes and has no length | Did you mean length(a.notes)?"]),
        (
            branch("inputs.n in inputs.topic"),
            [
                (
                    "10:23 'in' needs a list on its right, and inputs.topic is text | "
                    'For example: inputs.depth in ["quick", "deep"]'
                )
            ],
        ),
        (
            branch("inputs.n == True"),
            ["10:23 True: there is no step 'True' | Truth values are true and false; nothing is null."],
        ),
    ],
)
def test_a_playbook_that_cannot_work_is_refused_where_it_goes_wrong(text: str, expected: list[str]) -> None:
    assert faults(text) == expected


LOOP: Final = """\
  - id: loop
    repeat:
      until: judge.accepted
      at_most: 3
      steps:
        - {id: write, agent: author, input: {notes: "${a}", opinion: OPINION}}
        - {id: judge, agent: judging, input: {draft: "${write}"}}
"""


def test_in_a_loop_a_step_may_use_the_round_before_in_a_field_that_has_a_default() -> None:
    assert faults(book(FIRST + LOOP.replace("OPINION", '"${judge}"'), output="${write.text}")) == []


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            '{id: write, agent: judging, input: {draft: "${judge.remarks}"}}',
            [
                (
                    "14:54 in the first round there is no 'judge' yet, and Judge.draft has no default | "
                    "Give the field a default in its message type; it is left out in the first round."
                )
            ],
        ),
        (
            '{id: write, agent: reader, input: {topic: "so ${judge.accepted}"}}',
            [
                (
                    "14:59 in the first round there is no 'judge' yet | Give a field of its own the whole value: "
                    "'${judge.accepted}'; it is left out in the first round."
                )
            ],
        ),
        (
            '{id: write, value: "${judge}"}',
            [
                (
                    "14:33 in the first round there is no 'judge' yet | Give a field of its own the whole value: "
                    "'${judge}'; it is left out in the first round."
                )
            ],
        ),
        (
            '{id: write, agent: judging, input: "${judge}"}',
            [
                (
                    "14:46 in the first round there is no 'judge' yet, and Judge (what agent 'judging' accepts) cannot "
                    "be left out | Give its fields one by one; one that has a default may be left out."
                )
            ],
        ),
    ],
)
def test_what_needs_a_round_before_the_first_is_refused(step: str, expected: list[str]) -> None:
    loop = f"""\
  - id: loop
    repeat:
      until: judge.accepted
      at_most: 3
      steps:
        - {step}
        - {{id: judge, agent: judging, input: {{draft: {{text: x}}}}}}
"""
    assert faults(book(FIRST + loop)) == expected


def test_what_is_inside_a_loop_or_a_parallel_can_be_used_behind_it() -> None:
    inside = FIRST + LOOP.replace("OPINION", "null") + "  - {id: p, parallel: [{id: x, value: 1}]}\n"
    assert (
        faults(book(inside, output='["${write.version}", "${x}", "${p.x}", "${loop.rounds}", "${loop.accepted}"]'))
        == []
    )


def test_a_branch_has_the_value_of_whichever_way_was_taken() -> None:
    both = "  - {id: b, when: inputs.n > 1, then: [{id: c, value: '${a}'}], else: [{id: d, value: '${a}'}]}\n"
    assert faults(book(FIRST + both, output="${b.topic}")) == []
    one = "  - {id: b, when: inputs.n > 1, then: [{id: c, value: '${a}'}]}\n"
    use = "  - {id: e, agent: author, message: Write, input: {notes: '${b}'}}\n"
    assert faults(book(FIRST + one + use)) == ["10:59 Write.notes must be Notes: nothing is not Notes | "]


def test_of_what_nothing_is_known_before_a_run_nothing_is_said() -> None:
    loose = "  - {id: a, agent: loose, input: {topic: x}}\n  - {id: b, agent: judging, input: {draft: '${a.x[0]}'}}\n"
    assert faults(book(loose)) == []


def test_all_faults_are_listed_in_the_order_of_the_file_and_the_first_is_the_error_s_own() -> None:
    many = "".join(f"  - {{id: s{number}, agent: nobody}}\n" for number in range(30))
    with pytest.raises(PlaybookError, match=r"^test\.yaml:8:21: there is no agent 'nobody'") as caught:
        checked(book(many))
    error = caught.value
    assert (error.file, error.line, error.column, len(error.problems)) == ("test.yaml", 8, 21, 30)
    assert "29 more:" in error.hint
    assert error.hint.count("there is no agent") == 19
    assert error.hint.endswith("... and 10 more problems")
    assert error.exit_code == 2


def test_a_playbook_may_have_as_many_steps_as_are_allowed_and_no_more() -> None:
    def chain(length: int, *, backwards: bool) -> str:
        steps = [f"  - {{id: s{n}, value: '${{s{n + 1 if backwards else n - 1}}}'}}\n" for n in range(1, length)]
        return book("  - {id: s0, value: 1}\n" + "".join(steps))

    assert faults(chain(MAX_STEPS, backwards=False)) == []
    assert len(faults(chain(MAX_STEPS, backwards=True))) == MAX_STEPS - 1
    assert faults(chain(MAX_STEPS + 1, backwards=False)) == [
        "7:1 501 steps, more than 500 | Split it: a step can call another playbook."
    ]


def test_a_check_runs_no_agent_and_calls_no_tool() -> None:
    @tool(effect="irreversible")
    def explode() -> str:
        """Never called here."""
        raise AssertionError

    house = Catalog(CATALOG.agents, {"explode": explode})
    assert faults(book("  - {id: a, tool: explode}"), house) == []
