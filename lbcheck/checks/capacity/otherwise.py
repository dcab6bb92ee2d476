"""Which limits of the balancers are not as the inventory says, by what they and their hosts told: pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lbcheck.model.cluster import Cluster, capacity_of
from lbcheck.model.counters import Counters
from lbcheck.model.fill import explicit
from lbcheck.model.port_range import LocalPorts
from lbcheck.model.step import Sample


def otherwise(cluster: Cluster, samples: Sequence[Sample]) -> tuple[str, ...]:
    """Return a sentence on each limit that differs. What nobody told differs in nothing."""
    ports = {sample.at: sample for sample in samples if isinstance(sample, LocalPorts)}
    readings = [sample for sample in samples if isinstance(sample, Counters)]
    return (*_other_ports(cluster, ports), *_other_maxconns(cluster, _maxconns(readings)))


def _other_ports(cluster: Cluster, ports: Mapping[str, LocalPorts]) -> Iterator[str]:
    """Say which balancer's host connects from other ports than the inventory says."""
    for balancer in cluster.balancers:
        read, opening = ports.get(balancer.name), capacity_of(balancer).opening
        if not read or not read.ports or explicit(opening.binding):
            continue
        if read.ports != opening.ports:
            yield f"{balancer.name}: ip_local_port_range is {read.ports}, the inventory says {opening.ports}"
        if read.ports.taken_by(read.reserved) > opening.ports.taken_by(opening.reserved):
            yield f"{balancer.name}: ip_local_reserved_ports takes ports away: {', '.join(map(str, read.reserved))}"


def _other_maxconns(cluster: Cluster, maxconns: Mapping[str, int]) -> Iterator[str]:
    """Say which balancer accepts another number of connections than the inventory says."""
    for balancer in cluster.balancers:
        read, given = maxconns.get(balancer.name), capacity_of(balancer).maxconn
        if read is not None and given is not None and read != given:
            yield f"{balancer.name} runs with maxconn {read:,}, the inventory says {given:,}"


def _maxconns(readings: Sequence[Counters]) -> Mapping[str, int]:
    """Return how many connections each balancer's processes accept together; one that does not tell is left out."""
    told = {(one.balancer, one.uri): one.maxconn for one in readings if not one.failure}
    silent = {balancer for (balancer, _), maxconn in told.items() if maxconn is None}
    found = Counter[str]()
    for (balancer, _), maxconn in told.items():
        if balancer not in silent:
            found[balancer] += maxconn or 0
    return found
