"""What was written of each thing's capacity → the record beside it, whether a model file or an inventory says it.

What nobody says is assumed, and every assumption is a sentence of the cluster: limits that are not known are no limits.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lbcheck.loaders.fields import Fields
from lbcheck.model.capacity import BalancerCapacity, ClientCapacity, FrontendCapacity, ServerCapacity
from lbcheck.model.cluster import Cluster
from lbcheck.model.opening import LINUX_EPHEMERAL_PORTS, BindingMode, HostLimits, Opening

LIMITS = (
    "maxconn",
    "file_descriptors",
    "conntrack_max",
    "memory_bytes",
    "worker_connections",
)
ASSUMED = {
    "ports": f"Linux's own range of source ports, {LINUX_EPHEMERAL_PORTS} ({len(LINUX_EPHEMERAL_PORTS):,})",
    "binding": "sockets are not bound before they connect (binding: none)",
    "tw_reuse": "no tcp_tw_reuse",
    "redispatch": "no option redispatch",
    "closes_first": "the side that connects closes first, and keeps TIME_WAIT",
    "listens": "port 80",
}


class Figures:
    """Reads what is said of each thing's capacity, its last fields, and counts what nobody says."""

    def __init__(self) -> None:
        self._silent: dict[tuple[str, str], int] = {}  # field, kind of thing → how many do not say it
        self._by_role: Counter[tuple[str, int, str]] = Counter()  # field, value, kind of thing → how many have it so
        # Hosts alike share one record: the arithmetic tells them apart by it.
        self._openings: dict[Opening, Opening] = {}
        self._clients: dict[ClientCapacity, ClientCapacity] = {}

    def of_client(self, fields: Fields) -> ClientCapacity:
        """Return how a client opens connections, and how many."""
        opening = self._opening(fields)
        capacity = ClientCapacity(opening, fields.number("connections"), fields.share("ipv6_share"))
        self._end("clients", fields)
        return self._clients.setdefault(capacity, capacity)

    def of_balancer(self, fields: Fields) -> BalancerCapacity:
        """Return a balancer's limits, and how it opens connections to the servers."""
        sources = fields.addresses("sources")
        # A source has to be named on the server line, and HAProxy then binds to it with IP_BIND_ADDRESS_NO_PORT.
        opening = self._opening(fields, BindingMode.NO_PORT if sources else BindingMode.NONE)
        if sources and "binding" in fields.silent:
            fields.silent.remove("binding")
        capacity = BalancerCapacity(sources, opening, fields.number("maxconn"), _limits(fields))
        self._end("balancers", fields)
        return capacity

    def of_role(self, kind: str, unsaid: Mapping[str, int]) -> None:
        """Take note of what nobody says of a thing, and what a role's default is."""
        self._by_role.update((field, value, kind) for field, value in unsaid.items())

    def of_server(self, fields: Fields) -> ServerCapacity:
        """Return a server's endpoints and limits."""
        addresses = fields.addresses("address")
        capacity = ServerCapacity(
            addresses[0] if addresses else "",
            fields.port_list("ports", (80,)),
            fields.number("maxconn"),
            fields.number("worker_processes", 1),
            fields.number("worker_connections", 1),
            fields.number("queue"),
            _limits(fields),
        )
        # A server's ports are those that it listens on, not those that it connects from.
        fields.silent = ["listens" if name == "ports" else name for name in fields.silent]
        self._end("servers", fields)
        return capacity

    def redispatch(self, fields: Fields) -> bool:
        """Return whether a backend's servers take what a full one refuses."""
        redispatch = fields.flag("redispatch")
        self._end("backends", fields)
        return redispatch

    def assumed(self, cluster: Cluster) -> Iterator[str]:
        """Give a sentence for each assumption, and one for all limits that are not known."""
        for who, silent in self._by_who(ASSUMED).items():
            yield f"assumed for {who}: {'; '.join(ASSUMED[name] for name in silent)}"
        for (field, value, kind), n in self._by_role.items():
            who = kind if n > 1 else kind.removesuffix("s")
            yield f"assumed for {n:,} {who}: {field} {value:,}, the role's default"
        unknown = [f"{', '.join(silent)} of {who}" for who, silent in self._by_who(LIMITS).items()]
        if unknown:
            yield f"not known, so no limit: {'; '.join(unknown)}"
        if not cluster.clients:
            yield "no clients are known: what the world can open is no limit"

    def _opening(self, fields: Fields, binding: BindingMode = BindingMode.NONE) -> Opening:
        opening = Opening(
            fields.ports("ports", LINUX_EPHEMERAL_PORTS),
            fields.port_ranges("reserved_ports"),
            fields.port_list("listening_ports"),
            fields.choice("binding", binding),
            fields.flag("tw_reuse"),
            fields.flag("closes_first", True),
        )
        return self._openings.setdefault(opening, opening)

    def _end(self, kind: str, fields: Fields) -> None:
        """Refuse what nobody knows, and take note of what this thing does not say."""
        fields.finish()
        for name in fields.silent:
            self._silent[name, kind] = self._silent.get((name, kind), 0) + 1

    def _by_who(self, names: Iterable[str]) -> Mapping[str, Sequence[str]]:
        """Return whose fields are silent, as words, and which."""
        found: dict[str, list[str]] = {}
        for name in names:
            counts = {kind: n for (field, kind), n in self._silent.items() if field == name}
            who = " and ".join(f"{n:,} {kind if n > 1 else kind.removesuffix('s')}" for kind, n in counts.items())
            if who:
                found.setdefault(who, []).append(name)
        return found


def _limits(fields: Fields) -> HostLimits:
    return HostLimits(fields.number("file_descriptors"), fields.number("conntrack_max"), fields.number("memory_bytes"))


def of_frontend(fields: Fields) -> FrontendCapacity:
    """Return a frontend's ports and limit."""
    capacity = FrontendCapacity(fields.port_list("ports", (80,)), fields.number("maxconn"), fields.text("mode", "http"))
    fields.finish()
    return capacity
