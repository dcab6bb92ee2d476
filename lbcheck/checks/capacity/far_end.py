"""What the far end of a fill has accepted while the clients held it: who reads that, and what was read.

The clients' kernels hold a connection that only waits in a listener's queue like any other, so they cannot tell.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lbcheck.checks.capacity.results import failure_at_host
from lbcheck.model.address import Endpoint
from lbcheck.model.cluster import Cluster, Frontend, Server, capacity_of
from lbcheck.model.fill import Fill
from lbcheck.model.question import in_words
from lbcheck.model.sockets import Connected, Reading, ReadSockets, Sockets

BALANCERS, SERVERS = "balancers", "servers"  # the labels of what is read at which end
# A fill begins so much later than the stage, and holds so long: room for hosts that begin at different times. Both
# together, and the silence of a NAT that is full, are well below HAProxy's `timeout http-request` (10 s in the lab).
AFTER_S, HELD_S = 2.0, 1.5
_STEADY = 3  # readings with as many, or a machine was too slow for the hold


# --- plan ---


def balancers(cluster: Cluster, fills: Sequence[Fill]) -> Iterator[ReadSockets]:
    """Give what each balancer reads while the clients fill endpoints: any of them may hold a VIP."""
    endpoints = tuple({endpoint: None for fill in fills for endpoint in fill.endpoints})
    for balancer in cluster.balancers if fills else ():
        yield ReadSockets(at=balancer.name, endpoints=endpoints, label=BALANCERS, most_s=_most_s(fills))


def servers(cluster: Cluster, frontends: Sequence[Frontend], fills: Sequence[Fill]) -> Iterator[ReadSockets]:
    """Give what each server reads while one client fills what lies behind the balancers."""
    found: dict[str, dict[Endpoint, None]] = {}
    for frontend in frontends if fills else ():
        for server in cluster.backend(frontend.backend).servers:
            found.setdefault(server.name, {}).update(dict.fromkeys(endpoints_of(server)))
    for name, endpoints in found.items():
        if endpoints:
            yield ReadSockets(at=name, endpoints=tuple(endpoints), label=SERVERS, most_s=_most_s(fills))


def endpoints_of(server: Server) -> Iterator[Endpoint]:
    """Give where a server listens, if its address is known."""
    capacity = capacity_of(server)
    if capacity.address:
        yield from (Endpoint(capacity.address, port) for port in capacity.ports)


def _most_s(fills: Sequence[Fill]) -> float:
    """Return the most seconds that these fills take: a client does one after the other."""
    by_client: dict[str, float] = {}
    for fill in fills:
        by_client[fill.at] = by_client.get(fill.at, ReadSockets.wait_s) + fill.planned_s
    return max(by_client.values())


# --- judge ---


@dataclass(frozen=True)
class Count:
    """Connections that a program had accepted, and connections that waited for one."""

    accepted: int = 0
    waiting: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.accepted + other.accepted, self.waiting + other.waiting)

    @property
    def whole(self) -> int:
        """All of them."""
        return self.accepted + self.waiting


@dataclass(frozen=True)
class FarEnd:
    """What hosts read: host → its sample."""

    samples: Mapping[str, Sockets]

    def unread(self, hosts: Sequence[str]) -> str:
        """Return why it is not known what these hosts accepted; empty: all of them were read."""
        if not hosts:
            return "nothing is known of the hosts that accept these connections"
        silent = [in_words(host) for host in hosts if host not in self.samples]
        if silent:
            return f"what {', '.join(silent)} accepted was not read"
        return "; ".join(filter(None, (failure_at_host(self.samples[host]) for host in hosts)))

    def held(self, endpoints: Collection[str], sources: Collection[str]) -> Count:
        """Return what was held at endpoints from some addresses, at all hosts; each counts at its own fullest time."""
        counts = (self.held_at(host, endpoints, sources) for host in self.samples)
        return sum(counts, Count())

    def held_at(self, host: str, endpoints: Collection[str], sources: Collection[str]) -> Count:
        """Return what one host held."""
        return _lasting(self._counts(host, endpoints, sources))

    def missed(self, held_by_clients: int, endpoints: Collection[str], sources: Collection[str]) -> str:
        """Say that the readings missed what the clients held; empty: they did not.

        They did not where they found as much, or where each host saw the connections come and go; and no host was still
        accepting when the hold was over.
        """
        if rising := [in_words(host) for host in self.samples if self._still_rose(host, endpoints, sources)]:
            return f"{', '.join(rising)} still accepted connections when the clients let go"
        found = self.held(endpoints, sources).whole
        if found >= held_by_clients or all(self._saw_all(host, endpoints, sources) for host in self.samples):
            return ""
        return (
            f"the clients held {held_by_clients:,}, and no two readings in a row at "
            f"{', '.join(map(in_words, self.samples))} found more than {found:,}: they began too late or ended too soon"
        )

    def _saw_all(self, host: str, endpoints: Collection[str], sources: Collection[str]) -> bool:
        counts = [count.whole for count, _ in self._counts(host, endpoints, sources)]
        return any(counts) and not counts[0] and not counts[-1]

    def _still_rose(self, host: str, endpoints: Collection[str], sources: Collection[str]) -> bool:
        """Return whether what was held in the end was there for two readings only, on the way to more."""
        counts = self._counts(host, endpoints, sources)
        most = _lasting(counts).accepted
        return 0 < sum(times for count, times in counts if count.accepted >= most > 0) < _STEADY

    def _counts(self, host: str, endpoints: Collection[str], sources: Collection[str]) -> list[tuple[Count, int]]:
        """Return what each reading of a host found, and how many times in a row."""

        def wanted(one: Connected) -> bool:
            return one.endpoint in endpoints and one.source in sources

        return [(_count(reading, wanted), reading.times) for reading in self.samples[host].readings]

    def sources(self, endpoints: Collection[str]) -> tuple[str, ...]:
        """Return every address that was connected to one of these endpoints, each once."""
        readings = (reading for sample in self.samples.values() for reading in sample.readings)
        found = (one.source for reading in readings for one in reading.connected if one.endpoint in endpoints)
        return tuple(dict.fromkeys(found))

    def waiting(self, endpoints: Sequence[str], sources: Collection[str]) -> Iterator[str]:
        """Say where connections waited, and how many."""
        for host in self.samples:
            for endpoint in endpoints:
                if count := self.held_at(host, (endpoint,), sources).waiting:
                    yield (
                        f"{count:,} more wait in the queue of {host}'s listener at {endpoint}, and no program there "
                        "accepts them"
                    )


def of(label: str, samples: Sequence[object]) -> FarEnd:
    """Return what was read under a label."""
    mine = (sample for sample in samples if isinstance(sample, Sockets) and sample.label == label)
    return FarEnd({sample.at: sample for sample in mine})


def _count(reading: Reading, wanted: Callable[[Connected], bool]) -> Count:
    mine = [one for one in reading.connected if wanted(one)]
    return Count(sum(one.accepted for one in mine), sum(one.waiting for one in mine))


def _lasting(counts: Sequence[tuple[Count, int]]) -> Count:
    """Return the most that two readings in a row both found: what passes between two is not held.

    `counts`: what was found, and how many times in a row.
    """
    found = [count for count, times in counts if times > 1]
    for (one, _), (following, _) in pairwise(counts):
        found.append(min(one, following, key=_size))
    return max(found, key=_size, default=Count())


def _size(count: Count) -> tuple[int, int]:
    return count.accepted, count.waiting
