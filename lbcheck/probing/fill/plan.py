"""What a fill opens, in order, and how it is dealt out to worker processes: pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lbcheck.model.address import Endpoint, PortRange, family
from lbcheck.model.fill import AT_ONCE, Fill, explicit

# Fewer attempts than this are over before a second process has started (2 to 5 ms, at 30,000 a second or more).
WORTH_A_PROCESS = 2_000
MOST_PORTIONS = 16_000  # their numbers, four bytes each, fit into a pipe
SPARE_DESCRIPTORS = 64  # of a worker, for what is not a connection: standard streams, its channel, Python's own


@dataclass(frozen=True)
class FillBlock:
    """Attempts from one source to one endpoint: port after port, or `count` times one of the kernel's choice."""

    source: str  # empty: the route picks
    endpoint: Endpoint
    low: int  # 0: the kernel picks
    count: int

    @property
    def ports(self) -> Sequence[int]:
        """The port of each attempt, 0 where the kernel picks."""
        return range(self.low, self.low + self.count) if self.low else (0,) * self.count

    def part(self, start: int, end: int) -> "FillBlock":
        """Return the attempts from `start` to before `end`."""
        return FillBlock(self.source, self.endpoint, self.low and self.low + start, end - start)


def blocks(fill: Fill, ephemeral: PortRange, routed: dict[Endpoint, str]) -> list[FillBlock]:
    """Return every attempt, source by source. `routed` is the source that the route picks, for each endpoint.

    Where the kernel picks the port, there is one attempt more than it has ports: to see it refuse.
    """
    ports = fill.ports or ephemeral
    found, left = [], fill.limit
    for source, endpoint in _pairs(fill, routed):
        whole = FillBlock(source, endpoint, ports.low, len(ports)) if explicit(fill.binding) else None
        block = whole or FillBlock(source, endpoint, 0, len(ephemeral) + 1)
        if left is not None:
            block = block.part(0, min(block.count, left))
            left -= block.count
        if block.count:
            found.append(block)
    return found


def _pairs(fill: Fill, routed: dict[Endpoint, str]) -> Iterator[tuple[str, Endpoint]]:
    if not fill.sources:
        yield from ((routed.get(endpoint, ""), endpoint) for endpoint in fill.endpoints)
    for source in fill.sources:
        yield from ((source, end) for end in fill.endpoints if family(end.address) == family(source))


def workers(attempts: int, descriptors: int, processors: int, at_once: int = AT_ONCE) -> int:
    """Return how many processes hold so many connections: as descriptors ask for, every processor busy."""
    if attempts <= min(WORTH_A_PROCESS, descriptors):
        return 1
    size = -(-attempts // portions(attempts, descriptors, at_once))
    # Whole portions. Where not even one fits, there are more processes than any machine has, and that is said.
    quota = descriptors // size * size or descriptors
    needed = max(-(-attempts // quota), min(processors, attempts // WORTH_A_PROCESS))
    # A multiple of the processors: they run so many at once, and a last one alone would leave the others idle.
    return -(-needed // processors) * processors


def portions(attempts: int, descriptors: int, at_once: int = AT_ONCE) -> int:
    """Return in how many portions attempts are dealt out: small ones, each no more than a process can hold."""
    return min(max(1, -(-attempts // min(at_once, descriptors))), MOST_PORTIONS)


def deal(plan: Sequence[FillBlock], count: int) -> list[list[FillBlock]]:
    """Return the plan in `count` portions, in order, equal to within one attempt."""
    total = sum(block.count for block in plan)
    edges = [total * number // count for number in range(count + 1)]
    dealt: list[list[FillBlock]] = [[] for _ in range(count)]
    begin, number = 0, 0
    for block in plan:
        end = begin + block.count
        while begin < end:
            while edges[number + 1] <= begin:
                number += 1
            until, first = min(end, edges[number + 1]), end - block.count
            dealt[number].append(block.part(begin - first, until - first))
            begin = until
    return dealt
