"""Whether there are as many servers as the user said."""

from collections.abc import Iterator

from lbcheck.checks.spread.known import Known
from lbcheck.checks.spread.observations import Observations
from lbcheck.model.verdict import Finding, Outcome


def findings(seen: Observations, known: Known) -> Iterator[Finding]:
    """Report that a balancer has more or fewer servers that serve than the user said, or that more of them answered.

    That fewer answered without a balancer's word is judged by their shares: those that lack are owed theirs. Of several
    backends that share the requests, nobody said how many servers each has.
    """
    wanted = seen.asked.servers
    if not wanted or seen.parts > 1:
        return
    serving = [name for name, weight in known.weights.items() if weight]
    answered = sorted(name for name, count in seen.client().items() if count)
    if known.servers_told and seen.processes and len(serving) != wanted:
        has = f"{seen.product or 'the balancer'} has {len(serving):,} that serve"
        yield Finding(Outcome.FAIL, f"{_servers(wanted)} expected, and {has}: {', '.join(serving)}")
    elif len(answered) > wanted:
        yield Finding(Outcome.FAIL, f"{_servers(wanted)} expected, and {len(answered)} answered: {', '.join(answered)}")


def _servers(number: int) -> str:
    return "1 server is" if number == 1 else f"{number:,} servers are"
