"""How many connections are possible at once: the 4-tuple's arithmetic, and how fast ports come back."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from lbcheck.model.opening import BindingMode, Opening

TIME_WAIT_S = 60.0  # Linux's TCP_TIMEWAIT_LEN, at the side that closes first
TW_REUSE_S = 1.0  # with net.ipv4.tcp_tw_reuse=1: one tick of the peer's timestamps (RFC 6191)


@dataclass(frozen=True)
class BindingLaw:
    """What multiplies under one binding mode, and what the program sees when nothing is left."""

    every_source: bool  # else the one that the route picks
    every_endpoint: bool  # else a port serves once, whatever its destination
    automatic: bool  # the kernel picks the port
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
    return ports * (sources if law.every_source else 1) * (endpoints if law.every_endpoint else 1)


@lru_cache(maxsize=4096)
def usable_ports(opening: Opening) -> int:
    """Return P: the ports of the range that a socket of this host can get.

    A listener on the wildcard or on the source address takes its port from every mode, ip_local_reserved_ports from
    the modes in which the kernel chooses (both measured).
    """
    taken = {port for port in opening.listening if opening.ports.low <= port <= opening.ports.high}
    if LAWS[opening.binding].automatic:
        for span in opening.reserved:
            taken |= set(range(max(span.low, opening.ports.low), min(span.high, opening.ports.high) + 1))
    return len(opening.ports) - len(taken)


def rest_s(opening: Opening) -> float:
    """Return how long a tuple rests after its connection was closed, in seconds.

    tcp_tw_reuse helps connect(), not bind(): under `any-port` and `explicit-exclusive` the port rests all the same
    (measured).
    """
    if not opening.closes_first:
        return 0.0
    return TW_REUSE_S if opening.tw_reuse and LAWS[opening.binding].every_endpoint else TIME_WAIT_S


def connections_a_second(count: int, opening: Opening) -> float | None:
    """Return the highest rate of short connections that `count` tuples sustain; None: TIME_WAIT sets no limit."""
    rest = rest_s(opening)
    return count / rest if rest else None
