"""How far the parts that servers own of HAProxy's hash ring are off their weights: what analysis/laws/ring.py rests on.

    python -m bench.rings [RINGS]

A ring is given by its servers' ids and weights. Each row has that many rings of equal servers, with other ids each. The
unit is the law's: share times the root of (1 - share) / weight. No peer: a table of facts.
"""

import statistics
import sys
from collections import Counter

from bench.table import print_table
from bench.verdicts.laws.haproxy_ring import RING, ring

SERVERS, WEIGHTS = (2, 3, 4, 10, 20), (1, 10, 100)


def parts(weights: tuple[int, ...], first: int) -> list[float]:
    """Return the part of the ring that each server owns: the places that are nearest to one of its points."""
    keys, owners = ring(weights, first)
    owned: Counter[int] = Counter()
    for place, (key, owner) in enumerate(zip(keys, owners, strict=True)):
        before, after = keys[place - 1], keys[(place + 1) % len(keys)]
        owned[owner] += (key - before) % RING + (after - key) % RING
    return [owned[server] / (2 * RING) for server in range(len(weights))]


def row(servers: int, weight: int, rings: int) -> dict[str, float]:
    """Return how far the parts of `rings` rings are off, in the law's unit."""
    share = 1 / servers
    unit = share * ((1 - share) / weight) ** 0.5
    off = [(part - share) / unit for n in range(rings) for part in parts((weight,) * servers, 1 + n * servers)]
    return {
        "servers": servers,
        "weight": weight,
        "parts": len(off),
        "standard deviation": statistics.pstdev(off),
        "farthest": max(map(abs, off)),
    }


def main(arguments: list[str]) -> int:
    """Print the table."""
    rings = int(arguments[0]) if arguments else 40
    rows = [row(servers, weight, rings) for weight in WEIGHTS for servers in SERVERS]
    print_table(
        "HAProxy's ring: how far a server's part is off its share, in units of share x root((1 - share) / weight)", rows
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
