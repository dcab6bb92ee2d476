"""Servers that come, or come back, while the client is the only witness: a rolling update, autoscaling, a restart."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from lbcheck.analysis.order.steady import Absence, absences
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.verdict import Finding, Outcome


@dataclass(frozen=True)
class Coming:
    """A server that came, or came back. `left`, `came`: the rounds in which it did; `left`: None if it never was."""

    absence: Absence
    left: int | None
    came: int


def comings(seen: Observations, balancer: str | None) -> Sequence[Coming]:
    """Return what the order of answers shows, by one balancer or by all.

    Nothing where counters tell, where the unit is the connection, or where several routes were asked: nobody knows in
    what order these were answered. A server that went and never came back is no coming: it is missing at the end.
    """
    if seen.processes or seen.unit != "request" or _all_were_there(seen, balancer):
        return ()
    if len({(one.at, one.address, one.source, one.key) for one in seen.answers}) > 1:
        return ()
    by_round: list[list[str]] = [[] for _ in range(seen.rounds)]
    for answers in seen.answers:
        named = (one.server for one in answers.in_order() if balancer in (None, one.balancer))
        by_round[answers.round] += named
    ends = list(accumulate(map(len, by_round)))
    found = absences([name for names in by_round for name in names])
    return [
        Coming(one, bisect_right(ends, one.start) if one.start else None, bisect_right(ends, one.end))
        for one in found
        if one.end < one.requests
    ]


def _all_were_there(seen: Observations, balancer: str | None) -> bool:
    """Return whether every server answered in every round of several, so that none was away for long."""
    counts = [seen.client(balancer, rounds) for rounds in range(seen.rounds + 1)]
    return len(counts) > 2 and all(
        after[name] > before[name] for before, after in pairwise(counts) for name in counts[-1]
    )


def rounds(found: Sequence[Coming]) -> set[int]:
    """Return the numbers of the rounds in which a server went or came, counted from 0."""
    return {number for one in found for number in (one.left, one.came) if number is not None}


def findings(found: Sequence[Coming], *, judged: bool) -> list[Finding]:
    """Say who came and when. `judged`: shares are judged over the rounds without a change."""
    over = "; shares are judged over the rounds without a change" if judged else ""
    return [Finding(Outcome.PASS, f"server {one.absence.sentence}{over}") for one in found]
