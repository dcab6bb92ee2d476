"""Whether servers, or balancers, that are asked the same answer with errors alike, or one of them alone does."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from lbcheck.analysis import hypergeometric
from lbcheck.checks import loss
from lbcheck.model.verdict import Outcome

STRIKING = 0.05  # share of errors from which even a few requests are suspicious, where others have hardly any


class Errors(NamedTuple):
    """How many answers of one server, or balancer, are errors, of how many."""

    errors: int
    answers: int

    @property
    def share(self) -> float:
        """Share of errors, 0 to 1."""
        return self.errors / self.answers if self.answers else 0.0


@dataclass(frozen=True)
class Compared:
    """Servers or balancers, by name, beside each other; each test of them needs the same figures."""

    groups: Mapping[str, Errors]

    def alone(self, alpha: float) -> dict[str, Outcome]:
        """Return those that answer with errors while others do not: a fault; inconclusive where few requests show it.

        Those with more errors than are tolerated stand against those with fewer. Errors of all alike, at whatever rate,
        are nobody's. That all are alike is rejected by Fisher's exact test of each against the rest, two-sided, at
        level `alpha` for all of them together.
        """
        if not self._wrong:
            return {}
        if self._least_p < alpha / len(self._asked):
            return dict.fromkeys(self._wrong, Outcome.FAIL)
        striking = _together(self._asked[name] for name in self._wrong).share >= STRIKING
        return dict.fromkeys(self._wrong, Outcome.INCONCLUSIVE) if striking else {}

    @cached_property
    def _asked(self) -> Mapping[str, Errors]:
        return {name: group for name, group in self.groups.items() if group.answers}

    @cached_property
    def _wrong(self) -> Sequence[str]:
        """The names of those with more errors than are tolerated; none if the others have as many."""
        wrong = {name: group for name, group in self._asked.items() if group.errors > 1 and _too_much(group)}
        others = _together(group for name, group in self._asked.items() if name not in wrong)
        return [] if not others.answers or _too_much(others) else [*wrong]

    @cached_property
    def _least_p(self) -> float:
        whole = _together(self._asked.values())
        return min(_p(group, whole) for group in {*self._asked.values()})


def _together(groups: Iterable[Errors]) -> Errors:
    every = list(groups)
    return Errors(sum(group.errors for group in every), sum(group.answers for group in every))


def _too_much(group: Errors) -> bool:
    return loss.too_much(group.errors, group.answers)


def _p(group: Errors, whole: Errors) -> float:
    """Return the two-sided p-value of one group's errors, if all answers were errors with the same probability."""
    numbers = group.answers, whole.errors, whole.answers
    tails = hypergeometric.at_least(group.errors, *numbers), hypergeometric.at_most(group.errors, *numbers)
    return 2 * min(tails)
