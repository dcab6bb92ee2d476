"""What decides how many connections a cluster holds at once: who opens them, how, and what limits each host."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Family, PortRange
from lbcheck.model.nat import NatPool

LINUX_EPHEMERAL_PORTS = PortRange(32768, 60999)  # net.ipv4.ip_local_port_range as the kernel ships it: 28,232 ports
# What the kernel keeps of one end of an accepted connection: 1,008,000 took 8.0 GB for both (measured, Linux 6.18).
SOCKET_BYTES = 4000


class BindingMode(StrEnum):
    """How a program binds a socket before it connects. It decides what multiplies (analysis/tuples/binding.py)."""

    EXPLICIT = "explicit"  # bind((source, port)) with SO_REUSEADDR
    EXPLICIT_EXCLUSIVE = "explicit-exclusive"  # bind((source, port)) without it
    NO_PORT = "no-port"  # bind((source, 0)) with IP_BIND_ADDRESS_NO_PORT
    ANY_PORT = "any-port"  # bind((source, 0))
    NONE = "none"  # connect() alone


@dataclass(frozen=True)
class Opening:
    """How a host opens connections: from which ports, bound how, and who rests in TIME_WAIT after the close."""

    ports: PortRange = LINUX_EPHEMERAL_PORTS
    reserved: tuple[PortRange, ...] = ()  # net.ipv4.ip_local_reserved_ports
    listening: tuple[int, ...] = ()  # ports with a listener on the wildcard or on the source address
    binding: BindingMode = BindingMode.NONE
    tw_reuse: bool = False  # net.ipv4.tcp_tw_reuse=1; the kernel's own 2 holds for loopback only
    closes_first: bool = True  # TIME_WAIT is at the side that closes first (RFC 9293)


@dataclass(frozen=True)
class HostLimits:
    """What a host itself gives out. None: not known, so no limit is assumed."""

    file_descriptors: int | None = None  # RLIMIT_NOFILE of one process
    conntrack_max: int | None = None  # nf_conntrack_max
    memory_bytes: int | None = None  # for sockets


@dataclass(frozen=True)
class Client:
    """One client host, or `hosts` alike of one address each whose addresses are not known."""

    name: str
    addresses: tuple[str, ...] = ()
    opening: Opening = Opening()
    hosts: int = 1
    behind: str = ""  # the NAT that its IPv4 passes
    connections: int | None = None  # that each host wants to hold; None: as many as it can
    ipv6_share: float = 0.0  # of those connections, or of the hosts that have no IPv6 address yet

    @cached_property
    def families(self) -> tuple[int, int]:
        """How many IPv4 and IPv6 source addresses a host has; where none are known, one of IPv4."""
        six = sum(":" in address for address in self.addresses)
        return (len(self.addresses) - six, six) if self.addresses else (1, 0)


@dataclass(frozen=True)
class Vip:
    """An address that clients connect to, and the balancer where it is at home; empty: each balancer takes its part."""

    address: str
    home: str = ""


@dataclass(frozen=True)
class Frontend:
    """Ports that clients connect to at the VIPs; without a `backend`, what is behind them is not modelled."""

    name: str
    ports: tuple[int, ...] = (80,)
    backend: str = ""
    addresses: tuple[str, ...] = ()  # empty: every VIP
    maxconn: int | None = None  # HAProxy's, in each process
    mode: str = "http"  # HAProxy's; in tcp each connection holds one to a server, in http only while it is answered


@dataclass(frozen=True)
class Balancer:
    """A host that runs HAProxy. It is a client of each server, from `sources`.

    No `sources`: the one address that the route picks. One server line has one source, so more sources towards a server
    take a server line each (haproxy #1520).
    """

    name: str
    sources: tuple[str, ...] = ()
    opening: Opening = Opening()
    maxconn: int | None = None  # the global section's
    limits: HostLimits = HostLimits()

    def source_count(self, version: Family) -> int:
        """Return how many addresses of a family it can open connections from."""
        return sum((":" in source) == (version == 6) for source in self.sources) if self.sources else 1


@dataclass(frozen=True)
class Server:
    """One server of a backend: an endpoint for each of its ports."""

    name: str
    address: str = ""  # empty: an IPv4 address that is not known
    ports: tuple[int, ...] = (80,)
    weight: int = 1
    maxconn: int | None = None  # HAProxy's, for this server in each process
    worker_processes: int | None = None  # nginx's
    worker_connections: int | None = None
    queue: int | None = None  # only where the server never accepts: its backlog, somaxconn if that is less
    limits: HostLimits = HostLimits()

    def __post_init__(self) -> None:
        if not self.ports:
            raise LbcheckError(f"server {self.name} listens on no port")

    @property
    def family(self) -> Family:
        """The IP version of its address."""
        return 6 if ":" in self.address else 4


@dataclass(frozen=True)
class Backend:
    """Servers that share connections by weight. With `option redispatch` the others take what a full one refuses."""

    name: str
    servers: tuple[Server, ...]
    redispatch: bool = False  # HAProxy's default


@dataclass(frozen=True)
class Cluster:
    """All that the model of tuple capacity knows. `assumed` are sentences about what nobody said."""

    clients: tuple[Client, ...] = ()
    nats: tuple[NatPool, ...] = ()
    vips: tuple[Vip, ...] = ()
    frontends: tuple[Frontend, ...] = ()
    balancers: tuple[Balancer, ...] = ()
    backends: tuple[Backend, ...] = ()
    socket_bytes: int = SOCKET_BYTES
    assumed: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        balancers, backends, nats = (self._names(kind) for kind in ("balancers", "backends", "nats"))
        self._names("frontends")
        for vip in self.vips:
            _refer(f"VIP {vip.address}: home", vip.home, balancers)
        for frontend in self.frontends:
            _refer(f"frontend '{frontend.name}': backend", frontend.backend, backends)
            if frontend.backend and not self.balancers:
                raise LbcheckError(f"frontend '{frontend.name}' has a backend, but there are no balancers")
        for client in self.clients:
            _refer(f"client '{client.name}': behind", client.behind, nats)

    def _names(self, kind: str) -> set[str]:
        names = [item.name for item in getattr(self, kind)]
        for name in names if len(set(names)) < len(names) else ():
            if names.count(name) > 1:
                raise LbcheckError(f"{kind}: '{name}' is there twice")
        return set(names)

    @cached_property
    def behind(self) -> Mapping[str, Sequence[Client]]:
        """NAT → the clients behind it; those behind none under the empty name."""
        found: dict[str, list[Client]] = {}
        for client in self.clients:
            found.setdefault(client.behind, []).append(client)
        return found

    def backend(self, name: str) -> Backend:
        """Return the backend called `name`."""
        return next(backend for backend in self.backends if backend.name == name)

    def addresses(self, frontend: Frontend, version: Family) -> tuple[str, ...]:
        """Return the addresses of one family where a frontend answers."""
        given = frontend.addresses or tuple(vip.address for vip in self.vips)
        return tuple(address for address in given if (":" in address) == (version == 6))

    def serving(self) -> tuple[Balancer, ...]:
        """Return the balancers that take connections: those with a VIP at home, all where no VIP says its home."""
        homes = {vip.home for vip in self.vips} - {""}
        return tuple(b for b in self.balancers if b.name in homes) if homes else self.balancers


def _refer(what: str, name: str, known: set[str]) -> None:
    if name and name not in known:
        raise LbcheckError(f"{what} '{name}' does not exist; there is {', '.join(sorted(known)) or 'none'}")
