"""A NAT's arithmetic, held to what was measured and to what the presets' documents say."""

from collections.abc import Sequence
from typing import Any

import pytest

from lbcheck.analysis.tuples import linux_hash, nat
from lbcheck.analysis.tuples.nat import Demand, Destinations
from lbcheck.model.address import PortRange
from lbcheck.model.cluster import NatGateway
from lbcheck.model.nat import PRESETS, AddressChoice, MappingBehaviour, NatCapacity

A1, A2 = "198.18.0.41", "198.18.0.42"
PORTS = PortRange(40000, 40063)  # the lab's 64
THREE = Destinations(3, 3)
SUBSCRIBERS = tuple(f"100.64.0.{number}" for number in range(2, 10))


def gateway(addresses: Sequence[str], **capacity: Any) -> NatGateway:
    """Return a gateway with the lab's ports, as Linux translates or otherwise."""
    return NatGateway("nat", tuple(addresses), PORTS, holds=NatCapacity(**capacity))


def carried(pool: NatGateway, demands: list[Demand], destinations: Destinations = THREE) -> int:
    """Return what a pool carries in all."""
    return nat.held(nat.carry(pool, demands, destinations))


def preset(name: str, addresses: int) -> NatGateway:
    """Return a gateway as its preset has it."""
    known = PRESETS[name]
    return NatGateway(name, tuple(f"192.0.2.{n}" for n in range(1, addresses + 1)), known.ports, holds=known.capacity)


@pytest.mark.parametrize(
    ("words", "initval", "found"),
    [((), 0, 0xDEADBEEF), ((1, 2, 3), 7, 0xFBD612AD), ((1, 2, 3, 4), 0, 0x66491246), ((1,), 0, 0x72A82A9B)],
)
def test_jhash2_is_the_kernels(words: tuple[int, ...], initval: int, found: int) -> None:
    """The hash of words, as include/linux/jhash.h computes it."""
    assert linux_hash.jhash2(words, initval) == found


def test_linux_places_subscribers_by_a_hash_of_their_address() -> None:
    """The placements of nftables' `snat … persistent`, seen on Linux 6.18: they hold without a seed."""
    assert [linux_hash.linux_choice(address, 2) for address in SUBSCRIBERS] == [0, 1, 1, 1, 1, 0, 1, 1]


@pytest.mark.parametrize("addresses", [(A1,), (A1, A2)])
def test_a_single_subscriber_gains_nothing_from_a_second_address(addresses: tuple[str, ...]) -> None:
    """64 ports give 64 connections to each of three destinations, with one outside address and with two."""
    pool = gateway(addresses)
    outsides = nat.carry(pool, [Demand(SUBSCRIBERS[0], 600)], THREE)
    assert [outside.held for outside in outsides if outside.subscribers] == [3 * 64]


@pytest.mark.parametrize("each", [5, 10, 11, 30, 200])
def test_an_outside_address_carries_its_ports_or_what_is_wanted_there(each: int) -> None:
    """Per outside address and destination: min(ports, demand hashed there), exact; eight subscribers split 2 and 6."""
    outsides = nat.carry(gateway((A1, A2)), [Demand(s, each * 3) for s in SUBSCRIBERS], THREE)
    assert [outside.subscribers for outside in outsides] == [2, 6]
    assert [outside.held for outside in outsides] == [3 * min(64, 2 * each), 3 * min(64, 6 * each)]


@pytest.mark.parametrize(
    ("mapping", "reuses", "held"),
    [
        ("endpoint-independent", False, 128),
        ("endpoint-independent", True, 128 * 3),
        ("address-dependent", True, 128 * 3),
        ("address-dependent", False, 128 * 3),
        ("address-and-port-dependent", False, 128 * 3),
    ],
)
def test_the_mapping_behaviour_decides_what_a_port_serves(mapping: str, reuses: bool, held: int) -> None:
    """Two addresses, eight subscribers, three destinations: 128 if a mapping serves one connection, as measured."""
    pool = gateway((A1, A2), mapping=MappingBehaviour(mapping))
    assert carried(pool, [Demand(s, 200, reuses_ports=reuses) for s in SUBSCRIBERS]) == held


