"""A small YAML file → a cluster with what is known of its capacity (docs/capacity.md describes each field)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lbcheck.errors import LbcheckError
from lbcheck.loaders import nat_gateway, values
from lbcheck.loaders.capacity_figures import Figures, of_frontend
from lbcheck.loaders.fields import Fields
from lbcheck.model.capacity import SOCKET_BYTES
from lbcheck.model.cluster import HEAVIEST, Backend, Balancer, Client, Cluster, Frontend, Server, Vip


def load(path: Path) -> Cluster:
    """Read a file; LbcheckError names the file and the field that is wrong."""
    from lbcheck.loaders import yaml_file  # noqa: PLC0415 (an inventory, and help, need no YAML)

    return read(yaml_file.load(path), str(path))


def read(document: object, where: str) -> Cluster:
    """Return the cluster in a document; LbcheckError names the field that is wrong."""
    fields, figures = Fields(document, where), Figures()
    cluster = Cluster(
        clients=tuple(c for section in fields.sections("clients", "client") for c in _clients(section, figures)),
        nat_gateways=tuple(nat_gateway.read(section) for section in fields.sections("nats", "NAT")),
        vips=tuple(_vips(fields)),
        frontends=tuple(_frontend(section) for section in fields.sections("frontends", "frontend")),
        balancers=tuple(_balancer(section, figures) for section in fields.sections("balancers", "balancer")),
        backends=tuple(_backend(section, figures) for section in fields.sections("backends", "backend")),
        socket_bytes=fields.number("socket_bytes", 1) or SOCKET_BYTES,
    )
    fields.finish()
    if wrong := cluster.contradiction() or _unbalanced(cluster):
        raise LbcheckError(f"{where}: {wrong}")
    return replace(cluster, assumed=tuple(figures.assumed(cluster)))


def _unbalanced(cluster: Cluster) -> str:
    """Return which frontend has a backend that nobody balances, or nothing."""
    backed = [frontend.name for frontend in cluster.frontends if frontend.backend]
    return (
        f"frontend '{backed[0]}' has a backend, but there are no balancers" if backed and not cluster.balancers else ""
    )


def _clients(fields: Fields, figures: Figures) -> Iterator[Client]:
    """Give one client, or one for each of `subscribers`: addresses, or only their number."""
    name, addresses, behind = fields.required("name"), fields.addresses("addresses"), fields.text("behind")
    if addresses and fields.has("subscribers"):
        raise fields.fail("subscribers", "addresses are of one host, subscribers of one each: give one of the two")
    only_number = values.is_number(fields.given.get("subscribers"))
    hosts = fields.number("subscribers", 1) if only_number else 1
    each = () if only_number else fields.addresses("subscribers")
    capacity = figures.of_client(fields)
    if each:
        yield from (Client(f"{name} {address}", (address,), behind, holds=capacity) for address in each)
    else:
        yield Client(name, addresses, behind, hosts or 1, capacity)


def _vips(fields: Fields) -> Iterator[Vip]:
    """Give the VIPs: an address alone, or an address and its home."""
    for item in fields.listed("vips"):
        section = Fields(
            item if isinstance(item, Mapping) else {"address": item}, f"{fields.where}: vips", fields.names
        )
        section.required("address")
        yield from (Vip(address, section.text("home")) for address in section.addresses("address"))
        section.finish()


def _frontend(fields: Fields) -> Frontend:
    name, backend, addresses = fields.required("name"), fields.text("backend"), fields.addresses("addresses")
    return Frontend(name, backend=backend, addresses=addresses, holds=of_frontend(fields))


def _balancer(fields: Fields, figures: Figures) -> Balancer:
    return Balancer(fields.required("name"), holds=figures.of_balancer(fields))


def _backend(fields: Fields, figures: Figures) -> Backend:
    name = fields.required("name")
    servers = tuple(_server(section, figures) for section in fields.sections("servers", "server"))
    redispatch = figures.redispatch(fields)
    if not servers:
        raise fields.fail("servers", "a backend needs at least one")
    return Backend(name, servers=servers, redispatch=redispatch)


def _server(fields: Fields, figures: Figures) -> Server:
    name, weight = fields.required("name"), fields.number("weight", 0, HEAVIEST)
    return Server(name, 1 if weight is None else weight, holds=figures.of_server(fields))
