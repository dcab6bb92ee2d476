"""What the algorithm chose, and what passed it by: a cookie, a stick table or a rule may name the server instead."""

from collections import Counter
from collections.abc import Iterator

from lbcheck.analysis import sampling
from lbcheck.checks import loss
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.verdict import Finding, Outcome

_HOW = "a cookie, a stick table or a rule (`use-server`) named their server"
_TO_CHECK = (
    "to check the balance behind it, ask without the cookie, from several addresses (--source), "
    "or by a URL that no such rule takes"
)


def chosen(seen: Observations, balancer: str | None = None) -> Counter[str] | None:
    """Return server → how often the algorithm of one balancer, or of all, picked it, for whatever client.

    A second choice in place of a server that refused is one, too. None: not every process tells it for every server, or
    one was full: what waited for it got a server without a choice, and others were chosen because it was full.
    """
    if balancer not in seen.picks:
        seen.picks[balancer] = _chosen(seen, balancer)
    return seen.picks[balancer]


def _chosen(seen: Observations, balancer: str | None) -> Counter[str] | None:
    processes = seen.heard(balancer)
    if seen.short(balancer):
        return None  # others chose, too
    if balancer is None and not {process.balancer for process in processes} >= set(seen.told_apart):
        return None
    picks: Counter[str] = Counter()
    for process in processes:
        servers = seen.deltas(process)
        if process.failure or process.void or not servers:
            return None
        for name, server in servers.items():
            if server.chosen is None or server.reached_limit:
                return None
            picks[name] += server.chosen
    return picks if processes else None


def looks(seen: Observations, balancer: str | None = None) -> tuple[Counter[str], ...]:
    """Return the choices after each round but the last, cumulative; none if they are not told for each round."""
    found = [Counter[str]()]
    for part in seen.by_round[:-1]:
        picks = chosen(part, balancer)
        if picks is None:
            return ()
        found.append(found[-1] + picks)
    return tuple(found[1:])


def sticky(seen: Observations, balancer: str | None, alpha: float) -> bool:
    """Return whether the probe's answers do not show the algorithm: most of them passed it by, or are uneven for it."""
    picks, counted = chosen(seen, balancer), seen.counted(balancer)
    if picks is None or counted is None:
        return False
    answered = seen.client(balancer)
    if 2 * picks.total() < answered.total():
        return True
    return bool(_passed_by(seen, balancer)) and sampling.multinomial_p(answered, sampling.shares(picks)) < alpha


def findings(seen: Observations, balancer: str | None, alpha: float) -> Iterator[Finding]:
    """Say how many requests passed the algorithm by; inconclusive if the probe's answers then do not show it."""
    picks, counted = chosen(seen, balancer), seen.counted(balancer)
    passed = _passed_by(seen, balancer)
    if picks is None or counted is None or not passed:
        return
    who = seen.product or "the balancers"
    sentence = f"{who} chose a server for {counted.total() - passed:,} of {counted.total():,} {seen.unit}s; {_HOW}"
    if sticky(seen, balancer, alpha):
        yield Finding(Outcome.INCONCLUSIVE, f"{sentence}: {_TO_CHECK}")
    else:
        yield Finding(Outcome.PASS, sentence)


def _passed_by(seen: Observations, balancer: str | None) -> int:
    """Return how many requests got a server without a choice; 0 if they are no more than what failures explain."""
    picks, counted = chosen(seen, balancer), seen.counted(balancer)
    if picks is None or counted is None:
        return 0
    again = _retries(seen, balancer) if seen.unit == "connection" else 0  # a further attempt is a connection, too
    passed = counted.total() - again - picks.total()
    return passed if loss.too_much(passed, counted.total()) else 0


def _retries(seen: Observations, balancer: str | None) -> int:
    return sum(server.retries or 0 for process in seen.heard(balancer) for server in seen.deltas(process).values())
