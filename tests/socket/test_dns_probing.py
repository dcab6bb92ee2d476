"""lbcheck's DNS queries against real servers on loopback: what is counted, and what hostile answers come to."""

import itertools
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from lbcheck.model.address import Endpoint
from lbcheck.model.dns_queries import Resolve
from lbcheck.probing.dns.datagrams import REFUSALS
from lbcheck.probing.dns.kernel import SILENCES
from lbcheck.probing.dns.resolve import host_resolver, resolve
from tests.socket.asking import ONE, TWO, accounted, ask
from tests.socket.name_servers import (
    Behaviour,
    aliasing,
    answering,
    closed_port,
    compression_loop,
    name_server,
    replying,
    saying,
    silent,
    wrong_id,
    wrong_question,
)


def test_rotation_is_counted_by_first_address_and_by_order() -> None:
    """A server that takes turns is seen to put each address first equally often."""
    with name_server(answering(ONE, TWO)) as server:
        sample = ask(server, 1000)
    assert sample.first == {"192.0.2.1": 500, "192.0.2.2": 500}
    assert sample.orders == {ONE: 500, TWO: 500}
    assert (sample.queries, sample.rcodes, sample.errors) == (1000, {"NOERROR": 1000}, {})
    assert (sample.server, sample.layer, sample.failure) == (str(server), "authoritative", None)


def test_a_fixed_order_is_seen_as_one() -> None:
    """A server that does not rotate gives one first address."""
    with name_server(answering(ONE)) as server:
        assert ask(server).first == {"192.0.2.1": 10}


def test_ipv6_addresses_are_read() -> None:
    """AAAA records are counted like A records."""
    with name_server(answering("2001:2::1 2001:2::2", rdtype="AAAA")) as server:
        assert ask(server, rdtype="AAAA").orders == {"2001:2::1 2001:2::2": 10}


def test_without_the_authoritative_bit_the_answer_is_a_resolvers() -> None:
    """Who answered is told by AA."""
    with name_server(answering(ONE, flags=dns.flags.RA)) as server:
        assert ask(server).layer == "resolver"


@pytest.mark.parametrize(("layer", "recursive"), [("authoritative", False), ("resolver", True), ("", True)])
def test_recursion_is_not_asked_of_an_authoritative_server(layer: str, recursive: bool) -> None:
    """RD is set except for a server that must know by itself; every query offers 1,232 bytes by EDNS."""
    heard: list[bytes] = []
    with name_server(answering(ONE), queries=heard) as server:
        resolve(Resolve(name="www.example", rdtype="A", queries=3, server=server, layer=layer))  # type: ignore[arg-type]
    queries = [dns.message.from_wire(query) for query in heard]
    assert {bool(query.flags & dns.flags.RD) for query in queries} == {recursive}
    assert {query.payload for query in queries} == {1232}
    assert len({query.id for query in queries}) == 3


def test_addresses_behind_cnames_are_found() -> None:
    """The addresses at the end of a chain of CNAMEs are the answer; the TTLs are theirs."""
    with name_server(aliasing("192.0.2.7", "192.0.2.3")) as server:
        sample = ask(server)
    assert sample.orders == {"192.0.2.7 192.0.2.3": 10}
    assert sample.ttls_s == (60,)


def test_an_answer_without_addresses_is_no_error() -> None:
    """A name without records of the type gives an empty order."""
    with name_server(answering("")) as server:
        sample = ask(server)
    assert (sample.orders, sample.first, sample.errors, sample.failure) == ({"": 10}, {}, {}, None)


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR"])
def test_an_answer_that_says_no_is_counted_by_its_rcode(rcode: str) -> None:
    """An rcode is an answer, not a loss."""
    with name_server(saying(dns.rcode.from_text(rcode))) as server:
        sample = ask(server)
    assert (sample.rcodes, sample.orders, sample.errors, sample.failure) == ({rcode: 10}, {}, {}, None)


def test_every_ttl_seen_is_kept() -> None:
    """A cache that counts down gives several TTLs."""
    caches = itertools.cycle([answering(ONE, ttl=30), answering(ONE, ttl=29)])

    def behave(query: bytes) -> Iterable[bytes]:
        return next(caches)(query)

    with name_server(behave) as server:
        assert ask(server).ttls_s == (29, 30)


