"""From single attempts to gaps: where nobody answered, from when to when."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from lbcheck.model.watch import Gap, Route, RouteSeen

KEPT = 20  # gaps of a route, the longest: who flaps has more, and these say enough


class Attempt(NamedTuple):
    """One request over a connection of its own. Times are in seconds since the watch began."""

    start_s: float
    seconds: float
    error: str = ""  # ErrorKind; empty: answered
    balancer: str = ""


def gaps(attempts: Sequence[Attempt]) -> list[Gap]:
    """Return each run of attempts without an answer; `attempts` are in order of their starts.

    A gap lasts from the START of the answered attempt before it to the start of the answered attempt after it. So it
    holds the whole outage, and is longer than it by at most the two pauses between attempts at its ends.
    """
    found = []
    runs = [(failed, list(run)) for failed, run in groupby(attempts, lambda attempt: bool(attempt.error))]
    for number, (failed, run) in enumerate(runs):
        if not failed:
            continue
        before = runs[number - 1][1][-1] if number else None
        after = runs[number + 1][1][0] if number + 1 < len(runs) else None
        found.append(
            Gap(
                start_s=round((before or run[0]).start_s, 3),
                end_s=round((after or run[-1]).start_s, 3),
                failures=len(run),
                back=after is not None,
                before=before.balancer if before else "",
                after=after.balancer if after else "",
            )
        )
    return found


def seen(route: Route, attempts: Iterable[Attempt]) -> RouteSeen:
    """Aggregate a route's attempts, in whatever order they ended."""
    attempts = sorted(attempts)
    answered = [attempt for attempt in attempts if not attempt.error]
    longest = sorted(gaps(attempts), key=lambda gap: gap.seconds, reverse=True)[:KEPT]
    return RouteSeen(
        url=route.url,
        address=route.address,
        attempts=len(attempts),
        errors=dict(Counter(attempt.error for attempt in attempts if attempt.error)),
        balancers=dict(Counter(attempt.balancer for attempt in answered)),
        first_answer_s=round(answered[0].start_s, 3) if answered else None,
        gaps=tuple(sorted(longest, key=lambda gap: gap.start_s)),
        pause_s=round(max((b.start_s - a.start_s for a, b in pairwise(attempts)), default=0.0), 3),
        slowest_s=round(max((attempt.seconds for attempt in answered), default=0.0), 3),
    )
