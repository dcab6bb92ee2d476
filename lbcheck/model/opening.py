"""How a host opens connections (ports, binding mode), and the limits of the host itself."""

from dataclasses import dataclass
from enum import StrEnum

from lbcheck.model.address import PortRange

LINUX_EPHEMERAL_PORTS = PortRange(32768, 60999)  # net.ipv4.ip_local_port_range as the kernel ships it: 28,232 ports


class BindingMode(StrEnum):
    """How a program binds a socket before it connects. It decides what multiplies (analysis/tuples/binding.py)."""

    EXPLICIT = "explicit"  # bind((source, port)) with SO_REUSEADDR
    EXPLICIT_EXCLUSIVE = "explicit-exclusive"  # bind((source, port)) without it
    NO_PORT = "no-port"  # bind((source, 0)) with IP_BIND_ADDRESS_NO_PORT
    ANY_PORT = "any-port"  # bind((source, 0))
    NONE = "none"  # connect() alone


@dataclass(frozen=True)
class Opening:
    """How a host opens connections: its ports, its binding mode, and which side keeps TIME_WAIT after the close."""

    ports: PortRange = LINUX_EPHEMERAL_PORTS
    reserved: tuple[PortRange, ...] = ()  # net.ipv4.ip_local_reserved_ports
    listening: tuple[int, ...] = ()  # ports with a listener on the wildcard or on the source address
    binding: BindingMode = BindingMode.NONE
    tw_reuse: bool = False  # net.ipv4.tcp_tw_reuse=1; the kernel's own 2 holds for loopback only
    closes_first: bool = True  # the side that closes first keeps TIME_WAIT (RFC 9293)


@dataclass(frozen=True)
class HostLimits:
    """Limits of the host itself. None: not known, so the model assumes no limit."""

    file_descriptors: int | None = None  # RLIMIT_NOFILE of one process
    conntrack_max: int | None = None  # nf_conntrack_max
    memory_bytes: int | None = None  # for sockets
