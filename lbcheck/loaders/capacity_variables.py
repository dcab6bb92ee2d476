"""An inventory's variables → what is known of each thing's capacity, put beside the things that it describes.

The variables are those of the inventory's own vocabulary (`cluster_…`), or a role's where that stands there as a plain
value; a fleet that calls them otherwise maps them by lbcheck_vars. docs/capacity.md lists them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from lbcheck.errors import LbcheckError
from lbcheck.loaders import nat_gateway, reference
from lbcheck.loaders.capacity_figures import Figures
from lbcheck.loaders.fields import Fields
from lbcheck.loaders.reader import InventoryReader, known
from lbcheck.model.address import URL_PORTS
from lbcheck.model.capacity import FrontendCapacity
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, Frontend, NatGateway

Variables = Mapping[str, Sequence[str]]  # field → variables that say it, the first that is there

HOST: Variables = {
    "file_descriptors": ("cluster_file_descriptors",),
    "conntrack_max": ("cluster_conntrack_max",),
    "memory_bytes": ("cluster_memory_bytes",),
}
OPENING: Variables = {
    "ports": ("cluster_ephemeral_ports", "client_ephemeral_ports"),
    "reserved_ports": ("cluster_reserved_ports",),
    "listening_ports": ("cluster_listening_ports",),
    "binding": ("cluster_binding",),
    "tw_reuse": ("cluster_tw_reuse",),
    "closes_first": ("cluster_closes_first",),
}
CLIENT: Variables = {
    **OPENING,
    "connections": ("cluster_connections",),
    "ipv6_share": ("cluster_ipv6_share",),
}
BALANCER: Variables = {
    **OPENING,
    **HOST,
    "sources": ("cluster_sources",),
    "maxconn": ("cluster_maxconn", "haproxy_maxconn"),
}
SERVER: Variables = {
    **HOST,
    "maxconn": ("cluster_server_maxconn",),
    "worker_processes": ("cluster_worker_processes", "nginx_worker_processes"),
    "worker_connections": ("cluster_worker_connections", "nginx_worker_connections"),
}


def with_capacity(cluster: Cluster, reader: InventoryReader) -> Cluster:
    """Return the cluster with what the inventory says of each thing's capacity."""
    figures = Figures()
    # What is counted on elsewhere has to be said: only a lab is known to be what the playbooks have made.
    by_role = {"maxconn": reference.MAXCONN} if reader.is_reference and reader.flag("lbcheck_lab") else {}
    published = () if cluster.vips else tuple(a for one in cluster.balancers for a in reader.published(one.name))
    servers = (server.name for backend in cluster.backends for server in backend.servers)
    inner = reader.inner(dict.fromkeys([*(one.name for one in cluster.balancers), *servers]))
    frontends, backends = (reader.entries(f"cluster_{kind}", ("name",)) for kind in ("frontends", "backends"))
    whole = replace(
        cluster,
        clients=tuple(_client(reader, client, figures) for client in cluster.clients),
        nat_gateways=tuple(_nat_gateway(reader, gateway) for gateway in cluster.nat_gateways),
        frontends=tuple(_frontend(*pair, published) for pair in zip(cluster.frontends, frontends, strict=True)),
        balancers=tuple(_balancer(reader, balancer, inner, by_role, figures) for balancer in cluster.balancers),
        backends=tuple(
            _backend(reader, *pair, inner, figures) for pair in zip(cluster.backends, backends, strict=True)
        ),
    )
    if wrong := whole.contradiction():
        raise LbcheckError(f"{reader.where}: {wrong}")
    return replace(whole, assumed=tuple(figures.assumed(whole)))


def _said(reader: InventoryReader, kind: str, host: str, variables: Variables, **otherwise: object) -> Fields:
    """Return what a host's variables say, by the names that they have there; `otherwise` holds where they are silent.

    A variable of a role, which stands second, may be null there: the role's own default then.
    """
    said = {field: value for field, value in otherwise.items() if value is not None}
    called = {}
    for field, (own, *others) in variables.items():
        name = own if reader.has(host, own) else next((n for n in others if reader.var(host, n) is not None), own)
        called[field] = reader.called(name)
        if reader.has(host, name) and (known(value := reader.var(host, name)) is not None or value is None):
            said[field] = value
    return Fields(said, f"{reader.where}: {kind} '{host}'", called)


def _client(reader: InventoryReader, client: Client, figures: Figures) -> Client:
    return replace(client, holds=figures.of_client(_said(reader, "client", client.name, CLIENT)))


def _balancer(
    reader: InventoryReader, balancer: Balancer, inner: str, by_role: Mapping[str, int], figures: Figures
) -> Balancer:
    """Where nobody names its sources, they are what it has in the servers' network: the role haproxy names each."""
    own = list((reader.networks(balancer.name) or {}).get(inner, ()))
    said = _said(reader, "balancer", balancer.name, BALANCER, sources=own or None)
    unsaid = {field: value for field, value in by_role.items() if field not in said.given}
    figures.of_role("balancers", unsaid)
    said = Fields({**said.given, **unsaid}, said.where, said.names)
    return replace(balancer, holds=figures.of_balancer(said))


def _backend(reader: InventoryReader, backend: Backend, entry: Fields, inner: str, figures: Figures) -> Backend:
    what, ports = f"backend '{backend.name}'", "ports" if entry.has("ports") else "port"
    listens = list(entry.port_list(ports, (80,))) if entry.has(ports) else None
    servers = []
    for server in backend.servers:
        address = next(iter((inner and reader.addresses(server.name, inner)) or server.addresses), None)
        where = _said(reader, f"{what}: server", server.name, SERVER, address=address, ports=listens)
        servers.append(replace(server, holds=figures.of_server(where)))
    said = {field: entry.given[field] for field in ("redispatch",) if field in entry.given}
    redispatch = figures.redispatch(Fields(said, entry.where, error=reader.fail))
    return replace(backend, servers=tuple(servers), redispatch=redispatch)


def _frontend(frontend: Frontend, entry: Fields, published: tuple[str, ...]) -> Frontend:
    """Without VIPs its name leads to the balancers' own addresses, as far as arithmetic can know (`published`)."""
    ports = entry.port_list("ports", (_port_of(frontend.url),))
    capacity = FrontendCapacity(ports, entry.number("maxconn"), "http" if frontend.speaks_http else "tcp")
    return replace(frontend, addresses=frontend.addresses or published, holds=capacity)


def _port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or URL_PORTS[parts.scheme]


def _nat_gateway(reader: InventoryReader, gateway: NatGateway) -> NatGateway:
    given = reader.fields(gateway.name, "cluster_nat").given
    said = {"addresses": list(gateway.addresses), **given, "name": gateway.name}
    where = f"{reader.where}: NAT '{gateway.name}': {reader.called('cluster_nat')}"
    return nat_gateway.read(Fields(said, where))
