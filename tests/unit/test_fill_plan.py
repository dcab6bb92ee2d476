"""What a fill opens, in which order, and how it is dealt out to processes."""

from collections import Counter
from typing import Any

import pytest

from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.fill import AT_ONCE, Fill, explicit
from lbcheck.model.opening import BindingMode
from lbcheck.probing.fill.plan import (
    MOST_PORTIONS,
    WORTH_A_PROCESS,
    FillBlock,
    blocks,
    deal,
    portions,
    workers,
)

A, B, SIX = Endpoint("198.18.0.1", 80), Endpoint("198.18.0.2", 80), Endpoint("2001:2::1", 80)
EPHEMERAL = PortRange(32768, 32867)


def plan(*endpoints: Endpoint, **words: Any) -> list[FillBlock]:
    """Return the blocks of a fill on a host with a hundred ephemeral ports."""
    return blocks(Fill(endpoints=endpoints, **words), EPHEMERAL, dict.fromkeys(endpoints, "127.0.0.9"))


def test_every_source_goes_to_every_endpoint_port_after_port() -> None:
    """Two sources, two endpoints, ten ports: four blocks of ten, source by source."""
    found = plan(A, B, sources=("127.0.0.1", "127.0.0.2"), ports=PortRange(40000, 40009))
    assert found == [FillBlock(s, e, 40000, 10) for s in ("127.0.0.1", "127.0.0.2") for e in (A, B)]
    assert list(found[0].ports) == list(range(40000, 40010))


def test_families_do_not_mix() -> None:
    """An IPv6 source has no tuples towards an IPv4 endpoint."""
    found = plan(A, SIX, sources=("127.0.0.1", "::1"))
    assert [(block.source, block.endpoint) for block in found] == [("127.0.0.1", A), ("::1", SIX)]


def test_without_a_source_the_route_picks() -> None:
    """An explicit bind must name an address: the one that the route has."""
    assert plan(A) == [FillBlock("127.0.0.9", A, 32768, 100)]


@pytest.mark.parametrize("binding", [mode for mode in BindingMode if not explicit(mode)])
def test_the_kernel_is_asked_for_one_port_more_than_it_has(binding: BindingMode) -> None:
    """Only a refusal shows a limit, so where the kernel picks there is one attempt more."""
    [block] = plan(A, binding=binding)
    assert (block.low, block.count, set(block.ports)) == (0, 101, {0})


def test_a_limit_cuts_the_plan_where_it_is_reached() -> None:
    """A limit of 25 over blocks of ten: ten, ten, five, and none empty."""
    sources = ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4")
    found = plan(A, sources=sources, ports=PortRange(40000, 40009), limit=25)
    assert [block.count for block in found] == [10, 10, 5]


def test_a_part_of_a_block_begins_at_its_port() -> None:
    """Ports 40003 and 40004 of a block; where the kernel picks there is nothing to begin at."""
    assert list(FillBlock("", A, 40000, 10).part(3, 5).ports) == [40003, 40004]
    assert list(FillBlock("", A, 0, 10).part(3, 5).ports) == [0, 0]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 25])
def test_portions_are_equal_and_leave_nothing_out(count: int) -> None:
    """Every attempt is in one portion, in order, and no portion has more than one above another."""
    whole = [FillBlock("a", A, 1, 10), FillBlock("b", A, 1, 1), FillBlock("b", B, 5, 14)]
    parts = deal(whole, count)
    sizes = [sum(block.count for block in part) for part in parts]
    assert len(parts) == count
    assert max(sizes) - min(sizes) <= 1
    dealt = [(b.source, b.endpoint, port) for part in parts for b in part for port in b.ports]
    assert dealt == [(b.source, b.endpoint, port) for b in whole for port in b.ports]


def test_more_portions_than_attempts_leave_some_empty() -> None:
    """Two attempts in four portions: two have one, two have none."""
    assert Counter(len(part) for part in deal([FillBlock("a", A, 1, 2)], 4)) == {0: 2, 1: 2}


@pytest.mark.parametrize(
    ("attempts", "descriptors", "expected"),
    [
        (0, 20_000, 1),
        (AT_ONCE, 20_000, 1),
        (AT_ONCE + 1, 20_000, 2),
        (100, 30, 4),  # a process could not hold more than 30
        (100_000_000, 1_000_000, MOST_PORTIONS),
    ],
)
def test_portions_are_small_and_no_more_than_a_process_can_hold(attempts: int, descriptors: int, expected: int) -> None:
    """So many that no worker ends long before another, so few that their numbers fit into a pipe."""
    assert portions(attempts, descriptors) == expected


@pytest.mark.parametrize(
    ("attempts", "descriptors", "processors", "expected"),
    [
        (1, 20_000, 2, 1),
        (WORTH_A_PROCESS, 20_000, 8, 1),
        (WORTH_A_PROCESS, 1_000, 2, 2),
        (10_000, 20_000, 2, 2),
        (10_000, 20_000, 1, 1),
        (10_000, 20_000, 64, 64),  # five would do, but they run side by side, and it is all one machine
        (64_512, 19_936, 2, 4),
        (1_000_000, 19_936, 2, 52),
        (1_000_000, 1_000_000, 2, 2),
    ],
)
def test_there_are_as_many_processes_as_descriptors_ask_for(
    attempts: int, descriptors: int, processors: int, expected: int
) -> None:
    """One for a few; else enough for the descriptors, a multiple of the processors."""
    found = workers(attempts, descriptors, processors)
    assert found == expected
    assert found * descriptors >= attempts


@pytest.mark.parametrize("descriptors", [1, 5, 40])
def test_where_a_process_holds_less_than_a_portion_there_are_more_processes(descriptors: int) -> None:
    """Then there are more than any machine has, which is said before anything is opened."""
    assert workers(1_000_000, descriptors, 2) >= 1_000_000 // descriptors
