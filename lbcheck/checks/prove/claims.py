"""The sections of `lbcheck prove`: a claim, the connections that show it, and how many of them the model predicts."""

import ipaddress
from collections.abc import Sequence
from itertools import pairwise

from lbcheck.analysis.tuples import nat
from lbcheck.analysis.tuples.binding import tuples
from lbcheck.analysis.tuples.dealing import rounded_up
from lbcheck.checks.prove.rows import EVERY_PORT, CgnAddresses, Row, Section, Setup
from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.cluster import NatGateway
from lbcheck.model.fill import Fill, StopKind, explicit
from lbcheck.model.nat import NatCapacity
from lbcheck.model.opening import BindingMode
from lbcheck.model.words import counted

FEW_PORTS = PortRange(40000, 40099)  # few, so that every binding mode reaches its limit in milliseconds
SOME_PORTS = PortRange(40000, 40999)
NAT_PORTS = PortRange(40000, 40063)  # Linux's NAT searches ranges up to 128 ports exhaustively (measured)
IPV6_PORTS = PortRange(40000, 40095)
FIRST_CLIENT = ipaddress.IPv4Address("127.1.0.1")  # Linux answers on all of 127.0.0.0/8 without adding an address
FIRST_SERVER = ipaddress.IPv4Address("127.0.1.1")
# Linux picks NAT ports at random. Demand equal to the pool may miss the last free port, so demand exceeds it well.
NAT_DEMAND = 24  # connections of each of 8 subscribers: 3 times the 64 ports; with two outside addresses 1.5 times
NAT_DEADLINE_S = 1.0  # the first SYN is not repeated earlier (RFC 6298)


def sections(connections: int, cgn: CgnAddresses, *, accept: bool = False) -> tuple[Section, ...]:
    """Return all sections; the first holds `connections` to one server port, accepted by the server if `accept`."""
    return (one_port(connections, accept=accept), binding_modes(), gains(), both_families(), small_cgn(cgn))


def clients(count: int) -> tuple[str, ...]:
    """Return `count` consecutive client addresses, all on loopback."""
    return tuple(str(FIRST_CLIENT + number) for number in range(count))


def endpoints(addresses: int, ports: int = 1) -> tuple[Endpoint, ...]:
    """Return one endpoint for each of `addresses` server addresses × `ports` ports, which start at 80."""
    return tuple(Endpoint(str(FIRST_SERVER + a), 80 + p) for a in range(addresses) for p in range(ports))


# --- the claims ---


def one_port(connections: int, *, accept: bool = False) -> Section:
    """Return the section on one port: a client address has one connection for each port, a server port has more."""
    where = "accepted by the server" if accept else "in the listener's queue"
    return Section(
        key="one-port",
        name="one port",
        claim=f"65,535 is a limit of one client address, not of a server: one port of one server holds more ({where})",
        setups=(
            Setup(_one_client_full(), accept=accept),
            Setup((_many_clients(connections),), accept=accept),
        ),
        notes=(f"a client address has {len(EVERY_PORT):,} ports, {EVERY_PORT}: those below need privileges",),
    )


def _one_client_full() -> tuple[Row, Row]:
    """Return a row that uses every port of one client address, and a row that tries one more connection from it."""
    ports = len(EVERY_PORT)
    every_port = Fill(endpoints=endpoints(1), sources=clients(1), ports=EVERY_PORT, reset=False)
    one_more = Fill(endpoints=endpoints(1), sources=clients(1), binding=BindingMode.NO_PORT, limit=1, reset=False)
    return (
        Row("one client address", every_port, predicted=ports, sources=1, ports=ports),
        Row(
            "one more from that address",
            one_more,
            predicted=0,
            sources=1,
            ports=ports,
            refusal=StopKind.NO_PORT,
        ),
    )


def _many_clients(connections: int) -> Row:
    """Return a row with this many connections to one server port, from as few client addresses as possible."""
    ports = len(EVERY_PORT)
    addresses = rounded_up(connections, ports)
    return Row(
        counted(addresses, "client address"),
        Fill(endpoints=endpoints(1), sources=clients(addresses), ports=EVERY_PORT, limit=connections, reset=False),
        predicted=min(connections, tuples(BindingMode.EXPLICIT, ports, addresses, 1)),
        sources=addresses,
        ports=ports,
    )


CALLS = {  # the calls before connect(), and the factors of the number of connections
    BindingMode.EXPLICIT: "bind((source, port)) with SO_REUSEADDR: ports × sources × endpoints",
    BindingMode.EXPLICIT_EXCLUSIVE: "bind((source, port)): ports × sources",
    BindingMode.NO_PORT: "bind((source, 0)) with IP_BIND_ADDRESS_NO_PORT: ports × sources × endpoints",
    BindingMode.ANY_PORT: "bind((source, 0)): ports × sources",
    BindingMode.NONE: "nothing, connect() alone: ports × endpoints, from the one source that the route picks",
}
REFUSALS = {  # the error when no port or tuple is left
    BindingMode.EXPLICIT: None,
    BindingMode.EXPLICIT_EXCLUSIVE: StopKind.IN_USE,
    BindingMode.NO_PORT: StopKind.NO_PORT,
    BindingMode.ANY_PORT: StopKind.IN_USE,
    BindingMode.NONE: StopKind.NO_PORT,
}


def binding_modes() -> Section:
    """Return the section on which factors (ports, sources, endpoints) multiply in each binding mode."""
    setups = []
    for binding in BindingMode:
        for sources in (1, 2):
            for ends in (1, 2, 6):
                setups.append(_binding_mode(binding, sources, ends))
    return Section(
        key="binding-modes",
        name="binding modes",
        claim="how a program binds decides what multiplies: ports, source addresses, endpoints",
        setups=tuple(setups),
        notes=(f"{len(FEW_PORTS)} ports each", *(f"{binding}: {call}" for binding, call in CALLS.items())),
    )


