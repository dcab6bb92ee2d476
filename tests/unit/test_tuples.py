"""The 4-tuple's arithmetic, held to what was measured."""

import pytest

from lbcheck.analysis.tuples import binding, dealing
from lbcheck.model.address import PortRange
from lbcheck.model.opening import LINUX_EPHEMERAL_PORTS, BindingMode, Opening

P = 100


@pytest.mark.parametrize("sources", [1, 2])
@pytest.mark.parametrize("endpoints", [1, 2, 6])
@pytest.mark.parametrize(
    ("mode", "per_source", "per_endpoint", "refusal"),
    [
        ("none", False, True, "EADDRNOTAVAIL"),
        ("any-port", True, False, "EADDRINUSE"),
        ("no-port", True, True, "EADDRNOTAVAIL"),
        ("explicit-exclusive", True, False, "EADDRINUSE"),
        ("explicit", True, True, "EADDRINUSE"),
    ],
)
def test_the_binding_mode_decides_what_multiplies(
    *, mode: str, per_source: bool, per_endpoint: bool, refusal: str, sources: int, endpoints: int
) -> None:
    """P × D without a bind, P × S where a port serves once, else P × S × D: each cell as it was measured."""
    expected = P * (sources if per_source else 1) * (endpoints if per_endpoint else 1)
    assert binding.tuples(BindingMode(mode), P, sources, endpoints) == expected
    assert binding.LAWS[BindingMode(mode)].refusal.startswith(refusal)


def test_nothing_to_connect_from_or_to_holds_nothing() -> None:
    """A family without an address on one of the sides has no tuples."""
    assert binding.tuples(BindingMode.NONE, P, 0, 3) == binding.tuples(BindingMode.EXPLICIT, P, 3, 0) == 0


@pytest.mark.parametrize(
    ("opening", "ports"),
    [
        (Opening(), 28_232),
        (Opening(PortRange(1024, 65535)), 64_512),
        (Opening(PortRange(1024, 65535), listening=(8080,), binding=BindingMode.EXPLICIT), 64_511),
        (Opening(PortRange(40000, 40009), listening=(40003,)), 9),
        (Opening(PortRange(40000, 40009), listening=(80, 443)), 10),
        (Opening(PortRange(40000, 40009), (PortRange(40001, 40001), PortRange(40005, 40006))), 7),
        (Opening(PortRange(40000, 40009), (PortRange(40005, 50000),), binding=BindingMode.ANY_PORT), 5),
        (Opening(PortRange(40000, 40009), (PortRange(40001, 40006),), binding=BindingMode.EXPLICIT), 10),
        (Opening(PortRange(40000, 40009), (PortRange(1, 40003),), (40003, 40004)), 5),
    ],
)
def test_listeners_and_reserved_ports_are_taken_off(opening: Opening, ports: int) -> None:
    """A listener takes its port from every mode, a reserved port only from those where the kernel chooses."""
    assert binding.usable_ports(opening) == ports


@pytest.mark.parametrize(
    ("opening", "a_second"),
    [
        (Opening(), 470),
        (Opening(tw_reuse=True), 28_232),
        (Opening(tw_reuse=True, binding=BindingMode.EXPLICIT), 28_232),
        (Opening(tw_reuse=True, binding=BindingMode.ANY_PORT), 470),
        (Opening(tw_reuse=True, binding=BindingMode.EXPLICIT_EXCLUSIVE), 470),
        (Opening(closes_first=False), None),
    ],
)
def test_time_wait_limits_the_rate(opening: Opening, a_second: int | None) -> None:
    """P/60 a second for each source and endpoint, P with tcp_tw_reuse where it helps, no limit if the peer closes."""
    found = binding.connections_a_second(len(LINUX_EPHEMERAL_PORTS), opening)
    assert found == a_second if found is None else int(found) == a_second


@pytest.mark.parametrize(
    ("capacities", "weights", "redispatch", "fits"),
    [
        ((100, 100), (1, 3), False, 133),
        ((100, 100), (1, 3), True, 200),
        ((50, 150), (1, 3), False, 200),
        ((9,), (0,), False, 0),
    ],
)
def test_the_first_server_to_fill_limits_the_path(
    capacities: tuple[int, ...], weights: tuple[int, ...], redispatch: bool, fits: int
) -> None:
    """Without redispatch the first refusal comes when one server is full, with it when all are."""
    assert dealing.spread(capacities, weights, redispatch=redispatch) == fits
