"""What lbcheck understood of an inventory, and what it did not."""

from collections.abc import Iterator

from lbcheck.model import schemes
from lbcheck.model.question import Topology
from lbcheck.plain import plain


def render(topology: Topology) -> str:
    """Return the topology as text, a line a thing."""
    return "\n".join(map(plain, _lines(topology))) + "\n"


def _lines(topology: Topology) -> Iterator[str]:
    product = schemes.product_at(uri for balancer in topology.balancers for uri in balancer.stats).name
    yield f"a lab: {'yes, no limit on the rate' if topology.lab else 'no, probes go gently'}"
    for title, hosts in (
        ("DNS server", topology.dns_servers),
        ("resolver", topology.resolvers),
        ("client", topology.clients),
    ):
        yield from (f"{title} {host.name}: {', '.join(host.addresses) or 'no address'}" for host in hosts)
    for balancer in topology.balancers:
        vips = ", ".join(vip.address for vip in topology.vips if vip.home == balancer.name) or "none"
        stats = ", ".join(balancer.stats) or "no statistics (set lbcheck_stats)"
        yield f"balancer {balancer.name}: VIPs {vips}; {stats}"
    yield from (f"VIP {vip.address}: shared by the balancers" for vip in topology.vips if not vip.home)
    for backend in topology.backends:
        servers = ", ".join(f"{name} (weight {weight})" for name, weight in backend.weights.items())
        yield f"backend {backend.name}: {backend.algorithm or f'algorithm as {product} says'}: {servers}"
    for frontend in topology.frontends:
        addresses = ", ".join(frontend.addresses) or "each address that its name has"
        yield f"frontend {frontend.name}: {frontend.url} at {addresses} → backend {frontend.backend}"
    for name in topology.names:
        yield f"name {name.name}: {', '.join(name.addresses) or 'whatever it gives'}"
    for nat in topology.nat_gateways:
        yield f"NAT gateway {nat.name}: {', '.join(nat.addresses)}, ports {nat.ports}"
    yield f"answers name their server by {topology.identify}" + (
        f", their balancer by {topology.identify_balancer}" if topology.identify_balancer else ""
    )
    yield from (f"note: {note}" for note in topology.notes)
