"""What keys look like: the shapes of credentials that are told by their looks alone.

Each shape has *anchors*, one of which is in every text that holds it, so that its pattern is only tried where it could
match. Patterns are linear: what may repeat is bounded, or possessive and consumed for good. They ask for what only
keys have (a vendor's prefix, a length, a digit), because a hash, a UUID or a document's id that is taken for a key
destroys somebody's answer.

Sources: the vendors' own descriptions of their key formats. What has no shape of its own (a password, a 40-character
AWS secret out of context) is not guessed at: register its value instead.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["SHAPES", "Shape"]

# Not inside a word; behind an escape such as \n in JSON within JSON, the letter belongs to the escape.
_EDGE: Final = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_DIGIT: Final = r"(?=[A-Za-z0-9._~+/=-]{0,200}[0-9])"


class Shape(NamedTuple):
    """One kind of credential. A group ``secret``, where there is one, is the part to redact; else all of it."""

    kind: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]


def _shape(kind: str, anchors: str, pattern: str) -> Shape:
    return Shape(kind, tuple(anchors.split("|")), re.compile(pattern))


SHAPES: Final = (
    _shape(
        "private-key",
        "PRIVATE KEY-----",
        # to its end mark; where that is cut off, over the lines of base64 that follow; a mere mention stays
        r"-----BEGIN (?P<label>[A-Z0-9 ]{0,40})PRIVATE KEY-----"
        r"(?:(?:[^-\"]|-(?!-{4}))*+-----END (?P=label)PRIVATE KEY-----"
        r"|(?:(?:\s|\\[nr]){0,8}[A-Za-z0-9+/=]{40,}+)++(?:(?:\s|\\[nr]){0,8}[A-Za-z0-9+/=]{4,}+)?+)",
    ),
    _shape(
        "anthropic-key",
        "sk-ant-",
        _EDGE + r"sk-ant-[a-z0-9]{2,12}-[A-Za-z0-9_-]{20,}+",
    ),
    _shape(
        "openai-key",
        "sk-",
        _EDGE + r"sk-(?:(?:proj|svcacct|admin|or-v1|None)-" + _DIGIT + r"[A-Za-z0-9_-]{20,}+"
        r"|(?=[A-Za-z0-9]{0,200}[0-9])[A-Za-z0-9]{20,}+)",
    ),
    _shape("aws-key", "AKIA|ASIA|ABIA|ACCA", _EDGE + r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _shape(
        "aws-secret",
        "secret|SECRET|Secret",
        r"(?i:aws.?secret.?(?:access.?)?key)[\"' ]{0,2}[:=][\"' ]{0,2}(?P<secret>[A-Za-z0-9/+=]{40})(?![A-Za-z0-9/+=])",
    ),
    _shape("github-token", "ghp_|gho_|ghu_|ghs_|ghr_", _EDGE + r"gh[pousr]_[A-Za-z0-9]{36,}+"),
    _shape("github-token", "github_pat_", _EDGE + r"github_pat_[A-Za-z0-9_]{22,}+"),
    _shape("gitlab-token", "glpat-", _EDGE + r"glpat-[A-Za-z0-9_-]{20,}+"),
    _shape("slack-token", "xox|xapp-", _EDGE + r"(?:xox[abeoprs]|xapp)-" + _DIGIT + r"[A-Za-z0-9-]{16,}+"),
    _shape(
        "slack-webhook",
        "hooks.slack.com/services/",
        r"hooks\.slack\.com/services/(?P<secret>T[A-Za-z0-9]{6,20}/B[A-Za-z0-9]{6,20}/[A-Za-z0-9]{16,}+)",
    ),
    _shape("google-key", "AIza", _EDGE + r"AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _shape("google-token", "ya29.|GOCSPX-", _EDGE + r"(?:ya29\.|GOCSPX-)" + _DIGIT + r"[A-Za-z0-9_-]{24,}+"),
    _shape("stripe-key", "k_live_|k_test_|whsec_", _EDGE + r"(?:[sr]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}+"),
    _shape("huggingface-token", "hf_", _EDGE + r"hf_[A-Za-z0-9]{30,}+"),
    _shape("npm-token", "npm_", _EDGE + r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])"),
    _shape("pypi-token", "pypi-AgE", _EDGE + r"pypi-AgE[A-Za-z0-9_-]{50,}+"),
    _shape("sendgrid-key", "SG.", _EDGE + r"SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,}+"),
    _shape("groq-key", "gsk_", _EDGE + r"gsk_[A-Za-z0-9]{40,}+"),
    _shape("xai-key", "xai-", _EDGE + r"xai-[A-Za-z0-9]{40,}+"),
    _shape(
        "jwt",
        "eyJ",
        r"(?:(?<![A-Za-z0-9_-])|(?<=\\[nrt]))eyJ[A-Za-z0-9_-]{8,}+\.eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{16,}+",
    ),
    _shape(
        "bearer-token",
        "earer |EARER ",
        r"(?i:\bbearer )(?!\[redacted:)" + _DIGIT + r"(?P<secret>[A-Za-z0-9._~+/-]{16,}+={0,2})",
    ),
    _shape(
        "basic-auth",
        "asic ",
        r"(?i:authorization[\"']?[ :=]{1,3}[\"']?basic )(?P<secret>[A-Za-z0-9+/]{8,}+={0,2})",
    ),
    _shape(
        "url-password",
        "://",
        r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@\"'<>\\]{0,100}:(?!\[redacted:)(?P<secret>[^\s/@\"'<>\\]{1,200})@",
    ),
)
"""All shapes, in the order in which they are looked for."""