def test_more_distinct_answers_than_are_remembered_are_all_counted() -> None:
    """Forgetting answers loses no count."""
    orders = [f"192.0.2.{n}" for n in range(256)] + [f"198.51.100.{n}" for n in range(256)]
    with name_server(answering(*orders)) as server:
        sample = ask(server, 1024)
    assert sample.first == dict.fromkeys(orders, 2)


@pytest.mark.parametrize("noise", [wrong_id, wrong_question], ids=["wrong ID", "wrong question"])
def test_a_spoofed_answer_before_the_real_one_is_ignored(noise: Behaviour) -> None:
    """An answer counts only with an ID that is out and the question that was asked."""
    real = answering(ONE)
    with name_server(lambda query: [noise(query), *real(query)]) as server:  # type: ignore[list-item]
        sample = ask(server, 100)
    assert (sample.first, sample.errors) == ({"192.0.2.1": 100}, {})


def test_an_answer_given_twice_counts_once() -> None:
    """A duplicate is not a second answer."""
    real = answering(ONE)
    with name_server(lambda query: [*real(query)] * 2) as server:
        assert ask(server, 100).first == {"192.0.2.1": 100}


@pytest.mark.parametrize(
    ("noise", "kind"),
    [
        (wrong_id, "timeout"),
        (wrong_question, "protocol"),
        (lambda query: query, "protocol"),
        (lambda query: query[:2] + b"garbage that is no message", "protocol"),
        (lambda query: query[:5], "protocol"),
        (lambda _: b"", "timeout"),
        (lambda _: bytes(40000), "timeout"),
    ],
    ids=["wrong ID", "wrong question", "echo", "garbage", "short", "empty", "huge"],
)
def test_a_server_that_sends_noise_only_is_a_failure_that_says_so(noise: Behaviour, kind: str) -> None:
    """Datagrams that answer nothing are neither answers nor a reason to wait longer."""
    with name_server(replying(noise)) as server:  # type: ignore[arg-type]
        sample = ask(server, timeout_s=0.2)
    assert sample.failure is not None
    assert sample.failure.kind == kind
    assert f"{SILENCES} datagrams came that answer none of them" in sample.failure.message
    assert sample.queries == accounted(sample) == SILENCES


def test_an_answer_that_cannot_be_read_is_an_error_at_once() -> None:
    """A message with the right ID and question and broken records is not waited for again."""
    with name_server(replying(compression_loop)) as server:
        sample = ask(server, 100)
    assert sample.errors == {"protocol": 100}
    assert sample.failure is not None
    assert sample.failure.message == f"{server} does not answer 100 queries with a DNS message that can be read"


def test_a_flood_of_wrong_ids_does_not_hold_the_clock() -> None:
    """An endless stream of datagrams that fit no query ends with the timeouts."""
    flooding = threading.Event()

    def flood(query: bytes) -> Iterable[bytes]:
        noise = wrong_id(query)
        until = time.monotonic() + 0.7  # beyond the three timeouts
        while time.monotonic() < until and not flooding.is_set():
            yield noise

    with name_server(flood) as server:
        sample = ask(server, timeout_s=0.2)
        flooding.set()
    assert sample.errors == {"timeout": SILENCES}
    assert sample.seconds < 3


def test_silence_is_waited_for_three_times() -> None:
    """A server that never answers is asked one query at a time, three times, and named."""
    heard: list[bytes] = []
    with name_server(silent, queries=heard) as server:
        sample = ask(server, 1000, timeout_s=0.2)
    assert len(heard) == sample.queries == SILENCES
    assert sample.errors == {"timeout": SILENCES}
    assert sample.failure is not None
    assert sample.failure.message == f"{server} does not answer: 3 queries, each waited for 0.2 s"
    assert sample.layer == ""


