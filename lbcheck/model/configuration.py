"""Reading a balancer's configuration, in terms that fit every product. What a file does not say is None or empty.

Texts stand as they were written, also where they hold a variable of the environment, which only the balancer's own
process knows.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class ReadConfiguration(Step):
    """Read the files with which a balancer is started, in this order; of a directory its `*.cfg`, by name."""

    SAID_AGAIN = ("at", "balancer", "paths")

    balancer: str
    paths: tuple[str, ...]

    def lost(self, failure: Failure) -> "Configured":
        """Return the sample of this step when it has no result at all."""
        return Configured(at=self.at, failure=failure, balancer=self.balancer, paths=self.paths)


@dataclass(frozen=True, kw_only=True)
class ConfiguredServer:
    """One server of a backend; what its backend or the defaults say of every server is said here again."""

    name: str
    address: str = ""  # HOST:PORT, an IPv6 address in brackets; a name or another kind of address as it was written
    weight: int | None = 1  # None: from the environment
    backup: bool = False  # it gets requests only while no other server serves
    disabled: bool = False  # in maintenance from the start
    session_limit: int | None = None  # at once, beyond which requests wait in a queue; None: no limit
    slow_start_s: float = 0.0  # seconds until it has its whole weight again after it was down
    cookie: str = ""  # the value that brings a client back to it
    checked: bool = False  # by health checks
    agent: bool = False  # a program of its own may set weight and state
    where: str = ""  # FILE:LINE


@dataclass(frozen=True, kw_only=True)
class ConfiguredBackend:
    """Servers that share requests, and how a server is chosen."""

    name: str
    mode: str = ""  # http: a server is chosen for a request; tcp: for a connection
    algorithm: str | None = None  # as the product calls it; None: the file names none, and the version decides
    arguments: tuple[str, ...] = ()  # what follows the algorithm's name: the key of a hash, for instance
    hash_type: tuple[str, ...] = ()  # how a hash picks a server, in the product's words
    hash_balance_factor: int | None = None  # per cent of the average load beyond which a hash passes a server by
    all_backups: bool = False  # every backup serves once no other server does, and not the first of them alone
    redispatch: bool = False  # a request goes to another server where the chosen one cannot be reached
    retries: int | None = None  # further attempts to connect; None: from the environment
    cookie: str = ""  # that brings a client back to its server
    sticks: tuple[str, ...] = ()  # each rule by which a client keeps its server (`on src`), in the product's words
    server_rules: tuple[str, ...] = ()  # each rule that names a server (`web1 if …`): it passes the algorithm by
    servers: tuple[ConfiguredServer, ...] = ()
    conditional: bool = False  # some of it stands under a condition that was not evaluated; every branch was read
    where: str = ""  # FILE:LINE

    @property
    def persistent(self) -> bool:
        """Whether returning clients keep their server, or a rule names it: the algorithm does not choose for all."""
        return bool(self.cookie or self.sticks or self.server_rules)

    @property
    def weights(self) -> Mapping[str, int | None]:
        """Server → weight, in the order of the file."""
        return {server.name: server.weight for server in self.servers}


@dataclass(frozen=True, kw_only=True)
class ConfiguredFrontend:
    """Where requests arrive, and the backends that they may go to."""

    name: str
    mode: str = ""
    addresses: tuple[str, ...] = ()  # HOST:PORT; a host that is empty or `*` is every address of the machine
    default_backend: str = ""
    backends: tuple[str, ...] = ()  # that rules choose; a name may be an expression
    conditional: bool = False
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class Configured(Sample):
    """What the files of one balancer say. `notes`: sentences, with file and line, on what was not understood."""

    balancer: str
    paths: tuple[str, ...]
    product: str = ""
    threads: int | None = None
    thread_groups: int | None = None
    frontends: tuple[ConfiguredFrontend, ...] = ()
    backends: tuple[ConfiguredBackend, ...] = ()
    notes: tuple[str, ...] = ()
