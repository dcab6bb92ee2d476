"""What lbcheck is told of a simulated fleet, and by whom: the question of a run, and its options."""

from dataclasses import dataclass, replace

from bench.verdicts.fleet import BACKEND, named
from lbcheck.loaders.command_line import of_url
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, Frontend, Server, Vip
from lbcheck.model.question import Question

URL = "http://www.example.test/"
VIPS = {"lb1": "198.18.0.101", "lb2": "198.18.0.102"}
CLIENT = "client1"


@dataclass(frozen=True)
class Knowledge:
    """What is told. `what`: in words. `weights`, `algorithm`, `number` (of servers): by the user.

    `counters`: those of each balancer are read. `open`: they tell the algorithm, too. `inventory`: two balancers, each
    with an address of its own and its name in answers. `from_hosts`: requests come from another host, so that each
    round costs seconds. `lab`: and they cost nothing.
    """

    what: str
    weights: bool = False
    algorithm: bool = False
    number: bool = False
    counters: bool = False
    open: bool = False
    inventory: bool = False
    from_hosts: bool = False
    lab: bool = False

    @property
    def accuses(self) -> bool:
        """Whether shares that are off are a fault: somebody told the algorithm, or the user the weights."""
        return self.weights or self.number or self.algorithm or self.open

    @property
    def balancers(self) -> tuple[str, ...]:
        """The names of the balancers."""
        return tuple(VIPS) if self.inventory else (self._stats("lb"),)

    @property
    def homes(self) -> dict[str, str]:
        """Address → the balancer that answers there."""
        return {address: name for name, address in VIPS.items()} if self.inventory else {}

    def question(self, weights: tuple[int, ...], product: str, algorithm: str) -> Question:
        """Return the question about a fleet with these weights, as they should be."""
        servers = dict(zip(named(len(weights)), weights, strict=True))
        asked = Asked(servers=len(weights) if self.number else 0, product=product if self.algorithm else "")
        told = algorithm if self.algorithm else ""
        if self.inventory:
            return self._of_inventory(servers, told, asked)
        return of_url(
            URL,
            stats=self.balancers if self.counters else (),
            weights=servers if self.weights else None,
            backend=BACKEND,
            algorithm=told,
            asked=asked,
        )

    def _of_inventory(self, servers: dict[str, int], algorithm: str, asked: Asked) -> Question:
        listed = tuple(Server(name, weight, log="/log" if self.lab else "") for name, weight in servers.items())
        cluster = Cluster(
            balancers=tuple(Balancer(name, stats=(self._stats(name),) if self.counters else ()) for name in VIPS),
            backends=(Backend(BACKEND, algorithm, listed),),
            frontends=(Frontend("www", URL, BACKEND, tuple(VIPS.values())),),
            vips=tuple(Vip(address, name) for name, address in VIPS.items()),
            clients=(Client(CLIENT),) if self.from_hosts else (),
        )
        reachable = (CLIENT, *VIPS, *servers) if self.from_hosts else ()
        return Question(cluster, self.lab, identify_balancer="header:x-balancer", reachable=reachable, asked=asked)

    @staticmethod
    def _stats(name: str) -> str:
        return f"tcp://{name}.example.test:9999"


_HOSTS = Knowledge(
    "an inventory tells all, and a client of it sends",
    weights=True,
    algorithm=True,
    counters=True,
    open=True,
    inventory=True,
    from_hosts=True,
)

KNOWLEDGE = {
    "nothing": Knowledge("nobody tells anything"),
    "number": Knowledge("the user tells how many servers there are", number=True),
    "weights": Knowledge("the user tells the weights", weights=True),
    "algorithm": Knowledge("the user tells weights, algorithm and product", weights=True, algorithm=True),
    "hidden": Knowledge("counters tell the weights and hide the algorithm", counters=True),
    "counters": Knowledge("counters tell weights and algorithm", counters=True, open=True),
    "inventory": Knowledge(
        "an inventory with two balancers tells all but counters", weights=True, algorithm=True, inventory=True
    ),
    "hosts": _HOSTS,
    "lab": replace(_HOSTS, what="a lab's inventory tells all, and servers' logs are read", lab=True),
}
