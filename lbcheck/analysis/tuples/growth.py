"""What the path gains when the cluster has one more of each thing: the model is computed again with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from lbcheck.analysis.tuples import one_more
from lbcheck.analysis.tuples.path import Subject
from lbcheck.model.cluster import Cluster

IPV6_STEP = 10  # % of the clients: what "one more" of a share is


@dataclass(frozen=True)
class Growth:
    """One thing that can be added to a cluster.

    `one_more` returns the cluster with one more of it, for one path; None where there is nothing to add it to.
    `at_once` returns it with so many more, where that is not the same as one after the other.
    """

    words: str
    one_more: Callable[[Cluster, Subject], Cluster | None]
    at_once: Callable[[Cluster, Subject, int], Cluster | None] | None = None


@dataclass(frozen=True)
class Gain:
    """How many more connections the path holds with one more of a thing."""

    what: str
    words: str
    gained: int


def gains(cluster: Cluster, subject: Subject) -> list[Gain]:
    """Return what the path gains by one more of each thing, the largest gain first."""
    before = subject.path(cluster).holds
    computed = []
    for what, growth in GROWTHS.items():
        grown = growth.one_more(cluster, subject)
        if grown is not None:
            computed.append(Gain(what, growth.words, subject.path(grown).holds - before))
    return sorted(computed, key=lambda gain: -gain.gained)


def grow(cluster: Cluster, subject: Subject, wanted: Mapping[str, int]) -> Cluster:
    """Return the cluster with so many more of each thing; a thing that has no place in this path is not added."""
    for what, number in wanted.items():
        growth = GROWTHS[what]
        if growth.at_once:
            cluster = growth.at_once(cluster, subject, number) or cluster
        else:
            for _ in range(number):
                cluster = growth.one_more(cluster, subject) or cluster
    return cluster


def has_a_place(cluster: Cluster, subject: Subject, what: str) -> bool:
    """Return whether this path has something to add one more of a thing to."""
    return GROWTHS[what].one_more(cluster, subject) is not None


GROWTHS: Mapping[str, Growth] = {
    "backend": Growth("one backend server", one_more.one_server),
    "server-port": Growth("one server port", one_more.one_server_port),
    "balancer": Growth("one balancer", one_more.one_balancer),
    "balancer-source": Growth("one balancer source address", one_more.one_source),
    "vip": Growth("one VIP", one_more.one_vip),
    "frontend-port": Growth("one frontend port", one_more.one_frontend_port),
    "client": Growth("one client address", one_more.one_client_address),
    "nat-address": Growth("one NAT address", one_more.one_nat_address),
    "nat": Growth("one NAT", one_more.one_nat),
    "ipv6": Growth(
        "10 % of the clients on IPv6", partial(one_more.more_ipv6, percent=IPV6_STEP), at_once=one_more.more_ipv6
    ),
}
