"""A URL or a name on the command line → the question about it."""

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from lbcheck.errors import LbcheckError
from lbcheck.model.asked import Asked
from lbcheck.model.cluster import Backend, Balancer, Cluster, DnsName, Frontend, Host, Server
from lbcheck.model.question import Question


def of_url(
    url: str,
    *,
    stats: Sequence[str] = (),
    weights: Mapping[str, int] | None = None,
    servers: Sequence[str] = (),
    backend: str = "",
    algorithm: str = "",
    configuration: Sequence[str] = (),
    addresses: Sequence[str] = (),
    identify: str = "header:x-served-by",
    identify_balancer: str = "",
    lab: bool = False,
    asked: Asked | None = None,
) -> Question:
    """Return the question about one URL: one frontend, one backend, a balancer for each statistics.

    `weights` lists the servers with their weights, `servers` without. `backend`: the balancer's name for them; empty:
    nobody named it. `configuration`: the files with which every
    balancer is started; without statistics there is one balancer then. LbcheckError if a weight is more than the
    product takes that the statistics, the configuration or `asked` tell.
    """
    listed = tuple(Server(server, weight) for server, weight in (weights or dict.fromkeys(servers, 1)).items())
    cluster = Cluster(
        frontends=(Frontend(urlsplit(url).netloc, url, backend, tuple(addresses)),),
        backends=(Backend(backend, algorithm, listed, weights_given=bool(weights) or not servers),),
        balancers=tuple(_balancers(stats, tuple(configuration))),
    )
    asked = asked or Asked()
    if wrong := cluster.too_heavy(asked.product):
        raise LbcheckError(wrong)
    return Question(cluster, lab=lab, identify=identify, identify_balancer=identify_balancer, asked=asked)


def _balancers(stats: Sequence[str], configuration: tuple[str, ...]) -> Iterator[Balancer]:
    yield from (Balancer(uri, stats=(uri,), configuration=configuration) for uri in stats)
    if configuration and not stats:
        yield Balancer(configuration[0], configuration=configuration)


def of_name(name: str, *, servers: Mapping[str, tuple[str, ...]] | None = None, lab: bool = False) -> Question:
    """Return the question about one name, which may give whatever it gives; `servers` are authoritative for it."""
    hosts = tuple(Host(server, addresses) for server, addresses in (servers or {}).items())
    return Question(Cluster(names=(DnsName(name.rstrip(".")),), dns_servers=hosts), lab=lab)
