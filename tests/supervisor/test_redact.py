"""Keys go, everything else stays: both are counted."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentops.messages import decode, encode
from agentops.supervisor.key_shapes import SHAPES
from agentops.supervisor.redact import Redactor

# Made up, in pieces, so that no scanner takes this file for a leak.
LETTERS = "aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dF3gH5jK7mN9pR1tV3xZ5"
LOWER = "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6"
PEM = "-----BEGIN {0}PRIVATE KEY-----\n" + ("QUJD" * 16 + "\n") * 3 + "Zm9v\n-----END {0}PRIVATE KEY-----"
HEADERS = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,1F\n\n"
KEYS: list[tuple[str, str]] = [
    ("openai-key", "sk-" + LETTERS[:48]),
    ("openai-key", "sk-proj-" + LETTERS[:20] + "_" + LETTERS[:20]),
    ("openai-key", "sk-svcacct-" + LETTERS[:40]),
    ("openai-key", "sk-or-v1-" + LOWER * 2),
    ("openai-key", "sk-" + LOWER),
    ("anthropic-key", "sk-ant-api03-" + LETTERS + "-" + LETTERS[:20]),
    ("aws-key", "AKIA" + "IOSFODNN7EXAMPLE"),
    ("aws-key", "ASIA" + "IOSFODNN7EXAMPLE"),
    ("aws-secret", "aws_secret_access_key = " + LETTERS[:40]),
    ("github-token", "ghp_" + LETTERS[:36]),
    ("github-token", "ghs_" + LETTERS[:36]),
    ("github-token", "github_pat_" + LETTERS[:22] + "_" + LETTERS),
    ("gitlab-token", "glpat-" + LETTERS[:20]),
    ("slack-token", "xoxb-" + "123456789012-123456789012-" + LETTERS[:24]),
    ("slack-token", "xapp-1-A0123456789-" + "1234567890123-" + LOWER),
    ("slack-webhook", "https://hooks.slack.com/services/" + "T01234567/B01234567/" + LETTERS[:24]),
    ("google-key", "AIza" + LETTERS[:35]),
    ("google-token", "ya29." + LETTERS),
    ("google-token", "GOCSPX-" + LETTERS[:28]),
    ("stripe-key", "sk_live_" + LETTERS[:24]),
    ("stripe-key", "rk_test_" + LETTERS[:24]),
    ("stripe-key", "whsec_" + LETTERS[:32]),
    ("huggingface-token", "hf_" + LETTERS[:34]),
    ("npm-token", "npm_" + LETTERS[:36]),
    ("pypi-token", "pypi-AgE" + LETTERS + LETTERS),
    ("sendgrid-key", "SG." + LETTERS[:22] + "." + LETTERS[:43]),
    ("groq-key", "gsk_" + LETTERS + LETTERS[:4]),
    ("xai-key", "xai-" + LETTERS + LETTERS[:30]),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0." + LETTERS[:43]),
    ("private-key", PEM.format("RSA ")),
    ("private-key", PEM.format("")),
    ("private-key", PEM.format("OPENSSH ")),
    ("private-key", PEM.format("EC ").replace("KEY-----\n", "KEY-----\n" + HEADERS, 1)),
    ("private-key", PEM.format("").rpartition("Zm9v")[0]),
    ("private-key", PEM.format("").replace("\n", "\\n")),
    ("bearer-token", "Authorization: Bearer " + LETTERS[:30]),
    ("bearer-token", "authorization: bearer " + LOWER),
    ("basic-auth", "Authorization: Basic " + base64.b64encode(b"ann:hunter2").decode()),
    ("url-password", "postgresql://ann:hunter2@db.test:5432/x"),
    ("url-password", "redis://:hunter2@cache.test"),
    ("url-password", "https://ann:p%40ss@host.test/x?y"),
]  # fmt: skip

INNOCENT = [
    "9fceb02d0ae598e95dc970b74767f19372d61af8",
    "sha256:" + hashlib.sha256(b"x").hexdigest(),
    "sha512-" + base64.b64encode(hashlib.sha512(b"x").digest()).decode(),
    "123e4567-e89b-12d3-a456-426614174000",
    "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "docs/guide.md:120-340",
    "handbook-3f2a9c11:chapter-2:00120-00340",
    "run-20250102-101500-k3j9x2",
    "retriever/2/0.1#3",
    "sk-learn", "sk-learn-pipeline-with-custom-transformers", "sk-SK-translation-2024-final-version",
    "risk-assessment-framework-2024-final", "task-12345678901234567890abcdef", "desk-abcdefghij0123456789klmnop",
    "https://example.com:8080/path/to/a/page?id=12345678901234567890&x=a@b.test",
    "https://example.com/@user/post-with-a-long-title-0123456789",
    "mailto:ann@example.com", "ann@example.com", "git@github.com:ann/repo.git", "ssh://git@github.com/ann/repo.git",
    "The bearer of this letter is authorised to act.", "bearer certificates-of-deposit are rare",
    "Bearer authentication-and-authorization-explained", "Basic understanding-of-the-matter-at-hand",
    "AKIA is the prefix of access keys", "AKIAAAAA", "XAKIAIOSFODNN7EXAMPLE",
    "eyJ is how a JWT begins", "eyJhbGciOiJIUzI1NiJ9",
    "Look for -----BEGIN PRIVATE KEY----- in the file.",
    "-----BEGIN CERTIFICATE-----\n" + "QUJD" * 16 + "\n-----END CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----\n" + "QUJD" * 16 + "\n-----END PUBLIC KEY-----",
    "npm_config_registry", "npm_lifecycle_event_of_a_very_long_name_indeed",
    "hf_hub_download", "github_pat_", "ghp_short",
    "xoxo", "pypi-AgE", "SG.1.2", "AIzaShort", "whsec_", "sk_live_", "postgresql://localhost:5432/x",
    "time 10:15:30 @ home", "see http://a.test and then: me@b.test", "C3H8O10-N2-Fe2O3-0123456789-ABCDEF",
    "data:image/png;base64," + base64.b64encode(bytes(range(200))).decode(),
    "Donaudampfschifffahrtsgesellschaftskapitänsmütze", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "_" * 80, "=" * 80, "-" * 80,
]  # fmt: skip


@pytest.mark.parametrize(("kind", "key"), KEYS)
@pytest.mark.parametrize("around", ["{}", "key={} ", '"{}"', "see\n{}\nthere", "({})", "log\\n{}\\n", "x:{},y"])
def test_every_kind_of_key_is_found_wherever_it_stands(kind: str, key: str, around: str) -> None:
    clean = Redactor().text(around.replace("{}", key))
    assert f"[redacted:{kind}]" in clean
    assert not any(part in clean for part in (LETTERS[:16], LOWER, "hunter2", "QUJD", "IOSFODNN7", "MTIz", "p%40ss"))


def test_the_lists_cover_every_shape() -> None:
    assert {kind for kind, _ in KEYS} == {shape.kind for shape in SHAPES}


@pytest.mark.parametrize("text", INNOCENT)
def test_what_is_no_key_survives(text: str) -> None:
    """Hashes, UUIDs, ids of documents, addresses, prose about keys: not one of them is touched."""
    redactor = Redactor(["a-registered-secret"])
    assert redactor.text(text) is text
    data = encode({"text": text, text: [text]})
    assert redactor.json(data) is data


def test_ten_thousand_hashes_and_ids_survive() -> None:
    redactor = Redactor()
    for number in range(10_000):
        digest = hashlib.sha256(str(number).encode())
        for text in (
            digest.hexdigest(),
            digest.hexdigest()[:40],
            f"doc-{digest.hexdigest()[:12]}:{number}-{number + 80}",
        ):
            assert redactor.text(text) is text


def test_what_surrounds_a_secret_stays() -> None:
    redactor = Redactor()
    assert redactor.text("postgresql://ann:hunter2@db.test/x") == "postgresql://ann:[redacted:url-password]@db.test/x"
    assert redactor.text(f"Bearer {LOWER}.") != f"Bearer {LOWER}."
    assert redactor.text(f"a ghp_{LETTERS[:36]} b") == "a [redacted:github-token] b"


def test_registered_values_go_in_plain_and_in_their_usual_encodings() -> None:
    secret = 'pa"ss wörd/+42'
    redactor = Redactor({"DB_PASSWORD": secret})
    data = secret.encode()
    forms = [secret, encode(secret)[1:-1].decode(), data.hex(), data.hex().upper(), "pa%22ss%20w%C3%B6rd%2F%2B42"]
    for form in forms:
        assert redactor.text(f"before {form} after") == "before [redacted:DB_PASSWORD] after", form
    for offset in range(3):
        shown = base64.b64encode(b"x" * offset + data + b"tail").decode()
        assert "[redacted:DB_PASSWORD]" in redactor.text(shown)
    assert decode(redactor.json(encode({"a": [secret]}))) == {"a": ["[redacted:DB_PASSWORD]"]}


def test_a_registered_value_within_another_goes_with_it() -> None:
    redactor = Redactor({"short": "abcdefgh", "long": "abcdefghijkl"})
    assert redactor.text("abcdefghijkl abcdefgh") == "[redacted:long] [redacted:short]"


def test_values_that_cannot_be_looked_for_are_left_out_and_named() -> None:
    redactor = Redactor(
        {"KEY": "none", "EMPTY": "", "ODD": "redacted", "BYTES": "\udcff" * 9, "REAL": "long-enough-value"}
    )
    assert redactor.left_out == ("KEY", "EMPTY", "ODD", "BYTES")
    assert redactor.text("none of it") == "none of it"


def test_registered_values_are_not_shown() -> None:
    assert "hunter2hunter2" not in repr(Redactor(["hunter2hunter2"]))


def test_keys_of_mappings_are_redacted_and_stay_apart() -> None:
    one, two = f"ghp_{LETTERS[:36]}", f"ghp_{LETTERS[1:37]}"
    clean = Redactor().value({one: 1, two: 2, "c": 3})
    assert clean == {"[redacted:github-token]": 1, "[redacted:github-token]#2": 2, "c": 3}


def test_json_that_spells_a_secret_with_escapes_is_no_way_out() -> None:
    key = f"ghp_{LETTERS[:36]}"
    spelled = "".join(f"\\u{ord(char):04x}" for char in key)
    assert Redactor().json(f'{{"a":"{spelled}"}}'.encode()) == b'{"a":"[redacted:github-token]"}'
    assert b"hunter2" not in Redactor().json(b'["postgres:\\/\\/a:hunter2@h\\/x"]')


def test_bytes_that_are_no_json_are_redacted_as_text() -> None:
    data = b"\xff half a line: ghp_" + LETTERS[:36].encode() + b" \xfe"
    assert Redactor().json(data) == b"\xff half a line: [redacted:github-token] \xfe"
    assert Redactor({"K": 'quo"ted value'}).json(b'\xff quo"ted value') == b"\xff [redacted:K]"


def test_numbers_stay_exactly_as_they_are() -> None:
    data = b'{"k":"ghp_' + LETTERS[:36].encode() + b'","n":1000000000000000000000000000000,"x":0.1}'
    assert Redactor().json(data) == b'{"k":"[redacted:github-token]","n":1000000000000000000000000000000,"x":0.1}'


def test_depth_does_not_matter() -> None:
    deep: Any = f"ghp_{LETTERS[:36]}"
    for _ in range(20_000):
        deep = [deep]
    clean = Redactor().value(deep)
    for _ in range(20_000):
        (clean,) = clean
    assert clean == "[redacted:github-token]"


@pytest.mark.parametrize(
    "unit",
    [
        "sk-", "sk-proj-", "eyJ", "eyJaaaaaaaaa.", "-----BEGIN PRIVATE KEY-----", "a://", "a://b:", "Bearer ",
        "bearer a",
        "xoxb-", "AKIA", "ghp_", "aws_secret_", "aws_secret_key=", "://@", "-----BEGIN PRIVATE KEY-----\n" + "A" * 64,
        "Bearer a@b://", "SG.", "xoxb-aaaaaaaaaaaaaaaa ",
    ],
)  # fmt: skip
def test_hostile_repetition_takes_linear_time(unit: str) -> None:
    """A megabyte of beginnings of keys is done with; a pattern that looked back and forth would take hours."""
    Redactor().text(unit * (1_000_000 // len(unit)))


pieces = st.sampled_from([key for _, key in KEYS] + INNOCENT + ["hunter2-registered", " ", "@", "://", ":", '"', "\\n"])
texts = st.lists(pieces | st.text(max_size=8), max_size=6).map("".join)
json = st.recursive(
    texts | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)


@given(json)
def test_redacting_twice_changes_nothing_and_bytes_agree_with_values(value: Any) -> None:
    redactor = Redactor({"name": "hunter2-registered"})
    clean = redactor.value(value)
    assert redactor.value(clean) is clean
    try:
        data = encode(value)
        decode(data)
    except (ValueError, TypeError):
        return  # a lone surrogate: no JSON
    assert decode(redactor.json(data)) == clean
    assert (redactor.json(data) is data) is (clean is value)
    assert bool(redactor.kinds(value)) is (clean is not value)
