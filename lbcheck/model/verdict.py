"""The conclusions of a run: verdicts, their findings and outcomes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any


class Outcome(StrEnum):
    """A verdict's outcome. Several combine to the gravest: fail, unmeasured, inconclusive, pass."""

    PASS = "pass"  # noqa: S105 (an outcome, no password)
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    UNMEASURED = "unmeasured"

    @property
    def exit_status(self) -> int:
        """The exit status of a command with this outcome."""
        return {"pass": 0, "fail": 1, "inconclusive": 3, "unmeasured": 4}[self.value]


_GRAVITY = (Outcome.PASS, Outcome.INCONCLUSIVE, Outcome.UNMEASURED, Outcome.FAIL)


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the gravest of the outcomes; without any: unmeasured, because a pass needs a measurement."""
    return max(outcomes, key=_GRAVITY.index, default=Outcome.UNMEASURED)


@dataclass(frozen=True)
class Finding:
    """One sentence of a verdict; one with the outcome pass is a remark."""

    outcome: Outcome
    message: str


@dataclass(frozen=True)
class Verdict:
    """What a check concluded about one subject, with the evidence."""

    check: str
    subject: str
    outcome: Outcome
    summary: str
    findings: tuple[Finding, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All verdicts of one run."""

    started: str  # RFC 3339
    duration_s: float
    lbcheck: str  # version
    verdicts: tuple[Verdict, ...]

    @cached_property
    def outcome(self) -> Outcome:
        """The gravest outcome of its verdicts."""
        return gravest(verdict.outcome for verdict in self.verdicts)
