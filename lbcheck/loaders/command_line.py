"""A URL or a name on the command line → the question about it."""

from collections.abc import Mapping, Sequence

from lbcheck.model.cluster import Backend, Balancer, Cluster, DnsName, Frontend, Host, Server
from lbcheck.model.question import Question


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
) -> Question:
    """Return the question about one URL: one frontend, one backend, a balancer for each statistics."""
    servers = tuple(Server(name, weight) for name, weight in (weights or {}).items())
    cluster = Cluster(
        frontends=(Frontend(url, url, "servers", tuple(addresses)),),
        backends=(Backend("servers", algorithm, servers),),
        balancers=tuple(Balancer(uri, stats=(uri,)) for uri in stats),
    )
    return Question(cluster, lab=lab, identify=identify, identify_balancer=identify_balancer)


def of_name(name: str, *, servers: Mapping[str, tuple[str, ...]] | None = None, lab: bool = False) -> Question:
    """Return the question about one name, which may give whatever it gives; `servers` are authoritative for it."""
    hosts = tuple(Host(server, addresses) for server, addresses in (servers or {}).items())
    return Question(Cluster(names=(DnsName(name.rstrip(".")),), dns_servers=hosts), lab=lab)
