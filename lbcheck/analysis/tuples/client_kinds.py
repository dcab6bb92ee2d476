"""Client hosts by what the arithmetic asks of them, so that ten thousand equal hosts are computed once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from lbcheck.analysis.tuples import binding
from lbcheck.analysis.tuples.hops import Endpoints
from lbcheck.model.address import Family
from lbcheck.model.cluster import Client, capacity_of
from lbcheck.model.opening import Opening


@dataclass(frozen=True)
class ClientKind:
    """What the arithmetic asks of a client host; hosts of one kind are counted together."""

    opening: Opening
    ipv4_addresses: int
    ipv6_addresses: int
    connections: int | None  # that each host wants; None: as many as it can
    ipv6_share: float

    def addresses(self, family: Family) -> int:
        """Return how many source addresses of one family a host has.

        A host without IPv6 addresses counts with one: `hosts_with` says how many hosts use it.
        """
        if family == 4:
            return self.ipv4_addresses
        return self.ipv6_addresses or 1

    def hosts_with(self, family: Family, hosts: int) -> int:
        """Return how many of the hosts open connections of one family."""
        if family == 4 or self.ipv6_addresses:
            return hosts
        if self.connections is None:
            # Each host opens all that it can, so `ipv6_share` is a share of the hosts.
            return ceil(hosts * self.ipv6_share)
        # Each host opens a number of connections, and `ipv6_share` is a share of those.
        return hosts if self.ipv6_share > 0 else 0

    def tuples(self, family: Family, endpoints: int, hosts: int) -> int:
        """Return how many connections so many hosts can hold to endpoints of one family."""
        ports = binding.usable_ports(self.opening)
        of_one_host = binding.tuples(self.opening.binding, ports, self.addresses(family), endpoints)
        return of_one_host * self.hosts_with(family, hosts)

    def wanted(self, family: Family, endpoints: Endpoints) -> int | None:
        """Return how many connections of one family a host wants; None: as many as it can."""
        if self.connections is None:
            return None
        over_ipv6 = int(self.connections * self.ipv6_share) if endpoints[6] else 0
        if family == 6:
            return over_ipv6
        return self.connections - over_ipv6


def hosts_of(clients: Sequence[Client]) -> int:
    """Return how many hosts the clients are."""
    return sum(client.hosts for client in clients)


def names_of(clients: Sequence[Client]) -> tuple[str, ...]:
    """Return the name of each client."""
    return tuple(client.name for client in clients)


def kind_of(client: Client) -> ClientKind:
    """Return the kind of one client."""
    capacity = capacity_of(client)
    ipv4_addresses, ipv6_addresses = client.families
    return ClientKind(
        capacity.opening,
        ipv4_addresses,
        ipv6_addresses,
        capacity.connections,
        capacity.ipv6_share,
    )


def identity_of(client: Client) -> tuple[object, ...]:
    """Return a key that clients of one kind mostly share.

    Hosts usually share one capacity record. Comparing its identity, not its fields, keeps 10,000 hosts fast.
    """
    return id(client.holds), client.families


def by_kind(clients: Sequence[Client]) -> Mapping[ClientKind, Sequence[Client]]:
    """Return the clients of each kind."""
    by_identity: dict[tuple[object, ...], list[Client]] = {}
    for client in clients:
        by_identity.setdefault(identity_of(client), []).append(client)
    members_of: dict[ClientKind, list[Client]] = {}
    for members in by_identity.values():
        members_of.setdefault(kind_of(members[0]), []).extend(members)
    return members_of
