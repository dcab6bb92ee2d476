"""How a socket's binding mode decides how many connections are possible at once, and how soon a port is free again."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lbcheck.model.address import PortRange
from lbcheck.model.opening import BindingMode, Opening

TIME_WAIT_S = 60.0  # Linux's TCP_TIMEWAIT_LEN, at the side that closes first
TW_REUSE_S = 1.0  # with net.ipv4.tcp_tw_reuse=1: one tick of the peer's timestamps (RFC 6191)


@dataclass(frozen=True)
class BindingLaw:
    """What multiplies under one binding mode, and the error that the program sees when no tuple is left."""

    every_source: bool  # the host's source addresses multiply; else the route picks one
    every_endpoint: bool  # endpoints multiply; else a port serves once, whatever its destination
    automatic: bool  # the kernel picks the port, not the program
    refusal: str


LAWS: Mapping[BindingMode, BindingLaw] = {  # measured with P = 100, S = 1, 2, D = 1, 2, 6: every cell exact
    BindingMode.EXPLICIT: BindingLaw(True, True, False, "EADDRINUSE, where the tuple itself is taken"),
    BindingMode.EXPLICIT_EXCLUSIVE: BindingLaw(True, False, False, "EADDRINUSE"),
    BindingMode.NO_PORT: BindingLaw(True, True, True, "EADDRNOTAVAIL"),
    BindingMode.ANY_PORT: BindingLaw(True, False, True, "EADDRINUSE"),
    BindingMode.NONE: BindingLaw(False, True, True, "EADDRNOTAVAIL"),
}


def tuples(mode: BindingMode, ports: int, sources: int, endpoints: int) -> int:
    """Return how many connections `sources` addresses with `ports` ports each hold to `endpoints` address:port pairs.

    No bind: P × D. bind to a source and port 0, or exclusively: P × S, whatever D is. Otherwise P × S × D.
    """
    if not (sources and endpoints):
        return 0
    law = LAWS[mode]
    count = ports
    if law.every_source:
        count *= sources
    if law.every_endpoint:
        count *= endpoints
    return count


@lru_cache(maxsize=4096)
def usable_ports(opening: Opening) -> int:
    """Return P: how many ports of its range a host can connect from.

    A listener on the wildcard or on the source address takes its port away in every mode. ip_local_reserved_ports
    takes ports away only where the kernel picks the port. Both are measured.
    """
    reserved = opening.reserved if LAWS[opening.binding].automatic else ()
    listening = (PortRange(port, port) for port in opening.listening)
    return len(opening.ports) - opening.ports.taken_by([*listening, *reserved])


def rest_s(opening: Opening) -> float:
    """Return how many seconds a tuple stays in TIME_WAIT after its connection was closed.

    tcp_tw_reuse acts on connect(), not on bind(): under `any-port` and `explicit-exclusive` it changes nothing
    (measured).
    """
    if not opening.closes_first:
        return 0.0
    if opening.tw_reuse and LAWS[opening.binding].every_endpoint:
        return TW_REUSE_S
    return TIME_WAIT_S


def connections_a_second(count: int, opening: Opening) -> float | None:
    """Return the highest rate of short connections that `count` tuples sustain; None: TIME_WAIT sets no limit."""
    rest = rest_s(opening)
    if not rest:
        return None
    return count / rest
