"""A URL or a name on the command line → Topology."""

from collections.abc import Mapping, Sequence

from lbcheck.model.topology import Backend, Balancer, DnsName, Frontend, Host, Server, Topology


def of_url(
    url: str,
    *,
    stats: Sequence[str] = (),
    weights: Mapping[str, int] | None = None,
    algorithm: str = "",
    addresses: Sequence[str] = (),
    identify: str = "header:x-served-by",
    identify_balancer: str = "",
    lab: bool = False,
) -> Topology:
    """Return the Topology of one URL on the command line: one frontend, one backend, a balancer for each statistics."""
    servers = tuple(Server(name, weight) for name, weight in (weights or {}).items())
    return Topology(
        lab=lab,
        frontends=(Frontend(url, url, "servers", tuple(addresses)),),
        backends=(Backend("servers", algorithm, servers),),
        balancers=tuple(Balancer(uri, stats=(uri,)) for uri in stats),
        identify=identify,
        identify_balancer=identify_balancer,
    )


def of_name(name: str, *, servers: Mapping[str, tuple[str, ...]] | None = None, lab: bool = False) -> Topology:
    """Return the Topology of one name, which may give whatever it gives; `servers` are authoritative for it."""
    hosts = tuple(Host(server, addresses) for server, addresses in (servers or {}).items())
    return Topology(lab=lab, names=(DnsName(name.rstrip(".")),), dns_servers=hosts)
