"""How long `lbcheck capacity` takes once Ansible has read an inventory: under 2 s for 10,000 hosts, and linear.

    python -m bench.capacity_10000

No peer: seconds, and microseconds a host, which must not grow with the number of hosts.
"""

import sys
import time
from typing import Any

from bench.table import print_table
from lbcheck import pipeline
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.exhibit import Style
from lbcheck.reporters import FORMATS

SIZES = (2_500, 5_000, 10_000)
MOST_S = 2.0  # for the largest
MOST_GROWTH = 1.5  # of the time a host takes, from the smallest to the largest; quadratic would be 4
ROUNDS = 3


def listing(hosts: int) -> dict[str, Any]:
    """Return an inventory's listing: 1 % balancers, half servers, a NAT with a quarter as subscribers, clients."""
    shared: dict[str, Any] = {
        "cluster_frontends": [{"name": "www", "url": "http://www.test/", "backend": "web"}],
        "cluster_backends": [{"name": "web", "group": "backends", "port": 8080, "algorithm": "roundrobin"}],
    }
    parts = {"load_balancers": hosts // 100, "backends": hosts // 2, "nat_gateways": 1, "subscribers": hosts // 4}
    parts["clients"] = hosts - sum(parts.values())
    found: dict[str, dict[str, Any]] = {}
    groups: dict[str, Any] = {}
    for network, (group, count) in enumerate(parts.items()):
        names = [f"{group}{number}" for number in range(count)]
        groups[group] = {"hosts": names}
        for number, name in enumerate(names):
            address = f"10.{network}.{number // 250}.{number % 250 + 1}"
            inside = {"inside": [address]} if group == "subscribers" else {"public": [address]}
            found[name] = shared | {"cluster_addresses": inside}
            if group == "load_balancers":
                found[name]["cluster_vips"] = [f"203.0.{number // 250}.{number % 250 + 1}"]
    pool = {"addresses": ["192.0.2.1", "192.0.2.2"], "ports": "40000-59999"}
    found["nat_gateways0"] |= {"cluster_nat": pool}
    found["nat_gateways0"]["cluster_addresses"] = {"public": ["192.0.2.9"], "inside": ["10.9.0.1"]}
    groups["clients"]["children"] = ["subscribers"]
    return groups | {"_meta": {"hostvars": found}}


def measure(hosts: int) -> float:
    """Return the seconds from a listing to both reports, the best of a few."""
    given, best = listing(hosts), float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        cluster = with_capacity(understand(given, "bench").cluster, InventoryReader(given, "bench"))
        report = pipeline.predict(cluster, {})
        shown = pipeline.shown(report)
        for render in FORMATS.values():
            render(shown, Style())
        best = min(best, time.perf_counter() - started)
    return best


def main() -> int:
    """Measure each size; return 0 where the largest is fast enough and the time grows with the hosts alone."""
    times = {hosts: measure(hosts) for hosts in SIZES}
    rows = [{"hosts": n, "seconds": seconds, "µs a host": seconds / n * 1e6} for n, seconds in times.items()]
    print_table(f"`lbcheck capacity` after Ansible has read the inventory (target: {MOST_S:g} s, linear)", rows)
    small, large = (times[n] / n for n in (SIZES[0], SIZES[-1]))
    return int(times[SIZES[-1]] > MOST_S or large > MOST_GROWTH * small)


if __name__ == "__main__":
    sys.exit(main())
