"""What is known of how many connections each thing of a cluster holds: records for its field `holds` (cluster.py)."""

from dataclasses import dataclass, field
from functools import cached_property

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Family, family, of_family
from lbcheck.model.opening import HostLimits, Opening

# What the kernel keeps of one end of an accepted connection: 1,008,000 took 8.0 GB for both (measured, Linux 6.18).
SOCKET_BYTES = 4000


@dataclass(frozen=True)
class ClientCapacity:
    """How a client host opens connections, and how many."""

    opening: Opening = field(default_factory=Opening)
    connections: int | None = None  # that each host wants to hold; None: as many as it can
    ipv6_share: float = 0.0  # of those connections, or of the hosts that have no IPv6 address yet


@dataclass(frozen=True)
class FrontendCapacity:
    """The ports that clients connect to, and how many connections a balancer takes there."""

    ports: tuple[int, ...] = (80,)
    maxconn: int | None = None  # HAProxy's, in each process
    mode: str = "http"  # HAProxy's; in tcp each connection holds one to a server, in http only while it is answered


@dataclass(frozen=True)
class BalancerCapacity:
    """How many connections a balancer takes, and how it opens those to servers, from the addresses `sources`.

    No `sources`: the route picks one address. A server line has one source address, so further ones need a server line
    each (haproxy #1520).
    """

    sources: tuple[str, ...] = ()
    opening: Opening = field(default_factory=Opening)
    maxconn: int | None = None  # the global section's
    limits: HostLimits = field(default_factory=HostLimits)

    def source_count(self, wanted: Family) -> int:
        """Return how many addresses of a family it can open connections from."""
        if not self.sources:
            return 1  # the one that the route picks
        return len(of_family(self.sources, wanted))


@dataclass(frozen=True)
class ServerCapacity:
    """The endpoints of a server, one for each of its ports, and how many connections it takes."""

    address: str = ""  # empty: an IPv4 address that is not known
    ports: tuple[int, ...] = (80,)
    maxconn: int | None = None  # HAProxy's, for this server in each process
    worker_processes: int | None = None  # nginx's
    worker_connections: int | None = None
    queue: int | None = None  # only where the server never accepts: its backlog, somaxconn if that is less
    limits: HostLimits = field(default_factory=HostLimits)

    def __post_init__(self) -> None:
        if not self.ports:
            raise LbcheckError("a server that listens on no port")

    @cached_property
    def family(self) -> Family:
        """The IP version of its address."""
        return family(self.address) if self.address else 4
