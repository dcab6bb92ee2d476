"""The situations by name: how the fleet is built, what lbcheck is told of it, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bench.verdicts.faults import FAULTS, HEALTHY, Fault
from bench.verdicts.fleet import Design
from bench.verdicts.knowledge import KNOWLEDGE, Knowledge
from bench.verdicts.laws import Law, blocks, deadlines, draws, haproxy_least, haproxy_map, haproxy_ring, keeping, smooth
from bench.verdicts.laws.haproxy_wheel import roundrobin
from lbcheck.model.plan import Options
from lbcheck.model.question import Question

SEED = 20_250_111  # of every situation; each run has a stream of its own, of this, its situation's name and its number
RUNS_NAMED, RUNS = 100_000, 10_000


@dataclass(frozen=True)
class Algorithm:
    """A law, and what its product calls it. `keyed`, `idle`: as in a fleet's design."""

    law: Law
    product: str
    name: str
    keyed: bool = False
    idle: bool = False


ALGORITHMS: Mapping[str, Algorithm] = {
    "haproxy-roundrobin": Algorithm(roundrobin, "HAProxy", "roundrobin"),
    "haproxy-static-rr": Algorithm(haproxy_map.static_rr, "HAProxy", "static-rr"),
    "haproxy-random": Algorithm(haproxy_ring.drawn_on_ring, "HAProxy", "random", idle=True),
    "haproxy-leastconn": Algorithm(haproxy_least.leastconn, "HAProxy", "leastconn"),
    "haproxy-source": Algorithm(keeping.one_key, "HAProxy", "source", keyed=True),
    "haproxy-first": Algorithm(keeping.first, "HAProxy", "first"),
    "nginx-smooth": Algorithm(smooth.smooth, "nginx", "round_robin"),
    "nginx-random": Algorithm(draws.by_weight, "nginx", "random"),
    "envoy-random": Algorithm(draws.equally, "Envoy", "RANDOM"),
    "envoy-round-robin": Algorithm(deadlines.round_robin, "Envoy", "ROUND_ROBIN"),
    "traefik-p2c": Algorithm(draws.less_loaded_of_two, "Traefik", "p2c"),
    "caddy-blocks": Algorithm(blocks.blocks, "Caddy", "weighted_round_robin"),
}

FLEETS: Mapping[str, tuple[int, ...]] = {
    **{f"{servers}-equal": (1,) * servers for servers in (2, 3, 4, 5, 7, 10, 20, 50, 200)},
    "1:1:2": (1, 1, 2),
    "3:3:3:1": (3, 3, 3, 1),
    "3:3:2": (3, 3, 2),
    "8:8:7": (8, 8, 7),
    "3:256:256": (3, 256, 256),
    "one-heavy": (222, 8, 3, 4, 4, 3, 5, 2, 5, 3, 7, 5, 3, 8, 7, 2, 6, 6, 4),
}


@dataclass(frozen=True)
class Situation:
    """A fleet, and what lbcheck is told of it.

    `each`: a connection for each request, else connections are kept. `tcp`: the balancer chooses a server for each
    connection. `requests`: so many at once; 0: in rounds.
    `runs`: how many the table of error rates wants.
    """

    name: str
    algorithm: Algorithm
    weights: tuple[int, ...]
    knowledge: Knowledge
    fault: Fault = HEALTHY
    beside: float = 0.0
    workers: int = 1
    each: bool = False
    tcp: bool = False
    requests: int = 0
    runs: int = RUNS

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault == HEALTHY

    @property
    def what(self) -> str:
        """What it is, in words."""
        beside = f"{self.beside:g} other requests a gap" if self.beside else ""
        workers = f"{self.workers} workers, freshly started" if self.workers > 1 else ""
        each = "a connection for each request" if self.each else ""
        tcp = "mode tcp, connections are kept" if self.tcp else ""
        at_once = f"{self.requests:,} requests at once" if self.requests else ""
        parts = (self.knowledge.what, workers, each, tcp, at_once, beside, self.fault.what)
        return "; ".join(part for part in parts if part)

    @property
    def question(self) -> Question:
        """What the run is about."""
        return self.knowledge.question(self.weights, self.algorithm.product, self.algorithm.name)

    @property
    def options(self) -> Options:
        """The user's options."""
        return Options(
            requests=self.requests or None,
            keep_alive=False if self.each else None,
            token="run" if self.knowledge.lab else "",
        )

    @property
    def design(self) -> Design:
        """How the fleet is built."""
        return Design(
            self.algorithm.law,
            self.weights,
            self.fault,
            self.knowledge.balancers,
            self.knowledge.homes,
            self.workers,
            self.algorithm.keyed,
            idle=self.algorithm.idle,
            beside=self.beside,
            tcp=self.tcp,
            product=self.algorithm.product,
            algorithm=self.algorithm.name if self.knowledge.open else "",
        )


