"""The reference cluster's own dialect: what its playbooks take for granted where an inventory says nothing.

An inventory speaks it where it has `cluster_networks`. DEFAULTS are those of ansible/playbooks/group_vars (a test holds
both equal), and the rules here are those that the playbooks follow: which network is public, where a host's daemons
listen, by which network balancers reach servers. Other fleets are read as they are.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from lbcheck.loaders.groups import members
from lbcheck.model.address import is_address

# What an inventory may leave out, by whose variable it is: everybody's, or a group's.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "all": {
        "cluster_ttl_s": 60,
        "lbcheck_identify": "header:x-served-by",
        "lbcheck_identify_balancer": "header:x-balancer",
    },
    "load_balancers": {
        "cluster_ephemeral_ports": "32768-60999",
        "lbcheck_stats": "unix:/run/haproxy/stats.sock",
        "lbcheck_haproxy_log": "journal:haproxy.service",
    },
    "backends": {
        "cluster_worker_processes": "auto",
        "cluster_worker_connections": 8192,
        "lbcheck_access_log": "/var/log/nginx/access.log",
        "lbcheck_stub_status": "http://127.0.0.1:8081/stub_status",
    },
    "clients": {"cluster_ephemeral_ports": "32768-60999", "cluster_tw_reuse": False},
}
BACKEND: Mapping[str, object] = {"group": "backends", "port": 80, "algorithm": "roundrobin", "mode": "http"}
NAT: Mapping[str, object] = {"ports": "1024-65535", "mapping": "address-and-port-dependent"}
MAXCONN = 8000  # of each balancer, where an inventory says none: the role haproxy's default
NETWORKS = "cluster_networks"  # an inventory with this variable is one of the reference cluster's
PUBLIC = "public"  # the public network's name where none is named

Variables = Mapping[str, Any]


def spoken(hostvars: Mapping[str, Variables]) -> bool:
    """Return whether an inventory speaks the reference cluster's dialect."""
    return any(NETWORKS in variables for variables in hostvars.values())


def completed(listing: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `ansible-inventory --list` says with what the playbooks add; of another fleet, all as it is."""
    given: Mapping[str, Variables] = listing.get("_meta", {}).get("hostvars", {})
    if not spoken(given):
        return dict(listing)
    hostvars = {host: dict(given.get(host, {})) for host in (*given, *members(listing, ["all"]))}
    common = {name: value for name, value in DEFAULTS["all"].items() if not any(name in v for v in hostvars.values())}
    for group, defaults in DEFAULTS.items():
        for host in hostvars if group == "all" else members(listing, [group]):
            hostvars[host] = dict(common if group == "all" else defaults) | hostvars[host]
    for variables in hostvars.values():
        _complete(variables)
    return {**listing, "_meta": {**listing.get("_meta", {}), "hostvars": hostvars}}


def _complete(variables: dict[str, Any]) -> None:
    """Put in what an entry of a list, or a field, has where it is not written."""
    if isinstance(pools := variables.get("cluster_backends"), list):
        variables["cluster_backends"] = [dict(BACKEND) | pool if isinstance(pool, dict) else pool for pool in pools]
    if isinstance(nat := variables.get("cluster_nat"), dict):
        own = [address for address in published(variables) if ":" not in address]
        variables["cluster_nat"] = {**NAT, "addresses": own[:1]} | nat


def public_network(variables: Variables) -> str:
    """Return the network that a host calls public: the one that is named, or is called so, or the only one."""
    networks = variables.get(NETWORKS)
    names = list(networks) if isinstance(networks, Mapping) else []
    named = variables.get("cluster_public_network")
    return named if isinstance(named, str) else names[0] if len(names) == 1 else PUBLIC


def published(variables: Variables) -> list[str]:
    """Return where a host's daemons listen: at its addresses in the public network, or else at all that it has."""
    by_network = variables.get("cluster_addresses")
    networks = by_network if isinstance(by_network, Mapping) else {}
    found = networks.get(public_network(variables)) or [a for those in networks.values() for a in _listed(those)]
    return [address for address in _listed(found) if isinstance(address, str)]


def _listed(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


def inner_network(public: str, hosts: Iterable[Iterable[str]]) -> str:
    """Return the network by which balancers reach servers: the first, by name, that all have, the public one last.

    `hosts`: the networks of each balancer and server. Empty: there is none.
    """
    sets = [set(networks) for networks in hosts]
    common = set.intersection(*sets) if sets else set()
    return min(common, key=lambda network: (network == public, network), default="")


def host_names(frontends: object) -> list[str]:
    """Return the frontends' host names, each once; addresses are none."""
    urls = [entry.get("url") for entry in _listed(frontends) if isinstance(entry, Mapping)]
    names = (_host_name(url) for url in urls if isinstance(url, str))
    return list(dict.fromkeys(name for name in names if name and not is_address(name)))


def _host_name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def zone(variables: Variables) -> str:
    """Return the zone that the name servers serve: cluster_zone, else the first frontend's name without its label."""
    named = variables.get("cluster_zone")
    names = host_names(variables.get("cluster_frontends"))
    return named if isinstance(named, str) else names[0].partition(".")[2] if names else ""