def _binding_mode(binding: BindingMode, sources: int, ends: int) -> Setup:
    fill = Fill(
        endpoints=endpoints(ends),
        sources=clients(sources) if binding is not BindingMode.NONE else (),  # the route picks the source
        ports=FEW_PORTS if explicit(binding) else None,
        binding=binding,
        reset=False,
    )
    # In the explicit modes a fill to one endpoint tries each port once, and no attempt is refused.
    tries_once = explicit(binding) and ends == 1
    row = Row(
        f"{binding}, {counted(sources, 'source')}, {counted(ends, 'endpoint')}",
        fill,
        predicted=tuples(binding, len(FEW_PORTS), sources, ends),
        sources=sources,
        ports=len(FEW_PORTS),
        refusal=None if tries_once else REFUSALS[binding],
    )
    return Setup((row,), ephemeral=FEW_PORTS)


def gains() -> Section:
    """Return the section on gains: each added client address, server address and server port multiplies the tuples."""
    steps = (
        ("one of each", (1, 1, 1)),
        ("and a client address", (2, 1, 1)),
        ("and a server address", (2, 2, 1)),
        ("and a server port", (2, 2, 2)),
    )
    rows = []
    for what, (sources, servers, ports) in steps:
        ends = endpoints(servers, ports)
        fill = Fill(endpoints=ends, sources=clients(sources), ports=SOME_PORTS, reset=False)
        predicted = tuples(BindingMode.EXPLICIT, len(SOME_PORTS), sources, len(ends))
        rows.append(Row(what, fill, predicted, sources, len(SOME_PORTS)))
    added = tuple(
        (after.what.replace("and a", "one"), after.predicted - before.predicted) for before, after in pairwise(rows)
    )
    claim = "each client address, server address and server port that is added multiplies what there is"
    return Section("gains", "gains", claim, tuple(Setup((row,)) for row in rows), added)


def both_families() -> Section:
    """Return the section on IPv6: its connections use none of the tuples of IPv4."""
    ports = len(SOME_PORTS)
    over_ipv4 = Fill(endpoints=endpoints(1), sources=clients(1), ports=SOME_PORTS, reset=False)
    over_ipv6 = Fill(endpoints=(Endpoint("::1", 80),), sources=("::1",), ports=SOME_PORTS, reset=False)
    held = tuples(BindingMode.EXPLICIT, ports, 1, 1)
    rows = (
        Row("IPv4, its ports full", over_ipv4, held, sources=1, ports=ports),
        Row("IPv6 beside it, the same ports", over_ipv6, held, sources=1, ports=ports),
    )
    claim = "IPv6 has its own tuples, beside those of IPv4"
    return Section("both-families", "both families", claim, (Setup(rows),))


def small_cgn(cgn: CgnAddresses) -> Section:
    """Return the section on NATs: one connection for each outside port and endpoint; IPv6 needs no outside port.

    `cgn`: the addresses of the NAT's subscribers and of the service that they reach through it.
    """
    one = NatGateway("cgn", ("198.18.0.101",), NAT_PORTS, holds=NatCapacity())
    two = NatGateway("cgn", ("198.18.0.101", "198.18.0.102"), NAT_PORTS, holds=NatCapacity())
    first = cgn.subscribers[:1]
    full = _through("one outside address", one, cgn.subscribers, NAT_DEMAND, cgn.service)
    past_it = _past_the_nat(cgn)
    gained = _through("two outside addresses", two, cgn.subscribers, NAT_DEMAND, cgn.service)
    to_two = _through("one, to two endpoints", one, cgn.subscribers, NAT_DEMAND, cgn.service, ends=2)
    of_one = _through("two, for one subscriber", two, first, 4 * NAT_DEMAND, cgn.service)
    return Section(
        key="nat",
        name="a small CGN",
        claim="behind a NAT its outside addresses and ports are all there is, for each endpoint; "
        "IPv6 needs none of them",
        setups=(
            Setup((full, past_it), pool=one),
            Setup((to_two,), pool=one),
            Setup((gained,), pool=two),
            Setup((of_one,), pool=two),
        ),
        gains=(("one outside address", gained.predicted - full.predicted), ("IPv6", past_it.predicted)),
    )


def _past_the_nat(cgn: CgnAddresses) -> Row:
    """Return a row of IPv6 connections from one subscriber; the NAT host routes them without translation."""
    fill = Fill(
        endpoints=(Endpoint(cgn.service_6, 80),),
        sources=(cgn.subscriber_6,),
        ports=IPV6_PORTS,
        reset=False,
        timeout_s=NAT_DEADLINE_S,
    )
    ports = len(IPV6_PORTS)
    return Row("IPv6 beside it, while IPv4 is dry", fill, predicted=ports, sources=1, ports=ports)


def _through(what: str, pool: NatGateway, inside: Sequence[str], each: int, service: str, *, ends: int = 1) -> Row:
    """Return a row through the NAT: each host in `inside` wants `each` connections to each of `ends` endpoints."""
    demands = [nat.Demand(address, each * ends) for address in inside]
    held = nat.held(nat.carry(pool, demands, nat.Destinations(addresses=1, endpoints=ends)))
    fill = Fill(
        endpoints=tuple(Endpoint(service, 80 + number) for number in range(ends)),
        sources=tuple(inside),
        ports=PortRange(40000, 40000 + each - 1),
        reset=False,
        timeout_s=NAT_DEADLINE_S,
    )
    return Row(what, fill, held, len(pool.addresses), len(NAT_PORTS), StopKind.SILENCE)
