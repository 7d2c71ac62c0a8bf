"""Guardrails look, say what they think, and fail closed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.errors import GuardrailBlocked, PolicyError
from agentops.supervisor.guardrails import STAGES, Guardrails, Verdict, ask, block, guardrail, passed, redact
from agentops.supervisor.lookalikes import hidden, strip_hidden
from agentops.supervisor.stock import STOCK, hidden_unicode, secrets, size

KEY = "ghp_" + "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5"


def standing(*looks: Callable[[Any], Any]) -> Guardrails:
    return Guardrails(guardrail(on="input", name=f"guard-{n}")(look) for n, look in enumerate(looks))


def screened(*looks: Callable[[Any], Any], value: Any = None) -> Any:
    return standing(*looks).screen("input", "writer", "Question", {"text": "hello"} if value is None else value)


def test_a_guardrail_is_a_function_with_a_name_and_stages() -> None:
    @guardrail(on=("input", "output"))
    def no_shouting(value: Any) -> Verdict:
        return block("shouting") if str(value).isupper() else passed

    assert no_shouting.name == "no-shouting"
    assert no_shouting.stages == {"input", "output"}
    assert no_shouting("HEY").kind == "block"


def test_passing_leaves_no_trace() -> None:
    value = {"text": "hello"}
    found = screened(lambda _: passed, value=value)
    assert (found.verdict, found.verdicts, found.error) == ("pass", (), None)
    assert found.value is value


def test_a_block_ends_it_with_an_error_that_names_everything() -> None:
    found = screened(lambda _: block("too rude"), lambda _: redact("never", "seen"))
    assert found.verdicts == (("guard-0", "block", "too rude"),)
    assert isinstance(found.error, GuardrailBlocked)
    assert found.error.what == "guardrail 'guard-0' blocked the input 'Question' of 'writer': too rude"
    assert (found.error.rule, found.error.stage, found.error.reason) == ("guard-0", "input", "too rude")


def test_each_guardrail_sees_what_those_before_it_left() -> None:
    found = screened(
        lambda value: redact({"text": value["text"] + "!"}, "one"),
        lambda value: redact({"text": value["text"] + "?"}, "two"),
    )
    assert (found.verdict, found.value) == ("redact", {"text": "hello!?"})
    assert [name for name, _, _ in found.verdicts] == ["guard-0", "guard-1"]


def test_a_question_for_a_person_waits_for_whoever_still_blocks() -> None:
    assert screened(lambda _: ask("sure?"), lambda _: redact(1, "r")).verdict == "ask"
    assert screened(lambda _: ask("sure?"), lambda _: block("no")).verdict == "block"


class _Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError


async def _coroutine() -> Verdict:
    return passed


def _raise(error: BaseException) -> Any:
    raise error


def _endless() -> Any:
    return _endless()


FAILING: list[tuple[Callable[[Any], Any], str]] = [
    (lambda _: _raise(ValueError("odd value")), "ValueError: odd value"),
    (lambda value: value["nothing"], "KeyError"),
    (lambda _: _raise(_Mute()), r"_Mute: \(its text failed"),
    (lambda _: _raise(GeneratorExit()), "GeneratorExit"),
    (lambda _: _raise(RuntimeError("at 0x7f00deadbeef")), r"at 0x\.\.\."),
    (lambda _: True, "a bool, not with a verdict"),
    (lambda _: None, "a NoneType, not with a verdict"),
    (lambda _: "pass", "a str, not with a verdict"),
    (lambda _: Verdict, "a StructMeta, not with a verdict"),
    (lambda _: _coroutine(), "a coroutine, not with a verdict"),
    (lambda _: Verdict("maybe"), "none of pass, redact, ask, block"),  # type: ignore[arg-type]
    (lambda _: Verdict("ask", 5), "none of pass, redact, ask, block"),  # type: ignore[arg-type]
    (lambda _: redact(object(), "x"), "not plain JSON"),
    (lambda _: redact("\ud800", "x"), "not plain JSON"),
    (lambda _: _endless(), "RecursionError"),
]


@pytest.mark.parametrize(("look", "text"), FAILING)
def test_a_guardrail_that_fails_blocks_and_says_how(look: Callable[[Any], Any], text: str) -> None:
    found = screened(look)
    assert found.verdict == "block"
    with pytest.raises(GuardrailBlocked, match=f"the guardrail itself failed: .*{text}"):
        raise found.error


@pytest.mark.parametrize("error", [KeyboardInterrupt("now"), SystemExit("now"), MemoryError("now")])
def test_what_is_not_about_the_value_ends_the_delivery_instead(error: BaseException) -> None:
    with pytest.raises(type(error), match="now"):
        screened(lambda _: _raise(error))


def test_a_value_that_is_no_json_is_blocked() -> None:
    assert screened(lambda _: passed, value={"a": object()}).verdict == "block"


def test_a_guardrail_cannot_change_what_it_looks_at() -> None:
    def tamper(value: Any) -> Verdict:
        value["text"] = "changed"
        value["more"] = True
        return passed

    value = {"text": "hello"}
    assert screened(tamper, value=value).value == {"text": "hello"}


def test_reasons_are_short_and_hold_no_secret() -> None:
    (_, _, reason), *_ = screened(lambda _: block(f"saw {KEY} " + "x" * 9000)).verdicts
    assert KEY not in reason
    assert len(reason) <= 520


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda: guardrail(on="inputs")(lambda _: passed), "has no name"),
        (lambda: guardrail(on="inputs", name="g")(lambda _: passed), "no stage 'inputs'\n  Did you mean 'input'"),
        (lambda: guardrail(on=(), name="g")(lambda _: passed), "stands nowhere"),
        (lambda: guardrail(on="input", name="g")(_coroutine), "is not a plain function"),  # type: ignore[arg-type]
        (lambda: Guardrails([size(), size()]), "two guardrails are called 'size'"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(declare: Callable[[], Any], text: str) -> None:
    with pytest.raises(PolicyError, match=text):
        declare()


def test_guardrails_stand_only_where_they_say() -> None:
    guards = standing(lambda _: block("no"))
    assert guards.stages == {"input"}
    assert guards.screen("output", "a", "b", 5).verdict == "pass"


# --- the stock -----------------------------------------------------------------------------------------------------


def test_the_stock_goes_by_name() -> None:
    assert {name: guard.name for name, guard in STOCK.items()} == {name: name for name in STOCK}
    assert set(STOCK) == {"secrets", "hidden-unicode", "size"}


def test_secrets_are_redacted_and_their_kinds_named() -> None:
    said = secrets()({"a": f"use {KEY}", "b": "postgres://u:hunter2@h/"})
    assert said == redact(
        {"a": "use [redacted:github-token]", "b": "postgres://u:[redacted:url-password]@h/"},
        "redacted github-token, url-password",
    )
    assert secrets()({"a": "nothing"}) is passed


HIDDEN = [
    ("ig\u200bnore", "ignore"),
    ("a\u202eb\u202cc", "abc"),
    ("a\u2066b\u2069", "ab"),
    ("x" + "".join(chr(0xE0000 + ord(char)) for char in "send it"), "x"),
    ("\ufefftext", "text"),
    ("a\u2062b\u2064", "ab"),
    ("\U0001f600" + "\ufe01\ufe02\U000e0101\U000e0155", "\U0001f600"),
    ("pay\u200dpal", "paypal"),
    ("word\u200c\u200c\u200c", "word"),
    ("a\u3164b", "ab"),
]
VISIBLE = [
    "plain", "naïve café", "日本語のテキスト", "👨‍👩‍👧 family", "🏴󠁧󠁢󠁷󠁬󠁳󠁿 Wales",
    "❤️ heart", "می‌خواهم", "क्‍ष", "עברית \u200f(ימין)",
    "葛\U000e0100城", "soft\u00adhyphen",
]  # fmt: skip


@pytest.mark.parametrize(("text", "seen"), HIDDEN)
def test_what_nobody_sees_is_stripped(text: str, seen: str) -> None:
    said = hidden_unicode()({"t": text, "k": [text]})
    assert (said.kind, said.value) == ("redact", {"t": seen, "k": [seen]})
    assert said.reason.startswith("stripped ")


@pytest.mark.parametrize("text", VISIBLE)
def test_what_is_seen_or_shapes_what_is_seen_stays(text: str) -> None:
    """Emoji families, flags, Persian, Hindi, Hebrew, variant ideographs: over-blocking counts too."""
    assert hidden_unicode()({"t": text}) is passed


@given(st.text())
def test_stripping_leaves_nothing_to_strip_but_never_a_visible_character(text: str) -> None:
    clean = strip_hidden(text)
    assert bool(hidden(text)) is (clean != text)
    assert not [char for char in _gone(text, clean) if char.isprintable() and not hidden(f"a{char}{char}a")]


def _gone(text: str, clean: str) -> list[str]:
    """The characters that were taken out; ``clean`` is what is left, in its order."""
    rest = iter(clean)
    upcoming = next(rest, None)
    gone = []
    for char in text:
        if char == upcoming:
            upcoming = next(rest, None)
        else:
            gone.append(char)
    assert upcoming is None, "something was put in, or moved"
    return gone


def test_size_and_depth_have_limits() -> None:
    guard = size(max_characters=100, max_depth=3)
    assert guard({"a": [{"b": 1}]}) is passed
    assert guard([[[[1]]]]).reason == "it is nested more than 3 levels deep"
    assert guard("x" * 101).reason == "it is larger than 100 characters"
    assert guard({"x" * 101: 1}).kind == "block"
    assert guard(list(range(101))).kind == "block"


def test_ten_thousand_levels_are_blocked_not_followed() -> None:
    deep: Any = 1
    for _ in range(10_000):
        deep = [deep]
    assert size()(deep).kind == "block"


def test_the_stock_stands_at_every_stage_but_strips_no_prompt() -> None:
    assert size().stages == secrets().stages == STAGES
    assert hidden_unicode().stages == STAGES - {"prompt"}
