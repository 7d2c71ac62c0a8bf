"""How many calls each limited rule has let through in a run: what ``at_most`` holds against."""

from __future__ import annotations

from agentops.supervisor.policy import Quota, Ruling
from agentops.supervisor.policy_form import AT_MOST

__all__ = ["Tally"]


class Tally:
    """Counts calls by rule, and remembers which effect counted, so that one that never left can be taken back.

    It holds no more entries than the limits allow calls.
    """

    __slots__ = ("_counted", "_effects")

    def __init__(self) -> None:
        self._counted: dict[str, int] = {}
        self._effects: dict[str, tuple[Quota, ...]] = {}

    def __getitem__(self, rule: str) -> int:
        """How many calls have counted towards this rule."""
        return self._counted.get(rule, 0)

    def checked(self, ruling: Ruling) -> Ruling:
        """The ruling, or the denial by the first limit that one more call would exceed."""
        if ruling.verdict == "deny":
            return ruling
        for rule, at_most in ruling.quotas:
            if self[rule] >= at_most:
                because = f"rule {rule!r} lets {at_most} {'call' if at_most == 1 else 'calls'} through in a run"
                return Ruling("deny", f"{rule}{AT_MOST}", f"{because}, and this would be one more")
        return ruling

    def count(self, effect: str, quotas: tuple[Quota, ...]) -> None:
        """A call went through."""
        self._effects[effect] = quotas
        for quota in quotas:
            self._counted[quota.rule] = self[quota.rule] + 1

    def release(self, effect: str) -> None:
        """It never left: it counts no more. What did not count is ignored."""
        for quota in self._effects.pop(effect, ()):
            self._counted[quota.rule] -= 1