def _situation(algorithm: str, fleet: str, knows: str, fault: str = "", **more: object) -> Situation:
    words = {"beside": "beside-{}", "workers": "{}-workers", "each": "each", "tcp": "tcp", "requests": "{}-requests"}
    parts = [algorithm, fleet, knows, *(words[key].format(value) for key, value in more.items()), fault]
    found = Situation(
        "-".join(part for part in parts if part),
        ALGORITHMS[algorithm],
        FLEETS[fleet],
        KNOWLEDGE[knows],
        FAULTS[fault] if fault else HEALTHY,
    )
    return replace(found, **more)  # type: ignore[arg-type]


def _named() -> Iterator[Situation]:
    """Give the fifteen healthy situations that are run most often, each of at most 20 servers."""
    yield _situation("nginx-random", "3-equal", "weights")
    yield _situation("nginx-random", "10-equal", "weights")
    yield _situation("nginx-random", "1:1:2", "algorithm")
    yield _situation("nginx-random", "5-equal", "nothing")
    yield _situation("nginx-random", "3-equal", "inventory")
    yield _situation("haproxy-roundrobin", "3-equal", "counters")
    yield _situation("haproxy-roundrobin", "8:8:7", "counters", beside=0.1)
    yield _situation("haproxy-roundrobin", "1:1:2", "weights", beside=0.1)
    yield _situation("haproxy-roundrobin", "10-equal", "hidden", beside=0.02)
    yield _situation("haproxy-roundrobin", "one-heavy", "counters", beside=1.0)
    yield _situation("haproxy-random", "3-equal", "counters")
    yield _situation("haproxy-leastconn", "1:1:2", "counters", beside=0.1)
    yield _situation("haproxy-source", "3-equal", "hidden")
    yield _situation("nginx-smooth", "3-equal", "algorithm", workers=4, each=True)
    yield _situation("envoy-random", "1:1:2", "algorithm")


def _healthy() -> Iterator[Situation]:
    """Give further healthy situations."""
    yield from _healthy_draws()
    yield from _healthy_haproxy()
    for knows in ("weights", "nothing"):
        yield _situation("haproxy-roundrobin", "3-equal", knows, tcp=True)
        yield _situation("nginx-random", "3-equal", knows, tcp=True)
    yield _situation("haproxy-source", "3-equal", "nothing", tcp=True)
    for workers in (1, 16, 64):
        yield _situation("nginx-smooth", "10-equal", "algorithm", workers=workers, each=True)
        yield _situation("nginx-smooth", "3-equal", "weights", workers=workers, each=True)
    yield _situation("nginx-smooth", "10-equal", "weights", workers=64)
    yield _situation("nginx-smooth", "10-equal", "weights", workers=64, each=True)
    yield _situation("envoy-round-robin", "1:1:2", "algorithm", workers=4, each=True)
    yield _situation("envoy-round-robin", "3-equal", "algorithm", workers=16, each=True)
    yield _situation("traefik-p2c", "1:1:2", "algorithm")
    yield _situation("caddy-blocks", "1:1:2", "algorithm")
    yield _situation("caddy-blocks", "3:3:3:1", "weights")


def _healthy_draws() -> Iterator[Situation]:
    for fleet in ("2-equal", "5-equal", "7-equal", "20-equal", "200-equal", "3:3:3:1", "3:256:256"):
        yield _situation("nginx-random", fleet, "weights")
    for fleet in ("2-equal", "3-equal", "10-equal", "20-equal"):
        yield _situation("nginx-random", fleet, "nothing")
    yield _situation("nginx-random", "4-equal", "number")
    for knows in ("hosts", "lab"):
        yield _situation("nginx-random", "3-equal", knows)
        yield _situation("nginx-random", "1:1:2", knows)