def test_an_address_dependent_mapping_serves_every_port_of_one_address() -> None:
    """Three ports of one address are one group: without port reuse at the client, one connection a mapping."""
    pool = gateway((A1,), mapping=MappingBehaviour.ADDRESS_DEPENDENT)
    one_address = Destinations(1, 3)
    assert carried(pool, [Demand("", 600, reuses_ports=False)], one_address) == 64
    assert carried(pool, [Demand("", 600, reuses_ports=True)], one_address) == 192


def test_deterministic_blocks_are_dealt_out_by_the_formula() -> None:
    """RFC 7422: ⌊ports ÷ ⌈subscribers ÷ addresses⌉⌋; a block is a subscriber's own: 16 ports each gave 16 each."""
    pool = gateway((A1, A2), deterministic=True)
    assert nat.block_size(pool, 8) == 16
    assert nat.block_size(pool, 7) == 16
    assert nat.block_size(pool, 200) == 0
    assert carried(pool, [Demand(s, 60) for s in SUBSCRIBERS], Destinations(1, 1)) == 8 * 16
    assert carried(pool, [Demand(SUBSCRIBERS[0], 60)], Destinations(1, 1)) == 60


def test_who_comes_when_all_blocks_are_dealt_out_gets_none() -> None:
    """64 ports are four blocks of 16: of six subscribers four are served."""
    pool = gateway((A1,), block_ports=16)
    assert carried(pool, [Demand(s, 60) for s in SUBSCRIBERS[:6]], Destinations(1, 1)) == 64
    assert carried(pool, [Demand("", 60, hosts=6)], Destinations(1, 1)) == 64


@pytest.mark.parametrize("choice", ["paired", "linux-hash"])
def test_subscribers_known_by_number_are_spread_evenly(choice: str) -> None:
    """Without addresses there is no hash: five on two outside addresses are three and two."""
    pool = gateway((A1, A2), choice=AddressChoice(choice))
    assert [outside.subscribers for outside in nat.carry(pool, [Demand("", 3, hosts=5)], THREE)] == [3, 2]


@pytest.mark.parametrize(
    ("name", "addresses", "hosts", "each", "held"),
    [
        ("aws-nat-gateway", 1, 1, 100_000, 55_000),
        ("aws-nat-gateway", 8, 1, 1_000_000, 440_000),
        ("azure-nat-gateway", 1, 1, 100_000, 50_000),
        ("azure-nat-gateway", 16, 4, 1_000_000, 800_000),
        ("azure-load-balancer", 1, 50, 2_000, 50 * 1024),
        ("azure-load-balancer", 1, 51, 2_000, 51 * 512),
        ("azure-load-balancer", 1, 1000, 2_000, 1000 * 32),
        ("azure-load-balancer", 1, 1001, 2_000, 0),
        ("gcp-cloud-nat", 1, 1008, 100, 1008 * 64),
        ("gcp-cloud-nat", 1, 2000, 100, 1008 * 64),
        ("gcp-cloud-nat", 2, 2000, 100, 2000 * 64),
        ("linux-nftables", 1, 3, 100_000, 64_512),
    ],
)
def test_presets_carry_what_their_documents_say(name: str, addresses: int, hosts: int, each: int, held: int) -> None:
    """To one destination, the figures of each provider come out."""
    pool = preset(name, addresses)
    assert carried(pool, [Demand("", each, hosts=hosts)], Destinations(1, 1)) == held


def test_reserved_ports_are_taken_off() -> None:
    """Ports outside the range cost nothing."""
    reserved = (PortRange(40000, 40009), PortRange(40005, 40010), PortRange(1, 99))
    assert nat.usable_ports(gateway((A1,), reserved=reserved)) == 53


@pytest.mark.parametrize(("mapping", "a_second"), [("endpoint-independent", 64 * 2 / 120), ("address-dependent", 3.2)])
def test_hold_down_limits_the_rate(mapping: str, a_second: float) -> None:
    """A released port rests 120 s (RFC 6888); Linux has no such rest, so no limit."""
    pool = gateway((A1, A2), mapping=MappingBehaviour(mapping), hold_down_s=120)
    assert nat.connections_a_second(pool, THREE) == pytest.approx(a_second)
    assert nat.connections_a_second(gateway((A1,)), THREE) is None
