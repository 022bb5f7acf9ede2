"""What a check found, and all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One finding.

    Attributes:
        name: What was looked at, a stable word: `endpoint`, `clock`, `key`, …
        subject: Which one of them; empty if there is only one.
        state: ok; warn: live trading may begin; fail: it may not.
        detail: What was found.
        cure: What to do; empty if nothing is to be done.
    """

    name: str
    subject: str
    state: State
    detail: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """All findings, in the order in which things depend on each other."""

    checks: tuple[Check, ...]

    @property
    def passes_for_live(self) -> bool:
        """Whether live trading may begin: nothing failed, and something was looked at."""
        return bool(self.checks) and not self.failed

    @property
    def failed(self) -> tuple[Check, ...]:
        """What failed."""
        return self.of("fail")

    def of(self, state: State) -> tuple[Check, ...]:
        """Return the findings of one state."""
        return tuple(check for check in self.checks if check.state == state)

    def to_json(self) -> dict[str, Any]:
        """Return it for machines."""
        return {"passes_for_live": self.passes_for_live, "checks": [asdict(each) for each in self.checks]}


def checks(*groups: Sequence[Check]) -> DoctorReport:
    """Return the report of all groups in order."""
    return DoctorReport(tuple(check for group in groups for check in group))


__all__ = ["Check", "DoctorReport", "State", "checks"]
