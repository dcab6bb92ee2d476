"""Whether there are as many servers as the user said."""

from collections.abc import Iterator

from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.verdict import Finding, Outcome


def findings(seen: Observations, known: Known) -> Iterator[Finding]:
    """Report that more servers answered than the user said, or that a balancer has fewer that serve.

    That fewer answered without a balancer's word is judged by their shares: those that lack are owed theirs.
    """
    wanted = seen.asked.servers
    if not wanted:
        return
    answered = sorted(name for name, count in seen.client().items() if count)
    if len(answered) > wanted:
        yield Finding(Outcome.FAIL, f"{_servers(wanted)} expected, and {len(answered)} answered: {', '.join(answered)}")
    serving = [name for name, weight in known.weights.items() if weight]
    if seen.processes and known.servers_told and len(serving) < wanted:
        who = seen.product or "the balancer"
        yield Finding(Outcome.FAIL, f"{_servers(wanted)} expected, and {who} has {len(serving)} that serve")


def _servers(number: int) -> str:
    return "1 server is" if number == 1 else f"{number:,} servers are"
