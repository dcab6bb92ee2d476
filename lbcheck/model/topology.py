"""The cluster as lbcheck understands it: who resolves, who balances, who serves, and what is published."""

from dataclasses import dataclass, field

from lbcheck.errors import InventoryError, LbcheckError
from lbcheck.model import schemes
from lbcheck.model.address import PortRange, family
from lbcheck.model.capacity import Cluster

HERE = "here"  # where a step runs that needs no other host


@dataclass(frozen=True)
class Host:
    """A host of the inventory and the addresses that it serves or asks from."""

    name: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Vip:
    """An address published in DNS, and the balancer where it is at home."""

    address: str
    home: str = ""


@dataclass(frozen=True)
class Balancer:
    """A host that runs HAProxy; `stats` are the URIs of its statistics, one for each process.

    `log`: where it writes its own log, a file or journal:UNIT; empty: not known.
    """

    name: str
    addresses: tuple[str, ...] = ()
    stats: tuple[str, ...] = ()
    log: str = ""

    def __post_init__(self) -> None:
        for uri in self.stats:
            if not schemes.of_counters(uri):
                raise LbcheckError(f"statistics '{uri}': write {schemes.forms()}")
            if ":" in uri.rpartition("@")[0].partition("://")[2]:
                where = uri.partition("://")[2].rpartition("@")[2]
                raise LbcheckError(f"statistics at {where}: the password goes into LBCHECK_STATS_PASSWORD, not the URI")


@dataclass(frozen=True)
class Server:
    """One server of a backend; `log` and `stub_status` say where its own counters are, where it has them."""

    name: str
    weight: int = 1
    addresses: tuple[str, ...] = ()
    log: str = ""
    stub_status: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.weight <= 256:  # HAProxy's range
            raise InventoryError(f"server '{self.name}': weight {self.weight} is not between 0 and 256")


@dataclass(frozen=True)
class Backend:
    """Servers that share the requests of a frontend. Empty `algorithm` or `servers`: not known beforehand."""

    name: str
    algorithm: str = ""
    servers: tuple[Server, ...] = ()
    mode: str = ""  # http, tcp, or empty: as the balancer says

    @property
    def weights(self) -> dict[str, int]:
        """Server name → weight."""
        return {server.name: server.weight for server in self.servers}


@dataclass(frozen=True)
class Frontend:
    """A URL that people ask for (tcp://HOST:PORT: any protocol), the addresses that answer, and the backend behind."""

    name: str
    url: str
    backend: str
    addresses: tuple[str, ...] = ()

    @property
    def speaks_http(self) -> bool:
        """Whether answers can be asked for."""
        return self.url.startswith(("http:", "https:"))


@dataclass(frozen=True)
class DnsName:
    """A name and the addresses that it should give; none: whatever it gives."""

    name: str
    addresses: tuple[str, ...] = ()

    def of_family(self, version: int) -> tuple[str, ...]:
        """Return its IPv4 (4) or IPv6 (6) addresses."""
        return tuple(address for address in self.addresses if family(address) == version)


@dataclass(frozen=True)
class NatGateway:
    """A host that translates: outside addresses × ports."""

    name: str
    addresses: tuple[str, ...]
    ports: PortRange


@dataclass(frozen=True)
class Topology:
    """All of it. `notes` are sentences about what was in the inventory and not understood."""

    lab: bool = False
    dns_servers: tuple[Host, ...] = ()
    resolvers: tuple[Host, ...] = ()
    balancers: tuple[Balancer, ...] = ()
    backends: tuple[Backend, ...] = ()
    frontends: tuple[Frontend, ...] = ()
    vips: tuple[Vip, ...] = ()
    names: tuple[DnsName, ...] = ()
    nat_gateways: tuple[NatGateway, ...] = ()
    clients: tuple[Host, ...] = ()
    identify: str = "header:x-served-by"
    identify_balancer: str = ""
    reachable: tuple[str, ...] = ()  # hosts where steps may run
    notes: tuple[str, ...] = field(default=())
    longest_gap_s: float | None = None  # that clients may see, where a failover is watched
    cluster: Cluster | None = None  # the model of tuple capacity, where that is what is measured

    @property
    def web(self) -> tuple[Frontend, ...]:
        """The frontends that answer to HTTP."""
        return tuple(frontend for frontend in self.frontends if frontend.speaks_http)

    def backend(self, name: str) -> Backend:
        """Return the backend called `name`."""
        for backend in self.backends:
            if backend.name == name:
                return backend
        raise InventoryError(f"backend '{name}' is not in cluster_backends; a frontend names it")

    @property
    def owners(self) -> dict[str, str]:
        """Address → whose it is, for sentences: `VIP of lb2`, `web1`."""
        found = {
            address: host.name
            for host in (*self.dns_servers, *self.resolvers, *self.clients)
            for address in host.addresses
        }
        for backend in self.backends:
            found |= {address: server.name for server in backend.servers for address in server.addresses}
        return found | {vip.address: f"VIP of {vip.home}" if vip.home else "VIP" for vip in self.vips}
