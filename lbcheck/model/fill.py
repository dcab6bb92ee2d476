"""Opening connections and holding them: the step, and its result."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint, PortRange, family
from lbcheck.model.opening import BindingMode
from lbcheck.model.step import Failure, Sample, Step, paced_s

# Where connections may be held without asking: loopback, and ranges that no one else can have
# (RFC 2544, RFC 6598, RFC 5180). Anywhere else it could be an attack on somebody's server.
HARMLESS = ("127.0.0.0/8", "::1/128", "198.18.0.0/15", "100.64.0.0/10", "2001:2::/48")
MOST_PORTS = 64_512  # of one source: 1024 to 65535
# Attempts under way at once. A listener that takes its connections one by one has a backlog of 511 (nginx) or more; two
# worker processes together stay below that.
AT_ONCE = 250
SLOWEST = 300  # connections a second, where the kernel chooses ports and few are left


class StopKind(StrEnum):
    """How a connection was refused or ended; refusals by the kernel have their names of errno(3)."""

    NO_PORT = "EADDRNOTAVAIL"  # connect: no port, or no tuple, is left from this source to this endpoint
    IN_USE = "EADDRINUSE"  # bind: the source's port is taken
    NO_SOURCE = "no-such-source"  # bind: this machine does not have the address
    SILENCE = "silence"  # no answer until the deadline: dropped by a NAT, a firewall or a full queue
    RESET = "reset"  # answered, then ended by RST
    REFUSED = "refused"  # the host answers, and no program listens
    CLOSED = "closed"  # established, and closed by the other side while it was held
    UNREACHABLE = "unreachable"
    DESCRIPTORS = "EMFILE"  # of this process
    FILES = "ENFILE"  # of the whole machine
    BUFFERS = "ENOBUFS"  # or ENOMEM: the kernel's memory for sockets
    DENIED = "denied"  # a firewall on this machine, or a port that needs privileges
    LOW_MEMORY = "low-memory"  # lbcheck stops before the machine runs out of memory
    KILLED = "killed"  # a worker process was killed, its connections are gone
    INTERRUPTED = "interrupted"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class Fill(Step):
    """Open connections from every source and port to every endpoint of its family, and hold them.

    `timeout_s`: seconds after which a connection without an answer counts as silence.
    """

    SAID_AGAIN = ("at", "binding", "label")

    endpoints: tuple[Endpoint, ...]
    sources: tuple[str, ...] = ()  # empty: the address that the route to the endpoint picks
    ports: PortRange | None = None  # of the explicit modes; None: the host's ephemeral range
    binding: BindingMode = BindingMode.EXPLICIT
    limit: int | None = None  # attempts; None: all that the sources, ports and endpoints give
    hold_s: float = 0.0
    after_s: float = 0.0  # before it begins: meanwhile others begin to count
    at_once: int = AT_ONCE  # attempts of one worker process
    rate: float = 0.0  # connections a second; 0: no limit
    reset: bool = True  # release by RST, which leaves no TIME_WAIT; not needed if our own listener closes first
    allow: tuple[str, ...] = ()  # networks in addition to HARMLESS
    label: str = ""  # what it is for; its sample has the same

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise LbcheckError("nothing to connect to: give at least one ADDR:PORT")
        for endpoint in self.endpoints:
            self._check_endpoint(endpoint)
        families = {family(endpoint.address) for endpoint in self.endpoints}
        for source in self.sources:
            if family(source) not in families:
                raise LbcheckError(f"source {source} is IPv{family(source)}, and no endpoint is")
        given = {family(source) for source in self.sources} or families
        if families - given:
            raise LbcheckError(f"there are endpoints of IPv{min(families - given)} and no source of it")
        if self.binding is BindingMode.NONE and self.sources:
            raise LbcheckError("without a bind the route picks the source address: --bind none takes no --source")
        if self.ports and not explicit(self.binding):
            raise LbcheckError(f"--bind {self.binding} leaves the port to the kernel: it takes no --ports")

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes where every connection opens in time."""
        ports = len(self.ports) if self.ports else MOST_PORTS
        attempts = self.limit or (len(self.sources) or 1) * len(self.endpoints) * ports
        return self.after_s + paced_s(attempts, self.rate, 1 / SLOWEST) + self.timeout_s + self.hold_s

    def lost(self, failure: Failure) -> "Filled":
        """Return the sample of this step when it has no result at all."""
        return Filled(at=self.at, failure=failure, binding=self.binding, label=self.label)

    def _check_endpoint(self, endpoint: Endpoint) -> None:
        if not endpoint.port:
            raise LbcheckError(f"{endpoint.address} has no port to connect to; write ADDR:PORT, IPv6 in brackets")
        address, allowed = ipaddress.ip_address(endpoint.address), [network(text) for text in self.allow]
        if not harmless(endpoint.address) and not any(address in known for known in allowed):
            raise LbcheckError(
                f"{endpoint} is neither on loopback nor in the lab's ranges ({', '.join(HARMLESS[2:])}); if it is "
                "yours to fill, --allow-target CIDR says so"
            )


@dataclass(frozen=True, kw_only=True)
class Filled(Sample):
    """What one Fill step held. `seconds` is the opening alone. Verdicts use the kernel's count, `held`."""

    binding: BindingMode
    label: str = ""
    sources: int = 0
    endpoints: int = 0
    ports: int = 0  # of each source, as planned
    planned: int = 0  # attempts
    attempted: int = 0
    opened: int = 0  # by the workers' own count
    held: int | None = None  # by the kernel's count after the opening, less those that existed before
    held_after: int | None = None  # the same at the end of the hold
    by_endpoint: Mapping[str, int] = field(default_factory=dict)  # Endpoint as text → held
    by_endpoint_after: Mapping[str, int] = field(default_factory=dict)  # the same at the end of the hold
    before: int = 0  # connections to the endpoints that existed on this host before
    stops: Mapping[str, int] = field(default_factory=dict)  # StopKind → attempts
    taken: tuple[str, ...] = ()  # who had ports of the range that the kernel refused: a few sockets, in words
    workers: int = 0
    count_s: float = 0.0
    release_s: float = 0.0
    time_wait: int = 0  # sockets left in TIME_WAIT
    slab_bytes: int = 0  # growth of the kernel's slab memory, on the whole machine

    @property
    def stopped_by(self) -> StopKind | None:
        """The most frequent refusal; None: every planned connection was opened."""
        return StopKind(max(self.stops, key=lambda kind: self.stops[kind])) if self.stops else None


def explicit(binding: BindingMode) -> bool:
    """Return whether the program, not the kernel, picks the port."""
    return binding in (BindingMode.EXPLICIT, BindingMode.EXPLICIT_EXCLUSIVE)


def harmless(address: str) -> bool:
    """Return whether connections to an address may be held without the user's permission."""
    return any(ipaddress.ip_address(address) in network(text) for text in HARMLESS)


def network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Read a CIDR."""
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise LbcheckError(f"'{text}' is no network: {error}; write it like 192.0.2.0/24") from None