def _healthy_haproxy() -> Iterator[Situation]:
    for fleet in ("10-equal", "200-equal", "1:1:2", "3:3:2", "3:256:256"):
        yield _situation("haproxy-roundrobin", fleet, "counters")
    for fleet in ("3-equal", "1:1:2", "8:8:7"):
        yield _situation("haproxy-roundrobin", fleet, "hidden")
        yield _situation("haproxy-roundrobin", fleet, "weights")
    yield _situation("haproxy-roundrobin", "3-equal", "hidden", beside=1.0)
    yield _situation("haproxy-roundrobin", "1:1:2", "nothing")
    for fleet in ("3-equal", "10-equal"):
        yield _situation("haproxy-roundrobin", fleet, "nothing")
    yield _situation("haproxy-roundrobin", "8:8:7", "counters", requests=20_000)
    yield _situation("nginx-random", "3-equal", "weights", requests=20_000)
    for knows in ("hosts", "lab"):
        yield _situation("haproxy-roundrobin", "1:1:2", knows, beside=0.1)
    yield _situation("haproxy-static-rr", "3:3:2", "counters", beside=0.1)
    for fleet in ("2-equal", "4-equal", "10-equal"):
        yield _situation("haproxy-random", fleet, "counters")
        yield _situation("haproxy-random", fleet, "counters", requests=20_000)
    for knows in ("hidden", "nothing"):
        yield _situation("haproxy-random", "3-equal", knows)
    yield _situation("haproxy-leastconn", "1:1:2", "hidden")
    yield _situation("haproxy-leastconn", "1:1:2", "lab")
    yield _situation("haproxy-source", "3-equal", "counters")
    yield _situation("haproxy-first", "3-equal", "counters")
    yield _situation("haproxy-first", "3-equal", "hidden")


def _faulty() -> Iterator[Situation]:
    for fault in FAULTS:
        if not fault.startswith(("one-balancer", "dead")):
            yield _situation("nginx-random", "3-equal", "weights", fault)
            if fault != "strange-name":  # is matched by its counts, and no fault
                yield _situation("haproxy-roundrobin", "3-equal", "counters", fault)
    for fleet in ("2-equal", "10-equal", "1:1:2", "3:3:3:1"):
        for fault in ("halved", "doubled", "last-halved", "half-halved", "starved", "another-name"):
            yield _situation("nginx-random", fleet, "weights", fault)
    yield _situation("nginx-random", "3:256:256", "weights", "halved")
    yield _situation("nginx-random", "200-equal", "weights", "halved")
    for fault in ("halved", "doubled", "third-halved"):
        yield _situation("nginx-random", "3-equal", "nothing", fault)
        yield _situation("haproxy-roundrobin", "3-equal", "hidden", fault, beside=0.1)
        yield _situation("haproxy-roundrobin", "8:8:7", "counters", fault, beside=0.1)
        yield _situation("nginx-smooth", "3-equal", "algorithm", fault, workers=4, each=True)
    yield _situation("nginx-random", "3-equal", "number", "starved")
    for fault in ("halved", "doubled", "starved"):
        yield _situation("nginx-random", "3-equal", "weights", fault, each=True)
        yield _situation("nginx-random", "10-equal", "weights", fault, each=True)
        yield _situation("nginx-random", "3-equal", "weights", fault, tcp=True)
        yield _situation("haproxy-roundrobin", "3-equal", "weights", fault, tcp=True)
    yield _situation("nginx-random", "3-equal", "weights", "dead-after-60")
    yield _situation("nginx-random", "10-equal", "weights", "dead-after-150")
    yield _situation("nginx-random", "10-equal", "nothing", "dead-after-150")
    yield _situation("haproxy-roundrobin", "3-equal", "counters", "dead-after-12")
    yield _situation("haproxy-roundrobin", "3-equal", "nothing", "dead-after-12")
    yield from _one_balancer_wrong()


def _one_balancer_wrong() -> Iterator[Situation]:
    for fault in ("one-balancer-halved", "one-balancer-doubled"):
        for knows in ("inventory", "hosts", "lab"):
            yield _situation("nginx-random", "3-equal", knows, fault)
        yield _situation("haproxy-roundrobin", "1:1:2", "hosts", fault, beside=0.1)


NAMED = {situation.name: replace(situation, runs=RUNS_NAMED) for situation in _named()}
SITUATIONS: Mapping[str, Situation] = {
    **NAMED,
    **{situation.name: situation for situation in (*_healthy(), *_faulty()) if situation.name not in NAMED},
}
