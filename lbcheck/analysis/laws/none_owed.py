"""No law: algorithms that promise no share to any server."""

from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis.laws.tally import Judgement, Tally
from lbcheck.model.verdict import Outcome


@dataclass(frozen=True)
class NoneOwed:
    """HAProxy's first: which server is the first one below its maxconn depends on the load."""

    algorithm: str  # for sentences
    holds_to_weights: ClassVar[bool] = False
    may_keep_to_one: ClassVar[bool] = True

    def judge(self, tally: Tally, alpha: float) -> Judgement:  # noqa: ARG002 (every law has the same shape)
        """Pass as soon as there is one request."""
        outcome = Outcome.PASS if tally.total else Outcome.INCONCLUSIVE
        return Judgement(outcome, f"none: {self.algorithm} owes no share", "no share is expected", 1)
