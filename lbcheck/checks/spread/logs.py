"""Findings on servers' logs that are not heard."""

from collections.abc import Iterator

from lbcheck.checks.spread.observations import Observations
from lbcheck.model.verdict import Finding, Outcome


def unheard(seen: Observations) -> Iterator[Finding]:
    """Report each log that lacks lines of this run.

    Without any line it tells nothing. With some of them it is a pass only if the balancer bears the client out: another
    server might have answered under this one's name.
    """
    client, counted = seen.client(), seen.counted()
    for server, lines in seen.distrusted.items():
        answered = client[server]
        if not lines:
            why = "it is written later, or its format has no user agent"
            sentence = f"not heard: the log of server {server} has none of {answered:,} requests; {why}"
            yield Finding(Outcome.PASS, sentence)
            continue
        sentence = f"the log of server {server} has {lines:,} of {answered:,} requests; the others are written later"
        if counted is not None and abs(counted[server] - answered) <= seen.slack:
            yield Finding(Outcome.PASS, f"not heard: {sentence}")
        else:
            yield Finding(Outcome.INCONCLUSIVE, f"{sentence}, or another server answers under its name")
