"""What kept connections show of the unit: whether a balancer chooses a server for each request, or each connection.

Where it chooses for each request, a connection meets several servers. Where it chooses for each connection, each one
meets one server, and all together meet several. If all meet the same one, nothing is shown: one connection, a single
server, a hash. The first answer of a connection is a choice in any case, so its count is right under either unit.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.laws.tally import Judgement
from lbcheck.model.asked import Unit
from lbcheck.model.requests import Answers
from lbcheck.model.verdict import Outcome

FEWEST = 4  # kept connections; a server that takes over from another may end a connection and begin the next
MOST = 64  # kept connections, after which further ones would show no more
CONNECTIONS = 24  # if they all meet one server, draws over two equal ones do that in one run of 8 million
# A round that shows it: each request is sent on one of so many connections, by chance. Whatever the order in which a
# balancer of requests takes its servers, and whenever they come and go, two in equal parts keep to their connections
# with a probability of at most 2 · 10⁻¹¹.
DEALT, DEALT_REQUESTS = 8, 48


@dataclass(frozen=True)
class Kept:
    """What the connections of one frontend show that carried two answers with a name, or more.

    `connections`: how many of them there were. `moved`: how many of them met more than one server. `servers`: how many
    servers answered in all. `several`: whether connections of one client to one address met several servers. `certain`:
    whether a balancer that chooses for each request would look so more rarely than in the part of runs that may err.
    """

    connections: int = 0
    moved: int = 0
    servers: int = 0
    several: bool = False
    certain: bool = False

    @property
    def unit(self) -> Unit:
        """What a server is chosen for; empty: they do not show it."""
        if self.moved:
            return "request"
        return "connection" if self.connections >= FEWEST and self.certain else ""

    @property
    def sentence(self) -> str:
        """What they show, as a sentence about connections that each met one server."""
        if self.unit:
            met = f"each of {self.connections:,} kept connections met one server, and {self.servers:,} servers answered"
            return f"{met}: a server is chosen for each connection; --unit request says otherwise"
        met = "the kept connection" if self.connections == 1 else f"each of {self.connections:,} kept connections"
        return (
            f"{met} met one server: whether it is chosen for each request or each connection cannot be told; "
            "--unit says it, and a run without --requests finds out"
        )

    @property
    def dealt(self) -> int:
        """The number of connections to which the next round is to be dealt; 0: each request has one of its own."""
        return DEALT if self.several and self.connections < MOST else 0

    def further(self, connections: int, lacking: int) -> int:
        """Return how many requests the next round has, if it is to show the unit.

        `connections`: those of which the first answer names a server. `lacking`: how many more of them the law needs.
        """
        return DEALT_REQUESTS if self.dealt else max(lacking, CONNECTIONS - connections)


def kept(samples: Iterable[Answers], alpha: float) -> Kept:
    """Return what kept connections show; `alpha`: how often it may be wrong where a server is chosen for each request.

    The samples after the j-th round with such connections have 6/(π²j²) of it; the sum of that over all j is one.
    """
    samples = tuple(samples)
    with_kept = [one for one in samples if one.kept]
    looks = len({one.round for one in with_kept})
    if not looks:
        return Kept()
    chance = sum(_log_chance(those) for those in _by_route(with_kept))
    return Kept(
        sum(one.kept for one in with_kept),
        sum(one.moved for one in with_kept),
        len({count.server for one in samples for count in one.counts}),
        any(len({count.server for one in those for count in one.counts}) > 1 for those in _by_route(samples)),
        chance <= math.log(alpha * 6 / (math.pi * looks) ** 2),
    )


def _by_route(samples: Iterable[Answers]) -> Iterable[Sequence[Answers]]:
    """Return the samples of each client, address and key: a hash of one of these gives each a server of its own."""
    routes: dict[tuple[str, str, str, str], list[Answers]] = {}
    for one in samples:
        routes.setdefault((one.at, one.source, one.address, one.key), []).append(one)
    return routes.values()


def _log_chance(samples: Sequence[Answers]) -> float:
    """Return the logarithm of a bound: how likely each connection meets one server, if one is chosen for each request.

    Say how many answers each server gave. Of the orders that these may have come in, each is as likely as another if
    servers are drawn, or if chance deals the requests to the connections. An order in which each connection meets one
    server is one way for the connections to fall on servers. Give such ways probabilities: each row of counts, over
    all that sum to the number of connections, has the same, and so has each way with these counts. The chance of an
    order divided by the probability of its way is the bound: by Markov's inequality it is below any x with a
    probability of at most x.
    """
    answers, connections = Counter[str](), Counter[str]()
    for count in (count for one in samples for count in one.counts):
        answers[count.server] += count.requests
        connections[count.server] += count.connections
    without_name = max(0, sum(one.connections for one in samples) - connections.total())
    servers = max(1, len(answers))
    rows = math.lgamma(connections.total() + servers) - math.lgamma(servers) - math.lgamma(connections.total() + 1)
    return rows + _log_ways(connections) + without_name * math.log(servers) - _log_ways(answers)


def _log_ways(counts: Mapping[str, int]) -> float:
    """Return the logarithm of the number of orders of things of which there are so many each."""
    return math.lgamma(sum(counts.values()) + 1) - sum(math.lgamma(count + 1) for count in counts.values())


def of_either_unit(requests: Judgement, connections: Judgement, seen: Kept, further: int) -> Judgement:
    """Return what may be said whatever the unit is: what two judgements by one law agree upon, or else a doubt.

    `requests`, `connections`: what is counted. `further`: the requests of a next round that may show the unit; 0: there
    is none.
    """
    if requests.outcome is not connections.outcome or requests.doubts or connections.doubts:
        faults = (*requests.faults, *requests.doubts) or (*connections.faults, *connections.doubts)
        needed, doubts = max(requests.needed, connections.needed), (*faults, seen.sentence)
        unknown = replace(requests, outcome=Outcome.INCONCLUSIVE, needed=needed, faults=(), doubts=doubts)
        return replace(unknown, more=further)
    certain = requests.outcome is Outcome.FAIL or (requests.outcome is Outcome.PASS and seen.servers > 1)
    return replace(requests, more=0 if certain else further)