def test_a_lost_query_is_one_error_and_is_not_sent_again() -> None:
    """One query in ten that gets no answer is one error in ten, and the others are counted."""
    real = answering(ONE)
    turns = itertools.count()
    heard: list[bytes] = []
    with name_server(lambda query: () if next(turns) % 10 == 5 else real(query), queries=heard) as server:
        sample = ask(server, 100, timeout_s=1)
    assert (sample.errors, sample.first, sample.failure) == ({"timeout": 10}, {"192.0.2.1": 90}, None)
    assert sample.queries == len(heard) == 100


def test_a_server_that_falls_silent_is_given_up() -> None:
    """After three timeouts without any answer the rest is not sent, and what was answered stands."""
    real = answering(ONE)
    turns = itertools.count()
    heard: list[bytes] = []
    with name_server(lambda query: real(query) if next(turns) < 100 else (), queries=heard) as server:
        sample = ask(server, 100_000, timeout_s=1)
    assert sample.first == {"192.0.2.1": 100}
    assert sample.queries == accounted(sample) == len(heard) < 1000
    assert sample.failure is None
    assert sample.seconds < 10


def test_a_closed_port_refuses() -> None:
    """Nobody listening is told at once, after a few queries."""
    server = closed_port()
    sample = ask(server, 1000)
    assert sample.failure is not None
    assert (sample.failure.kind, sample.queries) == ("refused", accounted(sample))
    assert sample.failure.message == f"{server} refuses queries: nothing listens there"
    assert 1 <= sample.errors["refused"] <= REFUSALS
    assert sample.seconds < 1


def test_a_rate_is_kept_without_bursts() -> None:
    """Queries at 100 a second come about 10 ms apart, however fast the server is."""
    moments: list[float] = []
    real = answering(ONE)

    def behave(query: bytes) -> Iterable[bytes]:
        moments.append(time.monotonic())
        return real(query)

    with name_server(behave) as server:
        sample = ask(server, 30, rate=100)
    assert sample.first == {"192.0.2.1": 30}
    assert moments[-1] - moments[0] >= 0.28


def test_stopping_leaves_what_was_counted() -> None:
    """A block that is stopped ends at once; queries still out are in no count."""
    stop = threading.Event()
    turns = itertools.count()
    real = answering(ONE)

    def behave(query: bytes) -> Iterable[bytes]:
        if next(turns) < 5:
            return real(query)
        stop.set()
        return ()

    with name_server(behave) as server:
        step = Resolve(name="www.example", rdtype="A", queries=1000, server=server, timeout_s=60)
        sample = resolve(step, stop.is_set)
    assert sample.first == {"192.0.2.1": 5}
    assert (sample.queries, sample.errors, sample.failure) == (5, {}, None)
    assert sample.seconds < 2


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", ".".join(["x" * 60] * 5)])
def test_a_name_that_is_none_is_a_failure(name: str) -> None:
    """What DNS cannot carry is said, and nothing is sent."""
    sample = resolve(Resolve(name=name, rdtype="A", queries=1, server=closed_port()))
    assert sample.failure is not None
    assert sample.failure.message.startswith(f"'{name}' is no domain name")
    assert sample.queries == 0


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("# nameserver 192.0.2.1\nsearch example\nnameserver 192.0.2.53\nnameserver 192.0.2.54\n", "192.0.2.53"),
        ("nameserver\nnameserver 2001:2::53 # the cache\n", "2001:2::53"),
        ("search example\n", "127.0.0.1"),
        (None, "127.0.0.1"),
    ],
)
def test_the_hosts_resolver_is_the_first_nameserver(tmp_path: Path, text: str | None, address: str) -> None:
    """Without a server the first nameserver of resolv.conf is asked, or the C library's default."""
    if text is not None:
        (tmp_path / "resolv.conf").write_text(text)
    assert host_resolver(tmp_path / "resolv.conf") == Endpoint(address, 53)


def test_a_nameserver_that_is_no_address_is_a_failure(tmp_path: Path) -> None:
    """A resolv.conf that cannot be used is named in a sentence."""
    (tmp_path / "resolv.conf").write_text("nameserver dns.example\n")
    sample = resolve(Resolve(name="www.example", rdtype="A", queries=1), resolv_conf=tmp_path / "resolv.conf")
    assert sample.failure is not None
    assert "'dns.example' is not an IP address" in sample.failure.message
