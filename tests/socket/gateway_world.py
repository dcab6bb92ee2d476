"""A gateway with the role's rules between three networks, each a host in a network namespace.

Every host is told that the gateway leads everywhere, and the kernel forwards whatever the rules let it.
"""

import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from lbcheck.model.address import family
from lbcheck.probing import namespace

INSIDE, INSIDE_6 = "100.64.0.0/24", "2001:2:0:64::/64"
POOL = ("198.18.0.41", "198.18.0.42")
# Network → the gateway's addresses there, and the host's, with the length of their prefixes.
NETWORKS = {
    "inside": (("100.64.0.1", "100.64.0.2"), ("2001:2:0:64::1", "2001:2:0:64::2")),
    "outside": (("198.18.0.40", "198.18.0.9"), ("2001:2::40", "2001:2::9")),
    "third": (("203.0.113.1", "203.0.113.2"), ("2001:db8::1", "2001:db8::2")),
}
LENGTHS = {4: 24, 6: 64}
_NODAD = {4: "", 6: " nodad"}
PORT = 7
PATIENCE_S = 0.3  # veth answers at once; what is silent then was dropped


@dataclass(frozen=True)
class World:
    """Each host's network namespace, and its listeners of either family."""

    networks: dict[str, int]
    listeners: dict[tuple[str, int], socket.socket]

    def connect(self, here: str, there: str, version: int) -> str:
        """Open a connection to a host and hear it; return whom the host saw, empty where there was none."""
        listener = self.listeners[there, version]
        with namespace.entered(self.networks[here]):
            client = _socket(version, socket.SOCK_STREAM)
        with client, suppress(OSError):
            client.connect((address(there, version), PORT))
            server, (peer, *_) = listener.accept()
            with server:
                server.sendall(b"!")
                return str(peer) if client.recv(1) else ""
        return ""

    def send(self, here: str, there: str, version: int, source: str) -> str:
        """Send a datagram with a source of one's choice; return whom the host saw, empty where it did not arrive."""
        with namespace.entered(self.networks[there]), _socket(version, socket.SOCK_DGRAM) as waiting:
            waiting.bind(("", PORT))
            with namespace.entered(self.networks[here]), _socket(version, socket.SOCK_DGRAM) as sender:
                _ip([f"address replace {source} dev lo{_NODAD[version]}"])
                sender.bind((source, 0))
                sender.sendto(b"!", (address(there, version), PORT))
            with suppress(TimeoutError):
                return str(waiting.recvfrom(1)[1][0])
        return ""


def address(host: str, version: int) -> str:
    """Return a host's address of one family; the gateway's is that in the outside network."""
    if host == "gateway":
        return NETWORKS["outside"][version == 6][0]
    return NETWORKS[host][version == 6][1]


@contextmanager
def standing(rules: str) -> Iterator[World]:
    """Stand it up in this process's namespaces, the gateway in this process's own."""
    with ExitStack() as opened:
        networks = {"gateway": namespace.current_network()} | {name: namespace.another_network() for name in NETWORKS}
        for network in networks.values():
            opened.callback(os.close, network)
            with namespace.entered(network):
                # Nobody else can have these addresses: no second of waiting until they may be used (RFC 4862).
                namespace.sysctl("ipv6/conf/default/accept_dad", "0")
        for name in NETWORKS:
            _wire(name, networks[name])
        _ip([f"address add {pooled}/32 dev outside" for pooled in POOL])
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            namespace.sysctl(name, "1")
        _run(["nft", "-f", "-"], rules)
        listeners = {}
        for name, network in networks.items():
            for version in (4, 6):
                with namespace.entered(network):
                    listener = opened.enter_context(_socket(version, socket.SOCK_STREAM))
                    listener.bind(("", PORT))
                    listener.listen()
                    listeners[name, version] = listener
        yield World(networks, listeners)


def _wire(name: str, network: int) -> None:
    """Join a host to the gateway's interface of this name."""
    _ip([f"link add {name} type veth peer name uplink netns /proc/self/fd/{network}"], keep=[network])
    routers, hosts = zip(*NETWORKS[name], strict=True)
    _ip([*_addresses(routers, name), f"link set {name} up"])
    with namespace.entered(network):
        routes = [f"route add default via {router}" for router in routers]
        _ip([*_addresses(hosts, "uplink"), "link set uplink up", *routes])


def _addresses(addresses: Sequence[str], device: str) -> Iterator[str]:
    for one in addresses:
        version = family(one)
        yield f"address add {one}/{LENGTHS[version]} dev {device}{_NODAD[version]}"


def _socket(version: int, kind: socket.SocketKind) -> socket.socket:
    made = socket.socket({4: socket.AF_INET, 6: socket.AF_INET6}[version], kind)
    if version == 6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.settimeout(PATIENCE_S)
    return made


def _ip(commands: Sequence[str], keep: Sequence[int] = ()) -> None:
    _run(["ip", "-batch", "-"], "\n".join(commands), keep)


def _run(command: Sequence[str], text: str, keep: Sequence[int] = ()) -> None:
    subprocess.run(command, input=text, text=True, check=True, capture_output=True, pass_fds=keep)
