"""What each kind of refused or ended connection means, in words."""

from collections.abc import Mapping

from lbcheck.model.fill import StopKind

WHY: Mapping[StopKind, str] = {
    StopKind.NO_PORT: "connect: no port is left from this source to this endpoint",
    StopKind.IN_USE: "bind: the port is taken, by a listener, a connection, or for a minute by one in TIME_WAIT",
    StopKind.NO_SOURCE: "bind: this machine does not have the source address",
    StopKind.SILENCE: "no answer until the deadline: a NAT without a free port, a firewall, or a full queue dropped it",
    StopKind.RESET: "answered, then ended by RST: the proxy or the server had no room",
    StopKind.REFUSED: "nobody listens there",
    StopKind.CLOSED: "established, then closed by the other side",
    StopKind.UNREACHABLE: "no route to it",
    StopKind.DESCRIPTORS: "a process has no file descriptor left (ulimit -n)",
    StopKind.FILES: "the system has no open file left (fs.file-max)",
    StopKind.BUFFERS: "the kernel has no memory left for sockets (net.ipv4.tcp_mem)",
    StopKind.DENIED: "a firewall on this machine, or a source port below 1024",
    StopKind.LOW_MEMORY: "this machine's memory was running out, so the fill ended itself",
    StopKind.KILLED: "worker processes were killed, and their connections went with them",
    StopKind.INTERRUPTED: "interrupted: judged by what was seen until then",
    StopKind.OTHER: "an error that lbcheck does not know",
}
OURS = frozenset({StopKind.LOW_MEMORY, StopKind.KILLED, StopKind.INTERRUPTED})  # no result: they end a measurement
