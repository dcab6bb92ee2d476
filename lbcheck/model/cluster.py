"""The cluster as lbcheck understands it: clients, name servers, balancers, servers, and published names and addresses.

Each thing is here once, by its name, its addresses and its weight. Its field `holds` is the record of what is known of
its capacity (capacity.py). It is None where the inventory was read for other checks, which do not need it.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Protocol, TypeVar

from lbcheck.errors import InventoryError, LbcheckError
from lbcheck.model import login, schemes
from lbcheck.model.address import FAMILIES, Family, PortRange, of_family
from lbcheck.model.capacity import SOCKET_BYTES, BalancerCapacity, ClientCapacity, FrontendCapacity, ServerCapacity
from lbcheck.model.nat import NatCapacity

HEAVIEST = 2**32 - 1  # the largest weight: Envoy's has 32 bits; Gateway API's ends at 1,000,000


@dataclass(frozen=True)
class Host:
    """A host of the inventory and the addresses on which it serves."""

    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Client:
    """One client host, or `hosts` equal hosts with one unknown address each."""

    name: str
    addresses: tuple[str, ...] = ()
    behind: str = ""  # the NAT gateway that translates its IPv4; empty: none
    hosts: int = 1
    holds: ClientCapacity | None = None

    @cached_property
    def ipv4(self) -> tuple[str, ...]:
        """Its IPv4 addresses."""
        return of_family(self.addresses, 4)

    @cached_property
    def families(self) -> tuple[int, int]:
        """Number of IPv4 and of IPv6 source addresses of a host; one IPv4 address if none are known."""
        if not self.addresses:
            return 1, 0
        return len(self.ipv4), len(self.addresses) - len(self.ipv4)


@dataclass(frozen=True)
class Vip:
    """An address that clients connect to, and the balancer that has it (its home); empty: all balancers share it."""

    address: str
    home: str = ""


@dataclass(frozen=True)
class Balancer:
    """A host that runs HAProxy; `stats` are the URIs of its statistics, one for each process.

    `log`: where it writes its own log, a file or journal:UNIT; empty: not known. `configuration`: the files with which
    it is started, in their order, or directories of such files.
    """

    name: str
    addresses: tuple[str, ...] = ()
    stats: tuple[str, ...] = ()
    log: str = ""
    configuration: tuple[str, ...] = ()
    holds: BalancerCapacity | None = None

    def __post_init__(self) -> None:
        for uri in self.stats:
            login.refuse_password(uri)
            if not schemes.of_counters(uri):
                raise LbcheckError(f"statistics '{login.shown(uri)}': write {schemes.forms()}")


@dataclass(frozen=True)
class Server:
    """One server of a backend; `log` and `stub_status` say where its own counters are; empty: it has none."""

    name: str
    weight: int = 1
    addresses: tuple[str, ...] = ()
    log: str = ""
    stub_status: str = ""
    holds: ServerCapacity | None = None

    def __post_init__(self) -> None:
        login.refuse_password(self.stub_status)
        if not 0 <= self.weight <= HEAVIEST:
            raise InventoryError(f"server '{self.name}': weight {self.weight} is not between 0 and {HEAVIEST:,}")


@dataclass(frozen=True)
class Backend:
    """Servers that share the requests of a frontend. Empty `name`, `algorithm` or `servers`: nobody told it."""

    name: str
    algorithm: str = ""
    servers: tuple[Server, ...] = ()
    mode: str = ""  # http, tcp, or empty: as the balancer says
    redispatch: bool = False  # HAProxy's default; with it the other servers take what a full one refuses
    weights_given: bool = True  # false: the servers are listed, nobody gave weights, and each weight is 1

    @cached_property
    def weights(self) -> Mapping[str, int]:
        """Server name → weight."""
        return {server.name: server.weight for server in self.servers}


@dataclass(frozen=True)
class Frontend:
    """A URL that clients request (tcp://HOST:PORT: any protocol), the addresses that answer, and the backend.

    No `url`: only its ports are known (`holds`). No `addresses`: it answers at every VIP.
    """

    name: str
    url: str = ""
    backend: str = ""
    addresses: tuple[str, ...] = ()
    holds: FrontendCapacity | None = None

    def __post_init__(self) -> None:
        login.refuse_password(self.url)

    @property
    def speaks_http(self) -> bool:
        """Whether answers can be asked for."""
        return self.url.lower().startswith(("http:", "https:"))  # schemes ignore case (RFC 3986, section 3.1)


@dataclass(frozen=True)
class DnsName:
    """A name and the addresses that it should give; none: whatever it gives."""

    name: str
    addresses: tuple[str, ...] = ()

    def of_family(self, wanted: Family) -> tuple[str, ...]:
        """Return its IPv4 (4) or IPv6 (6) addresses."""
        return of_family(self.addresses, wanted)


@dataclass(frozen=True)
class NatGateway:
    """A host that translates: outside addresses × ports."""

    name: str
    addresses: tuple[str, ...]
    ports: PortRange
    shares_with: str = ""  # the gateway from which it takes a part of the subscribers
    holds: NatCapacity | None = None


Capacity_co = TypeVar("Capacity_co", covariant=True)


class Named(Protocol):
    """Whatever has a name."""

    @property
    def name(self) -> str: ...  # noqa: D102


class Thing(Named, Protocol[Capacity_co]):
    """Whatever holds connections."""

    @property
    def holds(self) -> Capacity_co | None: ...  # noqa: D102


def capacity_of(thing: Thing[Capacity_co]) -> Capacity_co:
    """Return what is known of a thing's capacity; LbcheckError if the inventory was read without capacities."""
    if thing.holds is None:
        what = f"{type(thing).__name__} '{thing.name}'"
        raise LbcheckError(f"{what}: nothing is known of its capacity; docs/capacity.md has the variables that say it")
    return thing.holds


@dataclass(frozen=True)
class Cluster:
    """Everything that is known of a cluster.

    `notes`: sentences on what is missing or was not understood. `assumed`: sentences on capacities that were not given.
    """

    dns_servers: tuple[Host, ...] = ()
    resolvers: tuple[Host, ...] = ()
    balancers: tuple[Balancer, ...] = ()
    backends: tuple[Backend, ...] = ()
    frontends: tuple[Frontend, ...] = ()
    vips: tuple[Vip, ...] = ()
    names: tuple[DnsName, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    clients: tuple[Client, ...] = ()
    socket_bytes: int = SOCKET_BYTES
    notes: tuple[str, ...] = field(default=())
    assumed: tuple[str, ...] = field(default=())

    @property
    def web(self) -> tuple[Frontend, ...]:
        """The frontends that speak HTTP."""
        return tuple(frontend for frontend in self.frontends if frontend.speaks_http)

    def backend(self, name: str) -> Backend:
        """Return the backend called `name`."""
        if backend := self._backends.get(name):
            return backend
        raise InventoryError(f"backend '{name}' is not in cluster_backends; a frontend names it")

    @cached_property
    def _backends(self) -> Mapping[str, Backend]:
        return {backend.name: backend for backend in reversed(self.backends)}

    def balanced(self, frontend: Frontend) -> Backend | None:
        """Return the backend to which balancers send a frontend's connections; None: it is not known."""
        return self.backend(frontend.backend) if frontend.backend and self.balancers else None

    def addresses(self, frontend: Frontend, wanted: Family) -> tuple[str, ...]:
        """Return the addresses of one family where a frontend answers."""
        return of_family(frontend.addresses, wanted) if frontend.addresses else self._vips[wanted]

    @cached_property
    def _vips(self) -> Mapping[Family, tuple[str, ...]]:
        published = tuple(vip.address for vip in self.vips)
        return {wanted: of_family(published, wanted) for wanted in FAMILIES}

    def serving(self) -> tuple[Balancer, ...]:
        """Return the balancers that take connections: those that are home to a VIP; all where one has no home."""
        homes = {vip.home for vip in self.vips}
        return tuple(b for b in self.balancers if b.name in homes) if homes and "" not in homes else self.balancers

    def too_heavy(self, product: str = "") -> str:
        """Return a sentence on a weight that a balancer cannot have; empty: none is.

        `product`: the make of the balancers, where the user told it. A balancer whose statistics, log or configuration
        are known tells its own.
        """
        told = (one for one in self.balancers if one.stats or one.log or one.configuration)
        products = [schemes.product_called(product), *(schemes.product_at(one.stats) for one in told)]
        most, name = min(((p.heaviest, p.name) for p in products if p.heaviest is not None), default=(HEAVIEST, ""))
        servers = (server for backend in self.backends for server in backend.servers)
        heavy = next((server for server in servers if server.weight > most), None)
        if heavy is None:
            return ""
        return (
            f"server '{heavy.name}': weight {heavy.weight:,} is above {most:,}, the most that {name} takes; "
            "weights are ratios, so smaller numbers may do"
        )

    @cached_property
    def behind(self) -> Mapping[str, Sequence[Client]]:
        """NAT gateway → the clients behind it; those behind none under the empty name."""
        found: dict[str, list[Client]] = {}
        for client in self.clients:
            found.setdefault(client.behind, []).append(client)
        return found

    def contradiction(self) -> str:
        """Return a sentence on a name that is given twice or refers to nothing; empty if every path is unambiguous."""
        return next(chain(self._twice(), self._dangling()), "")

    def _twice(self) -> Iterator[str]:
        kinds: Mapping[str, Sequence[Named]] = {
            "balancers": self.balancers,
            "backends": self.backends,
            "nats": self.nat_gateways,
            "frontends": self.frontends,
        }
        for kind, things in kinds.items():
            count = Counter(thing.name for thing in things)
            yield from (f"{kind}: '{name}' is there twice" for name, number in count.items() if number > 1)

    def _dangling(self) -> Iterator[str]:
        balancers, gateways = ({thing.name for thing in things} for things in (self.balancers, self.nat_gateways))
        for vip in self.vips:
            yield from _refer(f"VIP {vip.address}: home", vip.home, balancers)
        for frontend in self.frontends:
            yield from _refer(f"frontend '{frontend.name}': backend", frontend.backend, self._backends.keys())
        for client in self.clients:
            yield from _refer(f"client '{client.name}': behind", client.behind, gateways)

    @cached_property
    def owners(self) -> Mapping[str, str]:
        """Address → its owner, for sentences: `VIP of lb2`, `web1`."""
        hosts: tuple[Host | Client, ...] = (*self.dns_servers, *self.resolvers, *self.clients)
        found = {address: host.name for host in hosts for address in host.addresses}
        for backend in self.backends:
            found |= {address: server.name for server in backend.servers for address in server.addresses}
        return found | {vip.address: f"VIP of {vip.home}" if vip.home else "VIP" for vip in self.vips}


def _refer(what: str, name: str, names: Collection[str]) -> Iterator[str]:
    if name and name not in names:
        known = ", ".join(sorted(names)) or "none"
        yield f"{what} '{name}' does not exist; there is {known}"
