"""getaddrinfo's order, on real hosts in namespaces of their own: what rule 9 pins, and what fails, and how."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from lbcheck.checks.dns.rfc6724 import preferred
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing.dns.lookup import look_up, prefix_lengths, sources
from tests.socket.glibc_world import Scenario

ROOT = Path(__file__).parents[2]
# An ordinary user needs a user namespace for the others; root may be without them.
UNSHARE = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child"]
UNSHARE += [] if os.geteuid() == 0 else ["--user", "--map-root-user"]


@pytest.fixture(scope="module")
def _namespaces() -> None:
    """Skip where the machine has no namespaces for us."""
    try:
        tried = subprocess.run([*UNSHARE, "true"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("unshare is missing: install util-linux")
    if tried.returncode:
        pytest.skip(f"no namespaces here: {tried.stderr.strip()}")


def watch(scenario: Scenario) -> Lookup:
    """Return what look_up sees on a host like this."""
    command = [*UNSHARE, sys.executable, "-m", "tests.socket.glibc_world", json.dumps(asdict(scenario))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    sample = json.loads(ran.stdout)
    failure = sample.pop("failure")
    return Lookup(failure=Failure(ErrorKind(failure["kind"]), failure["message"]) if failure else None, **sample)


V4 = ("198.18.0.101", "198.18.0.102")
FAR = ("198.18.0.128", "198.18.0.192")
V6 = ("2001:2::101", "2001:2::102")
NETS = ("2001:2:0:1::101", "2001:2:0:2::101")


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize(
    ("client", "pair", "first"),
    [
        ("198.18.0.31/24", V4, set(V4)),
        ("198.18.0.110/24", V4, set(V4)),
        ("198.18.0.201/24", V4, set(V4)),
        ("100.64.0.2/24", V4, set(V4)),
        ("198.18.0.100/24", V4, {"198.18.0.101"}),
        ("198.18.0.103/24", V4, {"198.18.0.102"}),
        ("198.18.0.201/24", FAR, {"198.18.0.192"}),
        ("198.18.1.201/24", FAR, set(FAR)),
        ("198.18.1.201/23", FAR, set(FAR)),
        ("198.18.0.201/32", FAR, set(FAR)),
        ("2001:2::31/64", V6, set(V6)),
        ("2001:2::100/64", V6, {"2001:2::101"}),
        ("2001:2::31/64", NETS, {"2001:2:0:1::101"}),
        ("2001:2:0:4::1/64", ("2001:2:0:3::1", "2001:2:0:5::1"), {"2001:2:0:5::1"}),
    ],
)
def test_glibc_puts_first_what_rule_9_predicts(client: str, pair: tuple[str, str], first: set[str]) -> None:
    """The addresses that come first while the server rotates are those that the rule, computed, prefers."""
    family = 6 if ":" in client else 4
    extra = () if family == 6 else ("2001:2::31/64",)  # without any, glibc knows no prefix length
    one, two = pair
    orders = (f"{one} {two}", f"{two} {one}")
    sample = watch(Scenario(addresses=(client, *extra), family=family, orders=orders))
    assert sample.failure is None
    assert sample.sources == dict.fromkeys(pair, client)
    assert set(sample.first) == preferred(sample.sources) == first
    assert sample.first == {address: 20 // len(first) for address in first}


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize("pair", [V4, FAR])
def test_without_ipv6_glibc_sorts_no_ipv4_addresses(pair: tuple[str, str]) -> None:
    """On a host without IPv6, glibc knows no prefix length, and what would be pinned rotates."""
    one, two = pair
    sample = watch(Scenario(addresses=("198.18.0.201/24",), ipv6=False, orders=(f"{one} {two}", f"{two} {one}")))
    assert sample.sources == dict.fromkeys(pair, "198.18.0.201/0")
    assert set(sample.first) == preferred(sample.sources) == set(pair)


@pytest.mark.usefixtures("_namespaces")
def test_three_addresses_of_which_two_tie_rotate_among_the_two() -> None:
    """The addresses that share the longest prefix take turns, and the third never comes first."""
    names = ("198.18.0.101", "198.18.0.102", "198.18.0.200")
    orders = tuple(" ".join(names[n:] + names[:n]) for n in range(3))
    sample = watch(Scenario(addresses=("198.18.0.110/24", "2001:2::31/64"), orders=orders, queries=30))
    assert set(sample.first) == preferred(sample.sources) == {"198.18.0.101", "198.18.0.102"}
    assert {len(order.split()) for order in sample.orders} == {3}


@pytest.mark.usefixtures("_namespaces")
@pytest.mark.parametrize(
    ("scenario", "kind", "words"),
    [
        (Scenario(rcode="NXDOMAIN"), "not-found", "Name or service not known"),
        (Scenario(orders=("",)), "not-found", "No address associated with hostname"),
        (Scenario(rcode="SERVFAIL"), "timeout", "Temporary failure in name resolution"),
        (Scenario(), "timeout", "Temporary failure in name resolution"),
    ],
    ids=["NXDOMAIN", "no addresses", "SERVFAIL", "silence"],
)
def test_what_getaddrinfo_does_not_find_is_a_failure(scenario: Scenario, kind: str, words: str) -> None:
    """After three failed calls in a row the rest is not made, and the failure says what getaddrinfo said."""
    sample = watch(scenario)
    assert sample.failure == Failure(ErrorKind(kind), f"getaddrinfo finds no IPv4 address of 'www.example.': {words}")
    assert (sample.queries, sample.errors, sample.orders) == (3, {kind: 3}, {})


@pytest.mark.usefixtures("_namespaces")
def test_a_call_that_does_not_come_back_is_left_behind() -> None:
    """A call may last four timeouts; then the block ends without it."""
    sample = watch(Scenario(timeout_s=0.05))
    assert (sample.queries, sample.errors) == (1, {"timeout": 1})
    assert sample.failure is not None
    assert sample.failure.message.endswith("a call did not come back within 0.2 s")


@pytest.mark.usefixtures("_namespaces")
def test_stopping_does_not_wait_for_getaddrinfo() -> None:
    """Who stops a block does not wait for a call that is under way."""
    sample = watch(Scenario(stop=True, timeout_s=60))
    assert (sample.queries, sample.errors, sample.failure) == (0, {}, None)
    assert sample.seconds < 0.9  # the C library would wait for 1 s


def test_a_name_that_is_none_is_a_failure() -> None:
    """What no DNS name can be is said."""
    sample = look_up(LookUp(name="x" * 64, family=4, queries=9))
    assert sample.failure is not None
    assert sample.failure.kind == "not-found"


def test_loopback_addresses_are_their_own_source() -> None:
    """The source towards 127.0.0.1 is 127.0.0.1; a destination without a route has none."""
    assert sources(["127.0.0.1"], 4).keys() == {"127.0.0.1"}
    assert sources(["127.0.0.1"], 4)["127.0.0.1"] in {"127.0.0.1/8", "127.0.0.1/0"}
    assert sources(["0.0.0.1"], 6) == {}


def test_prefix_lengths_are_those_of_the_interfaces() -> None:
    """Where the host has IPv6, every address is there, with the length that its interface has."""
    lengths = prefix_lengths()
    assert not lengths or lengths["127.0.0.1"] == 8
