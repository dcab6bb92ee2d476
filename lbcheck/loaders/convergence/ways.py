"""Complaints about ways: from balancers to servers, from clients to balancers, of VIPs and of what is translated."""

import ipaddress

from lbcheck.loaders import reference, values
from lbcheck.loaders.convergence.gathering import Complaints


def to_servers(found: Complaints) -> None:
    """Complain where a balancer has no way to a server."""
    balancers, pools = found.hosts("load_balancers"), found.entries("cluster_backends")
    servers = list(dict.fromkeys(host for pool in pools for host in found.hosts(str(pool["group"]))))
    inner = found.reader.inner([*balancers, *servers])
    if not inner:
        found.say("cluster_addresses: there is no network that every balancer and every server has")
        return
    reached = {server: found.reader.addresses(server, inner)[0] for server in servers}
    examples = {ipaddress.ip_address(address).version: server for server, address in reached.items()}
    for host in balancers:
        families = {ipaddress.ip_address(address).version for address in found.reader.addresses(host, inner)}
        for version, server in examples.items():
            if version not in families:
                what = f"no address of IPv{version}, by which {server} is reached at {reached[server]}"
                found.say(f"cluster_addresses: {inner}: {what}", host)


def of_clients(found: Complaints) -> None:
    """Complain of a client that has no way to the balancers."""
    behind = {
        network for gateway in found.hosts("nat_gateways") for network in found.hostvars[gateway]["cluster_addresses"]
    }
    for host in found.hosts("clients"):
        own = found.hostvars[host]["cluster_addresses"]
        if not {*own} & ({reference.public_network(found.hostvars[host])} | behind):
            found.say("cluster_addresses: no network of a NAT gateway's, nor the public one: it reaches nothing", host)


def vips(found: Complaints) -> None:
    """Complain of VIPs that VRRP cannot move."""
    balancers = found.hosts("load_balancers")
    first = {host: _speaks(found, host) for host in balancers}
    if len({*first.values()}) > 1:
        found.say("cluster_addresses: some balancers have IPv4 in the public network, and some have none")
    for host in balancers:
        own = found.reader.address_list(host, "cluster_vips", values.vip)
        if own and not found.reader.addresses(host, found.reader.public(host)):
            found.say("cluster_vips: it has no address in the public network, where they would be", host)
        elif own and not any(ipaddress.ip_address(vip).version == first[host] for vip in own):
            found.say(f"cluster_vips: one of IPv{first[host]} is needed, for VRRP speaks that between them", host)


def _speaks(found: Complaints, host: str) -> int:
    versions = {ipaddress.ip_address(address).version for address in found.reader.published(host)}
    return 4 if 4 in versions else 6


def translation(found: Complaints) -> None:
    """Complain of what a NAT gateway cannot translate, or from."""
    for host in found.hosts("nat_gateways"):
        own = found.hostvars[host]
        public = reference.public_network(own)
        inside = [network for network in own["cluster_addresses"] if network != public]
        if public not in own["cluster_addresses"] or len(inside) != 1:
            found.say("cluster_addresses: a NAT gateway has the public network and one more, its inside", host)
        elif "ipv4" not in own["cluster_networks"][inside[0]]:
            found.say(f"cluster_addresses: {inside[0]}: has no ipv4, and only that is translated", host)
        if "cluster_nat" not in own:
            found.say("cluster_nat is missing: its outside addresses and ports, {} for its own", host)
            continue
        outside = [ipaddress.ip_address(address) for address in own["cluster_nat"]["addresses"]]
        if not outside or any(address.version == 6 for address in outside):
            found.say("cluster_nat: addresses: have to be of IPv4, one at least", host)
        elif [int(address) - int(outside[0]) for address in outside] != [*range(len(outside))]:
            found.say("cluster_nat: addresses: have to follow each other, for they become one range", host)
