"""Whether servers, or balancers, that are asked the same answer with errors alike, or one of them alone does."""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.analysis import hypergeometric
from lbcheck.checks import loss
from lbcheck.model.verdict import Outcome

STRIKING = 0.05  # share of errors from which even a few requests are suspicious, where others have hardly any


@dataclass(frozen=True)
class Errors:
    """How many answers of one server, or balancer, are errors, of how many."""

    errors: int
    answers: int

    @property
    def share(self) -> float:
        """Share of errors, 0 to 1."""
        return self.errors / self.answers if self.answers else 0.0

    def __add__(self, other: "Errors") -> "Errors":
        """Return both together."""
        return Errors(self.errors + other.errors, self.answers + other.answers)


def alone(groups: Mapping[str, Errors], alpha: float) -> dict[str, Outcome]:
    """Return those that answer with errors while others do not: a fault, or inconclusive where few requests show it.

    Those with more errors than are tolerated stand against those with fewer. Errors of all alike, at whatever rate, are
    nobody's. That all are alike is rejected by Fisher's exact test of each against the rest, two-sided, at level
    `alpha` for all of them together.
    """
    asked = {name: group for name, group in groups.items() if group.answers}
    whole = sum(asked.values(), Errors(0, 0))
    wrong = [name for name, group in asked.items() if group.errors > 1 and _too_much(group)]
    others = sum((group for name, group in asked.items() if name not in wrong), Errors(0, 0))
    if not wrong or not others.answers or _too_much(others):
        return {}
    if any(_p(group, whole) < alpha / len(asked) for group in asked.values()):
        return dict.fromkeys(wrong, Outcome.FAIL)
    striking = sum((asked[name] for name in wrong), Errors(0, 0)).share >= STRIKING
    return dict.fromkeys(wrong, Outcome.INCONCLUSIVE) if striking else {}


def _too_much(group: Errors) -> bool:
    return loss.too_much(group.errors, group.answers)


def _p(group: Errors, whole: Errors) -> float:
    """Return the two-sided p-value of one group's errors, if all answers were errors with the same probability."""
    numbers = group.answers, whole.errors, whole.answers
    tails = hypergeometric.at_least(group.errors, *numbers), hypergeometric.at_most(group.errors, *numbers)
    return 2 * min(tails)
