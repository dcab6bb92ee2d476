"""An inventory's variables → what is known of each thing's capacity, put beside the things that it describes.

The variables are those of the inventory's own vocabulary (`cluster_…`), or a role's where that stands there as a plain
value; a fleet that calls them otherwise maps them by lbcheck_vars. docs/capacity.md lists them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from lbcheck.errors import LbcheckError
from lbcheck.loaders import nat_gateway
from lbcheck.loaders.capacity_figures import Figures, of_frontend
from lbcheck.loaders.fields import Fields
from lbcheck.loaders.reader import InventoryReader, known
from lbcheck.model.address import URL_PORTS
from lbcheck.model.cluster import Backend, Balancer, Client, Cluster, Frontend, NatGateway, Server

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
    published = () if cluster.vips else tuple(a for one in cluster.balancers for a in _public(reader, one))
    frontends, backends = (reader.specs(f"cluster_{kind}", ("name",)) for kind in ("frontends", "backends"))
    whole = replace(
        cluster,
        clients=tuple(_client(reader, client, figures) for client in cluster.clients),
        nat_gateways=tuple(_nat_gateway(reader, gateway) for gateway in cluster.nat_gateways),
        frontends=tuple(_frontend(reader, *pair, published) for pair in zip(cluster.frontends, frontends, strict=True)),
        balancers=tuple(_balancer(reader, balancer, figures) for balancer in cluster.balancers),
        backends=tuple(_backend(reader, *pair, figures) for pair in zip(cluster.backends, backends, strict=True)),
    )
    if wrong := whole.contradiction():
        raise LbcheckError(f"{reader.where}: {wrong}")
    return replace(whole, assumed=tuple(figures.assumed(whole)))


def _said(reader: InventoryReader, kind: str, host: str, variables: Variables, **otherwise: object) -> Fields:
    """Return what a host's variables say; `otherwise` holds where they are silent."""
    said: dict[str, object] = otherwise
    for field, names in variables.items():
        value = next((value for name in names if (value := reader.var(host, name)) is not None), None)
        if known(value) is not None:
            said[field] = value
    return Fields(said, f"{reader.where}: {kind} '{host}'", {field: names[0] for field, names in variables.items()})


def _client(reader: InventoryReader, client: Client, figures: Figures) -> Client:
    return replace(client, holds=figures.of_client(_said(reader, "client", client.name, CLIENT)))


def _balancer(reader: InventoryReader, balancer: Balancer, figures: Figures) -> Balancer:
    """Where nobody names its sources, they are what it has in the network `backend`: the role haproxy names each."""
    networks = reader.var(balancer.name, "cluster_addresses")
    own = reader.addresses(balancer.name, "backend") if isinstance(networks, dict) else ()
    said = _said(reader, "balancer", balancer.name, BALANCER, sources=own or None)
    return replace(balancer, holds=figures.of_balancer(said))


def _backend(reader: InventoryReader, backend: Backend, spec: Mapping[str, Any], figures: Figures) -> Backend:
    ports = spec.get("ports", spec.get("port"))
    what = f"backend '{backend.name}'"
    servers = tuple(_server(reader, server, f"{what}: server", ports, figures) for server in backend.servers)
    said = Fields({"redispatch": spec.get("redispatch")}, f"{reader.where}: {what}")
    return replace(backend, servers=servers, redispatch=figures.redispatch(said))


def _server(reader: InventoryReader, server: Server, kind: str, ports: object, figures: Figures) -> Server:
    address = next(iter(reader.addresses(server.name, "backend") or server.addresses), None)
    said = _said(reader, kind, server.name, SERVER, address=address, ports=ports)
    return replace(server, holds=figures.of_server(said))


def _public(reader: InventoryReader, balancer: Balancer) -> tuple[str, ...]:
    return reader.addresses(balancer.name, "public") or balancer.addresses


def _frontend(
    reader: InventoryReader, frontend: Frontend, spec: Mapping[str, Any], published: tuple[str, ...]
) -> Frontend:
    """Without VIPs its name leads to the balancers' own addresses, as far as arithmetic can know (`published`)."""
    said = {
        "ports": spec.get("ports") or _port_of(frontend.url),
        "maxconn": spec.get("maxconn"),
        "mode": "http" if frontend.speaks_http else "tcp",
        "addresses": list(frontend.addresses or published),
    }
    fields = Fields(said, f"{reader.where}: frontend '{frontend.name}'")
    return replace(frontend, addresses=fields.addresses("addresses"), holds=of_frontend(fields))


def _port_of(url: str) -> int | None:
    parts = urlsplit(url)
    return parts.port or URL_PORTS.get(parts.scheme)


def _nat_gateway(reader: InventoryReader, gateway: NatGateway) -> NatGateway:
    said = {"addresses": list(gateway.addresses)} | dict(reader.var(gateway.name, "cluster_nat", {}))
    return nat_gateway.read(Fields(said | {"name": gateway.name}, f"{reader.where}: NAT '{gateway.name}'"))
