"""An inventory's listing → the model of tuple capacity, by way of the same document as a model file.

The variables are those of the inventory's own vocabulary (`cluster_…`), or a role's where that stands there as a plain
value; a fleet that calls them otherwise maps them by lbcheck_vars. docs/capacity.md lists them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from lbcheck.loaders.ansible_inventory import listing, understand
from lbcheck.loaders.capacity_model import read
from lbcheck.loaders.reader import Reader
from lbcheck.model.address import URL_PORTS
from lbcheck.model.capacity import Cluster
from lbcheck.model.topology import Topology

Variables = Mapping[str, Sequence[str]]  # field of the model → variables that say it, the first that is there

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
    "behind": ("cluster_behind",),
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


def load(inventories: Sequence[str]) -> Cluster:
    """Read the inventories, as Ansible would, into one model."""
    return of_listing(listing(inventories), ", ".join(inventories))


def of_listing(given: Mapping[str, Any], where: str) -> Cluster:
    """Return the model in what `ansible-inventory --list` gave; `where` names the inventory in sentences."""
    reader, topology = Reader(given, where), understand(given, where)
    names = {"clients": CLIENT, "balancers": BALANCER, "servers": SERVER}
    called = {kind: {field: found[0] for field, found in variables.items()} for kind, variables in names.items()}
    return read(_document(reader, topology), where, called)


def _document(reader: Reader, topology: Topology) -> dict[str, Any]:
    gateways = dict(_gateways(reader, topology))
    frontends, backends = (reader.specs(f"cluster_{kind}", ("name",)) for kind in ("frontends", "backends"))
    return {
        "clients": [
            {"name": host.name, "addresses": list(host.addresses), "behind": _behind(reader, host.name, gateways)}
            | _facts(reader, host.name, CLIENT)
            for host in topology.clients
        ],
        "nats": [
            {"addresses": list(nat.addresses)} | dict(reader.var(nat.name, "cluster_nat", {})) | {"name": nat.name}
            for nat in topology.nat_gateways
        ],
        "vips": [{"address": vip.address, "home": vip.home} for vip in topology.vips],
        "frontends": [
            {
                "name": frontend.name,
                "ports": _ports(spec, frontend.url),
                "backend": frontend.backend if topology.balancers else None,
                "addresses": list(frontend.addresses),
                "maxconn": spec.get("maxconn"),
                "mode": "http" if frontend.speaks_http else "tcp",
            }
            for frontend, spec in zip(topology.frontends, frontends, strict=True)
        ],
        "balancers": [
            {"name": host.name, "sources": _sources(reader, host.name)} | _facts(reader, host.name, BALANCER)
            for host in topology.balancers
        ],
        "backends": [
            {
                "name": backend.name,
                "redispatch": spec.get("redispatch"),
                "servers": [
                    {
                        "name": server.name,
                        "address": next(iter(reader.addresses(server.name, "backend") or server.addresses), None),
                        "ports": spec.get("ports", spec.get("port")),
                        "weight": server.weight,
                    }
                    | _facts(reader, server.name, SERVER)
                    for server in backend.servers
                ],
            }
            for backend, spec in zip(topology.backends, backends, strict=True)
        ],
    }


def _facts(reader: Reader, host: str, variables: Variables) -> dict[str, Any]:
    """Return what a host's variables say; a template or `auto` says nothing here, for only the host can tell."""
    found = {}
    for field, names in variables.items():
        value = next((value for name in names if (value := reader.var(host, name)) is not None), None)
        if value is not None and value != "auto" and "{{" not in str(value):
            found[field] = value
    return found


def _ports(spec: Mapping[str, Any], url: str) -> object:
    """Return a frontend's ports: as it says, else its URL's."""
    parts = urlsplit(url)
    return spec.get("ports") or parts.port or URL_PORTS.get(parts.scheme)


def _sources(reader: Reader, host: str) -> list[str] | None:
    """Return what a balancer has in the network `backend`: the role haproxy names each as a source."""
    networks = reader.var(host, "cluster_addresses")
    return list(reader.addresses(host, "backend")) or None if isinstance(networks, dict) else None


def _gateways(reader: Reader, topology: Topology) -> Iterator[tuple[str, str]]:
    """Give each network that a NAT gateway has an inside in, and the gateway."""
    for nat in reversed(topology.nat_gateways):
        networks = reader.var(nat.name, "cluster_addresses")
        yield from ((name, nat.name) for name in networks if name != "public") if isinstance(networks, dict) else ()


def _behind(reader: Reader, host: str, gateways: Mapping[str, str]) -> str | None:
    """Return the gateway of a client that has no public address itself, but one in a gateway's network."""
    networks = reader.var(host, "cluster_addresses")
    if not isinstance(networks, dict) or "public" in networks:
        return None
    return next((gateways[name] for name in networks if name in gateways), None)
