"""Rule 9 of RFC 6724 as glibc applies it; tests/socket/test_lookup.py holds the same against the real one."""

import pytest

from lbcheck.checks.dns.rfc6724 import preferred, shared_bits


@pytest.mark.parametrize(
    ("a", "b", "bits"),
    [
        ("198.18.0.1", "198.18.0.1", 32),
        ("198.18.0.201", "198.18.0.192", 28),
        ("198.18.0.201", "198.18.0.128", 25),
        ("0.0.0.0", "128.0.0.0", 0),  # noqa: S104 (an address, nothing listens)
        ("2001:2:0:1::101", "2001:2::1", 63),
        ("2001:2:0:2::101", "2001:2::1", 62),
        ("::1", "::1", 128),
        ("fe80::1%lo", "fe80::2", 126),
    ],
)
def test_shared_bits_are_those_before_the_first_that_differs(a: str, b: str, bits: int) -> None:
    """Two addresses share the bits before the first one that differs."""
    assert shared_bits(a, b) == shared_bits(b, a) == bits


@pytest.mark.parametrize("source", ["198.18.0.31/24", "198.18.0.110/24", "198.18.0.201/24", "100.64.0.2/24"])
def test_the_labs_vips_tie(source: str) -> None:
    """Rule 9 does not tell .101 from .102 for any client of the lab."""
    assert preferred({"198.18.0.101": source, "198.18.0.102": source}) == {"198.18.0.101", "198.18.0.102"}


@pytest.mark.parametrize(
    ("destinations", "source", "first"),
    [
        (("198.18.0.128", "198.18.0.192"), "198.18.0.201/24", "198.18.0.192"),
        (("198.18.0.101", "198.18.0.102"), "198.18.0.100/24", "198.18.0.101"),
        (("198.18.0.101", "198.18.0.102"), "198.18.0.103/24", "198.18.0.102"),
        (("198.18.0.101", "198.18.1.102"), "198.18.0.31/24", "198.18.0.101"),
        (("198.18.0.101", "198.18.0.31"), "198.18.0.31/32", "198.18.0.31"),
        (("2001:2:0:1::101", "2001:2:0:2::101"), "2001:2::31/64", "2001:2:0:1::101"),
    ],
)
def test_the_longer_prefix_comes_first(destinations: tuple[str, ...], source: str, first: str) -> None:
    """A destination that shares more bits with its source comes first, always."""
    assert preferred(dict.fromkeys(destinations, source)) == {first}


def test_beyond_the_subnet_ipv4_bits_do_not_count() -> None:
    """IPv4 destinations off the source's subnet tie, however many bits they share."""
    off = ("198.18.0.128", "198.18.0.192")
    assert preferred(dict.fromkeys(off, "198.18.1.201/24")) == set(off)


def test_beyond_the_subnet_ipv6_bits_count() -> None:
    """For IPv6 glibc counts the bits that two addresses share whether they are on one link or not."""
    assert preferred({"2001:2:0:3::1": "2001:2:0:4::1/64", "2001:2:0:5::1": "2001:2:0:4::1/64"}) == {"2001:2:0:5::1"}


def test_an_unknown_prefix_length_makes_all_destinations_tie() -> None:
    """Without IPv6 on the host glibc knows no prefix length (0) and only the source itself is on the subnet."""
    assert preferred({"198.18.0.128": "198.18.0.201/0", "198.18.0.192": "198.18.0.201/0"}) == {
        "198.18.0.128",
        "198.18.0.192",
    }


def test_each_destination_is_ranked_by_its_own_source() -> None:
    """Destinations behind two interfaces are compared by the source that each would have."""
    assert preferred({"198.18.0.101": "198.18.0.31/24", "198.19.0.101": "198.19.0.100/24"}) == {"198.19.0.101"}


def test_several_may_share_the_first_place() -> None:
    """Destinations that tie for the longest prefix share the first place before the rest."""
    destinations = ("198.18.0.101", "198.18.0.102", "198.18.0.200")
    assert preferred(dict.fromkeys(destinations, "198.18.0.110/24")) == {"198.18.0.101", "198.18.0.102"}


def test_of_nothing_nothing_is_preferred() -> None:
    """Without destinations there is none to prefer."""
    assert preferred({}) == frozenset()
