"""The lab's wires: a network namespace for each host, one for the bridges, and veth pairs between them.

Namespaces are files in the state folder, not names of `ip netns`: that would leave /run/netns mounted, and its names
could be someone else's. Nothing is made in the machine's own namespace.
"""

import hashlib
import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

from lab.errors import LabError
from lab.inventory import WiredHost
from lab.state import Instance
from lab.system import mounts_below, run, unmount

# Bridges only pass frames on: no addresses, no packet filter of the machine's, no wait before forwarding.
BRIDGES_SYSCTLS = {
    "net/ipv6/conf/all/disable_ipv6": "1",
    "net/ipv6/conf/default/disable_ipv6": "1",
    "net/bridge/bridge-nf-call-iptables": "0",
    "net/bridge/bridge-nf-call-ip6tables": "0",
}
# A new namespace takes the machine's own IPv4 settings: the lab is to be the same on a machine that routes.
# Duplicate address detection would keep an address unusable for a second or more; the inventory is checked instead.
HOST_SYSCTLS = {
    "net/ipv4/ip_forward": "0",
    "net/ipv6/conf/all/disable_ipv6": "0",
    "net/ipv6/conf/default/disable_ipv6": "0",
    "net/ipv6/conf/all/accept_ra": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
}


def namespace_of(instance: Instance, host: str) -> Path:
    """Return the file that holds a host's network namespace."""
    return instance.hosts / host / "netns"


def bridged(instance: Instance) -> bool:
    """Return whether the namespace with the bridges stands."""
    return str(instance.bridges) in mounts_below(instance.root)


def make_bridges(instance: Instance, networks: Iterable[str]) -> None:
    """Bring the bridges to what is wanted: make what is missing, take away what is not a network any more."""
    if not bridged(instance):
        _make_namespace(instance.bridges, BRIDGES_SYSCTLS)
    standing = set(bridges(instance))
    commands = [f"link del {name}" for name in sorted(standing - set(networks))]
    for name in sorted(set(networks) - standing):
        commands += [f"link add {name} type bridge forward_delay 0 mcast_snooping 0", f"link set {name} up"]
    _ip(instance.bridges, commands)


def bridges(instance: Instance) -> list[str]:
    """Return the names of the bridges that stand."""
    links = run(["nsenter", f"--net={instance.bridges}", "ip", "-json", "link", "show", "type", "bridge"])
    return [link["ifname"] for link in json.loads(links or "[]") if link]


def attach(instance: Instance, hosts: Iterable[WiredHost]) -> None:
    """Make the hosts' namespaces and connect each of their interfaces, with its first address, to its bridge."""
    hosts = list(hosts)
    for host in hosts:
        _make_namespace(namespace_of(instance, host.name), HOST_SYSCTLS)
    ports = []
    for host in hosts:
        for interface in host.interfaces:
            port = port_name(host.name, interface.network)
            own = mac_address(interface.network, interface.address)
            inside = f"{interface.network} address {own} netns {namespace_of(instance, host.name)}"
            ports += [
                f"link add {port} type veth peer name {inside}",
                f"link set {port} master {interface.network} up",
            ]
    _ip(instance.bridges, ports)
    for host in hosts:
        commands = ["link set lo up"]
        for interface in host.interfaces:
            own = "nodad" if ":" in interface.address else "broadcast +"
            commands.append(f"address add {interface.address} {own} dev {interface.network}")
            commands.append(f"link set {interface.network} up")
        _ip(namespace_of(instance, host.name), commands)


def detach(instance: Instance, host: str) -> None:
    """Take away a host's ports and namespace.

    The ports go first, by their names: the kernel ends a namespace some time after it was let go, and its ports,
    perhaps only when new ones of the same names are being made.
    """
    if bridged(instance):
        deletions = [f"link del {port_name(host, bridge)}" for bridge in bridges(instance)]
        # Forced: it has no port at most of the bridges.
        subprocess.run(
            ["nsenter", f"--net={instance.bridges}", "ip", "-force", "-batch", "-"],
            input="\n".join(deletions), capture_output=True, text=True, check=False,
        )  # fmt: skip
    unmount(mounts_below(instance.hosts / host))


def port_name(host: str, network: str) -> str:
    """Return the name of the bridge's end of a veth pair: 15 characters at most, readable, and never two the same."""
    digest = hashlib.blake2b(f"{host}/{network}".encode(), digest_size=3).hexdigest()
    return f"{host[:8]}.{digest}"


def mac_address(network: str, address: str) -> str:
    """Return an interface's MAC address, which follows from its first address.

    A host that has the address of one that is no more, or of itself before, is found at once. It could not announce
    itself: a bridge passes nothing on before it has noticed that there is a carrier.
    """
    digest = hashlib.blake2b(f"{network}/{address}".encode(), digest_size=5).digest()
    return f"02:{digest.hex(':')}"  # locally administered, of one station (IEEE 802)


def _make_namespace(path: Path, sysctls: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    # Written from inside: /proc/sys/net shows the namespace of whoever looks. What the kernel does not have is skipped.
    writes = "\n".join(f"[ ! -e /proc/sys/{key} ] || echo {value} >/proc/sys/{key}" for key, value in sysctls.items())
    run(["unshare", f"--net={path}", "sh", "-e"], given=writes, doing="making a network namespace")


def _ip(namespace: Path, commands: list[str]) -> None:
    if commands:
        run(
            ["nsenter", f"--net={namespace}", "ip", "-batch", "-"],
            given="\n".join(commands),
            doing="setting up the network",
        )


def need_ipv6() -> None:
    """Refuse to go on where the kernel has no IPv6, and the lab's networks have."""
    if not Path("/proc/sys/net/ipv6").exists():
        raise LabError("IPv6 is switched off in this machine's kernel (ipv6.disable=1?), and cluster_networks has ipv6")
