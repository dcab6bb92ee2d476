"""A small carrier-grade NAT: subscribers, a gateway and a service, each in a network namespace, veth between them."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lbcheck.errors import MeasurementError
from lbcheck.model.address import family
from lbcheck.model.cluster import NatGateway
from lbcheck.probing import namespace

# Documentation and test ranges (RFC 6598, RFC 2544, RFC 5180); they exist in namespaces of our own only.
SUBSCRIBERS = tuple(f"100.64.0.{host}" for host in range(10, 18))
SUBSCRIBER_6 = "2001:2:0:100::10"
SERVICE, SERVICE_6 = "198.18.0.50", "2001:2:0:1::50"
_INSIDE, _INSIDE_6 = "100.64.0.1", "2001:2:0:100::1"
_OUTSIDE, _OUTSIDE_6 = "198.18.0.1", "2001:2:0:1::1"
_PROGRAMS = {"ip": "iproute2", "nft": "nftables"}  # and Debian's packages that have them


@dataclass(frozen=True)
class Cgn:
    """Two of its network namespaces, as file descriptors."""

    subscribers: int
    service: int


@contextmanager
def small_cgn(pool: NatGateway) -> Iterator[Cgn]:
    """Stand it up in this process's namespaces; it is gone after the block."""
    if absent := [f"{name} (package {package})" for name, package in _PROGRAMS.items() if not _program(name)]:
        raise MeasurementError(f"there is no program {', no '.join(absent)}")
    subscribers, gateway, service = (namespace.another_network() for _ in range(3))
    try:
        for network in (subscribers, gateway, service):
            with namespace.entered(network):
                # Nobody else can have these addresses: no second of waiting until they may be used (RFC 4862).
                namespace.sysctl("ipv6/conf/default/accept_dad", "0")
        _wire(subscribers, "uplink", gateway, "inside")
        _wire(service, "uplink", gateway, "outside")
        _host(subscribers, [f"{a}/24" for a in SUBSCRIBERS] + [f"{SUBSCRIBER_6}/64"], _INSIDE, _INSIDE_6)
        _host(service, [f"{SERVICE}/24", f"{SERVICE_6}/64"], "", _OUTSIDE_6)
        _gateway(gateway, pool)
        yield Cgn(subscribers, service)
    finally:
        for network in (subscribers, gateway, service):
            os.close(network)


def _wire(host: int, host_end: str, gateway: int, gateway_end: str) -> None:
    with namespace.entered(host):
        peer = f"link add {host_end} type veth peer name {gateway_end} netns /proc/self/fd/{gateway}"
        _ip([peer, f"link set {host_end} up"], keep=[gateway])
    with namespace.entered(gateway):
        _ip([f"link set {gateway_end} up"])


def _host(network: int, addresses: Sequence[str], router: str, router_6: str) -> None:
    with namespace.entered(network):
        _ip([_added(address, "uplink") for address in addresses])
        _ip([f"route add default via {address}" for address in (router, router_6) if address])


def _added(address: str, device: str) -> str:
    """Return ip's words for an address of a device (ADDR or ADDR/LENGTH), IPv6 without duplicate address detection."""
    nodad = " nodad" if family(address.partition("/")[0]) == 6 else ""
    return f"address add {address} dev {device}{nodad}"


def _gateway(network: int, pool: NatGateway) -> None:
    """Route IPv6, translate IPv4. Without `persistent` the outside address would change with the destination."""
    inside = (f"{_INSIDE}/24", f"{_INSIDE_6}/64")
    outside = (f"{_OUTSIDE}/24", *(f"{address}/32" for address in pool.addresses), f"{_OUTSIDE_6}/64")
    with namespace.entered(network):
        for end, addresses in (("inside", inside), ("outside", outside)):
            _ip([_added(address, end) for address in addresses])
        namespace.sysctl("ipv4/ip_forward", "1")
        namespace.sysctl("ipv6/conf/all/forwarding", "1")
        pooled = pool.addresses[0] if len(pool.addresses) == 1 else f"{pool.addresses[0]}-{pool.addresses[-1]}"
        rule = f'oifname "outside" meta l4proto tcp snat to {pooled}:{pool.ports} persistent'
        chain = f"chain post {{\n type nat hook postrouting priority srcnat;\n {rule}\n}}"
        _run(["nft", "-f", "-"], f"table ip nat {{\n{chain}\n}}\n")


def _ip(commands: Sequence[str], keep: Sequence[int] = ()) -> None:
    _run(["ip", "-batch", "-"], "\n".join(commands) + "\n", keep)


def _run(command: Sequence[str], text: str, keep: Sequence[int] = ()) -> None:
    program = _program(command[0]) or command[0]
    words = [program, *command[1:]]
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False, pass_fds=keep)
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())
        raise MeasurementError(
            f"{' '.join(command)} failed: {reason} (a NAT takes the kernel's modules veth and nft_nat)"
        )


def _program(name: str) -> str | None:
    # An ordinary user's PATH has no sbin on Debian.
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
