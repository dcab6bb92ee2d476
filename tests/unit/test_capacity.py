"""From a cluster to what each path holds, what binds first, and what one more gains."""

import json
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any, TypeVar

import jsonschema
import pytest

from lbcheck import pipeline
from lbcheck.analysis.tuples import path as paths
from lbcheck.analysis.tuples import server_hop
from lbcheck.analysis.tuples.growth import gains, grow
from lbcheck.analysis.tuples.hops import Path
from lbcheck.analysis.tuples.path import Subject
from lbcheck.checks.capacity import predict
from lbcheck.errors import LbcheckError
from lbcheck.model.address import PortRange
from lbcheck.model.capacity import BalancerCapacity, ClientCapacity, FrontendCapacity, ServerCapacity
from lbcheck.model.cluster import (
    Backend,
    Balancer,
    Client,
    Cluster,
    Frontend,
    NatGateway,
    Server,
    Vip,
    capacity_of,
)
from lbcheck.model.nat import MappingBehaviour, NatCapacity
from lbcheck.model.opening import BindingMode, HostLimits, Opening
from lbcheck.model.verdict import Outcome

from .shown import as_json, as_text

HUNDRED = PortRange(40000, 40099)
EXPLICIT = Opening(PortRange(20000, 29999), binding=BindingMode.EXPLICIT)  # 10,000 ports, used again for each endpoint
Thing = TypeVar("Thing", Client, Frontend, Balancer, Server, NatGateway)


def holding(thing: Thing, **more: Any) -> Thing:
    """Return the thing with something else known of its capacity."""
    return replace(thing, holds=replace(capacity_of(thing), **more))


def client(name: str, *addresses: str, **capacity: Any) -> Client:
    """Return a client."""
    return Client(name, addresses, holds=ClientCapacity(**capacity))


def frontend(backend: str = "", **capacity: Any) -> Frontend:
    """Return the frontend."""
    return Frontend("www", backend=backend, holds=FrontendCapacity(**capacity))


LB1 = Balancer("lb1", holds=BalancerCapacity(("198.19.0.21",), Opening(HUNDRED, binding=BindingMode.NO_PORT)))
WEB1, WEB2 = (Server(f"web{n}", holds=ServerCapacity(f"198.19.0.1{n}")) for n in (1, 2))
ONE = Cluster(
    clients=(client("client1", "198.18.0.31", opening=EXPLICIT),),
    vips=(Vip("198.18.0.101", "lb1"),),
    frontends=(frontend("web"),),
    balancers=(LB1,),
    backends=(Backend("web", servers=(WEB1,)),),
)
WWW = Subject(frontend="www")
POOL = NatGateway("nat1", ("198.18.0.41", "198.18.0.42"), PortRange(40000, 40063), holds=NatCapacity())
SUBSCRIBERS = tuple(
    replace(client(f"s{n}", f"100.64.0.{n}", opening=EXPLICIT, connections=3 * 60), behind="nat1") for n in range(2, 10)
)
BEHIND = Cluster(
    clients=SUBSCRIBERS,
    nat_gateways=(POOL,),
    vips=(Vip("198.18.0.101"), Vip("198.18.0.102"), Vip("198.18.0.103"), Vip("2001:2::101")),
    frontends=(frontend(),),
)
NAT1 = Subject(nat="nat1")


def with_servers(*servers: Server, redispatch: bool = False, **more: Any) -> Cluster:
    """Return the cluster with these servers."""
    return replace(ONE, backends=(Backend("web", servers=servers, redispatch=redispatch),), **more)


def with_balancer(**more: Any) -> Cluster:
    """Return the cluster with another lb1."""
    return replace(ONE, balancers=(holding(LB1, **more),))


def www(cluster: Cluster) -> Path:
    """Return the path of the frontend."""
    return paths.of_frontend(cluster, "www")


def gained(cluster: Cluster, subject: Subject = WWW) -> Mapping[str, int]:
    """Return what one more of each gains."""
    return {gain.what: gain.gained for gain in gains(cluster, subject)}


# --- balancer → server ---


@pytest.mark.parametrize(
    ("cluster", "holds"),
    [
        (ONE, 100),
        (with_servers(WEB1, WEB2), 200),
        (with_servers(holding(WEB1, ports=(8080, 8081))), 200),
        (with_servers(WEB1, replace(WEB2, weight=3)), 133),
        (with_servers(WEB1, replace(WEB2, weight=3), redispatch=True), 200),
        (with_servers(WEB1, replace(WEB2, weight=0)), 100),
        (with_servers(holding(WEB1, address="2001:2:0:1::11")), 0),  # lb1's only source is IPv4
        (with_balancer(sources=("198.19.0.21", "198.19.0.22")), 200),
        (with_balancer(sources=("198.19.0.21", "198.19.0.22"), opening=Opening(HUNDRED)), 100),  # no bind: one source
        (with_balancer(sources=()), 100),
        (with_balancer(opening=Opening(PortRange(40000, 40049), binding=BindingMode.EXPLICIT)), 50),
        (replace(ONE, balancers=(LB1, replace(LB1, name="lb2"))), 100),  # lb2 has no VIP: it takes nothing
        (replace(ONE, balancers=(LB1, replace(LB1, name="lb2")), vips=(Vip("198.18.0.101"),)), 200),
    ],
)
def test_a_balancer_holds_sources_by_ports_by_server_endpoints(cluster: Cluster, holds: int) -> None:
    """Towards servers HAProxy is a client: P for each source and server endpoint, shared by weight."""
    path = www(cluster)
    assert (path.holds, path.narrowest.name, path.limit) == (holds, "balancer → server", "source ports")


def test_a_port_that_serves_once_is_shared_by_all_servers() -> None:
    """Under `bind(source, 0)` two servers share the ports of the balancer: its own hop says so."""
    cluster = with_servers(
        WEB1, WEB2, balancers=(holding(LB1, opening=Opening(HUNDRED, binding=BindingMode.ANY_PORT)),)
    )
    assert (www(cluster).holds, www(cluster).narrowest.name) == (100, "balancer")


@pytest.mark.parametrize(
    ("cluster", "holds", "hop", "limit"),
    [
        (with_balancer(maxconn=90), 90, "balancer", "HAProxy maxconn (global)"),
        (
            replace(ONE, frontends=(frontend("web", maxconn=70),)),
            70,
            "balancer",
            "HAProxy maxconn (frontend)",
        ),
        (with_balancer(limits=HostLimits(file_descriptors=161)), 80, "balancer", "file descriptors"),
        (with_balancer(limits=HostLimits(conntrack_max=100)), 50, "balancer", "nf_conntrack_max"),
        (with_balancer(limits=HostLimits(memory_bytes=80_000)), 10, "balancer", "memory"),
        (with_servers(holding(WEB1, maxconn=30)), 30, "balancer → server", "HAProxy maxconn (server)"),
        (
            with_servers(holding(WEB1, worker_processes=2, worker_connections=16)),
            32,
            "balancer → server",
            "nginx worker_connections",
        ),
        (with_servers(holding(WEB1, worker_connections=16)), 100, "balancer → server", "source ports"),
        (
            with_servers(holding(WEB1, limits=HostLimits(file_descriptors=40))),
            40,
            "balancer → server",
            "file descriptors",
        ),
        (with_servers(holding(WEB1, queue=5)), 6, "balancer → server", "somaxconn"),
        (with_servers(holding(WEB1, limits=HostLimits(memory_bytes=40_000))), 10, "balancer → server", "memory"),
        (
            replace(ONE, clients=(client("c", "198.18.0.31", opening=Opening(PortRange(5, 9))),)),
            5,
            "client → VIP",
            "source ports",
        ),
        (replace(ONE, clients=(holding(ONE.clients[0], connections=9),)), 9, "client → VIP", "connections wanted"),
    ],
)
def test_the_limit_that_binds_first_is_named(cluster: Cluster, holds: int, hop: str, limit: str) -> None:
    """A proxied connection takes two descriptors, entries and sockets at the balancer, and one at the server."""
    path = www(cluster)
    assert (path.holds, path.narrowest.name, path.limit) == (holds, hop, limit)


def test_one_small_server_ends_the_path_for_all() -> None:
    """Without redispatch the lowest maxconn limits the others, and the verdict says which server and what is lost."""
    cluster = with_servers(holding(WEB1, maxconn=10), WEB2)
    [verdict] = predict(cluster, {})
    assert verdict.summary == ("holds 20 connections at once; limited by HAProxy maxconn (server) (balancer → server)")
    sentence = (
        "web1 (weight 1 of 2) reaches its limit of 10 first. Further connections for it fail, so the servers hold 20 "
        "together. With `option redispatch` they would go to another server: 110."
    )
    assert sentence in [finding.message for finding in verdict.findings]


def test_two_balancers_with_limits_of_different_kinds_are_added_up() -> None:
    """Each balancer holds what its own lowest limit allows."""
    second = holding(replace(LB1, name="lb2"), maxconn=1)
    cluster = replace(ONE, balancers=(LB1, second), vips=(Vip("198.18.0.101"),))
    assert www(cluster).holds == 101


def test_what_a_limit_would_allow_counts_balancers_without_it_by_their_own() -> None:
    """lb2's maxconn of 1 is no limit of lb1, which its 100 source ports limit: that limit alone would allow 101."""
    second = holding(replace(LB1, name="lb2"), maxconn=1)
    path = www(replace(ONE, balancers=(LB1, second), vips=(Vip("198.18.0.101"),)))
    assert path.narrowest.limits == (("source ports", 200), ("HAProxy maxconn (global)", 101))


# --- client → VIP ---


@pytest.mark.parametrize(
    ("opening", "holds"),
    [
        (EXPLICIT, 10_000 * 2 * 3 + 10_000 * 2),
        (replace(EXPLICIT, binding=BindingMode.NONE), 10_000 * 3 + 10_000 * 2),
        (replace(EXPLICIT, binding=BindingMode.ANY_PORT), 10_000 * 2 + 10_000),
    ],
)
def test_each_address_family_has_tuples_of_its_own(opening: Opening, holds: int) -> None:
    """Two IPv4 addresses to three endpoints, and one IPv6 address to two, beside each other."""
    host = client("c", "198.18.0.31", "198.18.0.32", "2001:2::31", opening=opening)
    vips = tuple(Vip(address) for address in ("198.18.0.1", "198.18.0.2", "198.18.0.3", "2001:2::1", "2001:2::2"))
    assert www(Cluster(clients=(host,), vips=vips, frontends=(frontend(),))).holds == holds


def test_time_wait_limits_what_a_hop_opens_a_second() -> None:
    """One source towards one endpoint opens 470 a second from the default range."""
    cluster = Cluster(clients=(client("c", "198.18.0.31"),), vips=(Vip("198.18.0.1"),), frontends=(frontend(),))
    assert int(www(cluster).narrowest.a_second or 0) == 470


# --- subscriber → NAT → service ---


def test_totals_of_each_outside_address_are_what_was_measured() -> None:
    """Eight subscribers split 2 and 6, each wants 60 to each of three: 64 ports an address give 64 to each."""
    path = NAT1.path(BEHIND)
    assert [step.predicted for step in path.hops[0].products] == [64 * 3, 64 * 3]
    assert (path.holds, path.wanted, path.limit) == (384, 8 * 180, "NAT ports")


def test_a_single_subscriber_gains_by_destinations_and_not_by_addresses() -> None:
    """64 to each destination: a VIP or a port gains 64 or more, an address or another NAT nothing."""
    single = replace(BEHIND, clients=(holding(SUBSCRIBERS[0], connections=None),))
    found = gained(single, NAT1)
    assert NAT1.path(single).holds == 192
    assert (found["nat-address"], found["nat"], found["vip"]) == (0, 0, 64)


def test_each_address_of_a_host_is_a_subscriber_of_its_own() -> None:
    """The NAT places 100.64.0.2 and .3 on different outside addresses, whether one host has both or two hosts do."""
    host = holding(replace(SUBSCRIBERS[0], addresses=("100.64.0.2", "100.64.0.3")), connections=None)
    both = replace(BEHIND, clients=(host,))
    steps = NAT1.path(both).hops[0].products
    assert [step.outside.subscribers for step in steps if step.outside] == [1, 1]
    assert NAT1.path(both).holds == 2 * 192


def test_two_nats_carry_twice_as_much() -> None:
    """With one outside address each, two CGNs carry 128 to each destination."""
    one = replace(BEHIND, nat_gateways=(replace(POOL, addresses=("198.18.0.41",)),))
    assert NAT1.path(one).holds == 64 * 3
    assert gained(one, NAT1)["nat"] == 64 * 3
    assert gained(one, NAT1)["nat-address"] == 64 * 3
    third = grow(one, NAT1, {"nat": 2})
    assert [pool.addresses for pool in third.nat_gateways] == [("198.18.0.41",), ("198.18.0.42",), ("198.18.0.43",)]
    assert [sum(client.hosts for client in third.behind[pool.name]) for pool in third.nat_gateways] == [3, 3, 2]


def test_nats_of_similar_names_are_different_nats() -> None:
    """Nobody added the NAT `nat1+` beside `nat1`: each holds what its own 64 ports give, and grows by itself."""
    pools = (replace(POOL, addresses=("198.18.0.41",)), replace(POOL, name="nat1+", addresses=("198.18.0.51",)))
    clients = tuple(replace(c, behind=pools[n % 2].name) for n, c in enumerate(BEHIND.clients))
    cluster = replace(BEHIND, nat_gateways=pools, clients=clients)
    assert [Subject(nat=pool.name).path(cluster).holds for pool in pools] == [64 * 3, 64 * 3]
    grown = grow(cluster, NAT1, {"nat": 1})
    assert [pool.name for pool in grown.nat_gateways] == ["nat1", "nat1+", "nat1++"]
    assert [Subject(nat=pool.name).path(grown).holds for pool in pools] == [2 * 64 * 3, 64 * 3]


def test_dual_stack_takes_its_share_off_the_pool() -> None:
    """Half of 1,440 connections on IPv6 leave 720 to 384 places: 720 more are held."""
    half = grow(BEHIND, NAT1, {"ipv6": 50})
    path = NAT1.path(half)
    assert path.bypass is not None
    assert (path.narrowest.holds, path.bypass.holds, path.holds) == (64 * 3 * 2 - 12, 720, 1092)


def test_subscribers_known_by_number_may_move_to_ipv6_too() -> None:
    """A tenth of a thousand hosts that want all they can are given an IPv6 address."""
    many = replace(
        BEHIND, clients=(Client("homes", behind="nat1", hosts=1000, holds=ClientCapacity(Opening(HUNDRED))),)
    )
    assert gained(many, NAT1)["ipv6"] == 100 * 100
    assert gained(many, NAT1)["nat"] == 64 * 2 * 3


def test_endpoint_independent_mapping_is_shared_by_all_destinations() -> None:
    """Two addresses of 64 ports carry 128 connections in all where clients take a new port for each."""
    pool = holding(POOL, mapping=MappingBehaviour.ENDPOINT_INDEPENDENT)
    clients = tuple(holding(c, opening=replace(EXPLICIT, binding=BindingMode.NONE)) for c in SUBSCRIBERS)
    assert NAT1.path(replace(BEHIND, nat_gateways=(pool,), clients=clients)).holds == 128


def test_the_gateways_own_table_may_bind_first() -> None:
    """nf_conntrack_max counts for all outside addresses together."""
    path = NAT1.path(replace(BEHIND, nat_gateways=(holding(POOL, conntrack_max=100),)))
    assert (path.holds, path.limit) == (100, "nf_conntrack_max")


def test_port_blocks_bind_where_they_are_smaller_than_the_demand() -> None:
    """Eight blocks of 16 are 128 to each destination, and it is the blocks that bind where subscribers are few."""
    few = replace(BEHIND, nat_gateways=(holding(POOL, block_ports=16),), clients=SUBSCRIBERS[:2])
    path = NAT1.path(few)
    assert (path.holds, path.limit) == (2 * 16 * 3, "port blocks")


def test_a_nat_limits_its_clients_on_the_way_to_the_vips() -> None:
    """In a frontend's path what passes the NAT stands beside what comes directly."""
    cluster = replace(BEHIND, clients=(*SUBSCRIBERS, ONE.clients[0]))
    assert www(cluster).holds == 384 + 10_000 * 3


# --- growth ---


@pytest.mark.parametrize(
    ("what", "gain"),
    [
        ("backend", 100),
        ("server-port", 100),
        ("balancer", 100),
        ("balancer-source", 100),
        ("vip", 0),
        ("frontend-port", 0),
        ("client", 0),
    ],
)
def test_what_one_more_gains_depends_on_what_binds(what: str, gain: int) -> None:
    """Where the balancer's source ports bind, everything on that hop gains P, and nothing before it gains."""
    assert gained(ONE)[what] == gain
    assert www(grow(ONE, WWW, {what: 3})).holds == 100 + 3 * gain


@pytest.mark.parametrize("what", ["vip", "frontend-port", "client"])
def test_where_the_clients_bind_their_side_gains(what: str) -> None:
    """With explicit binding, each further VIP, frontend port and client address gains the client's whole range."""
    assert gained(replace(ONE, backends=(), frontends=(frontend(),)))[what] == 10_000


def test_a_vip_more_is_an_address_of_a_frontend_that_lists_its_own() -> None:
    """A frontend of an inventory names its addresses: one more VIP is one of them, and gains as much."""
    listed = replace(ONE, backends=(), frontends=(replace(frontend(), addresses=("198.18.0.101",)),))
    assert gained(listed)["vip"] == 10_000
    assert grow(listed, WWW, {"vip": 2}).frontends[0].addresses == ("198.18.0.101", "198.18.0.102", "198.18.0.103")


def test_a_named_source_is_worth_nothing_to_a_client_that_does_not_bind() -> None:
    """Without a bind the route picks one source, however many there are."""
    free = Cluster(clients=(client("c", "198.18.0.31"),), vips=(Vip("198.18.0.1"),), frontends=(frontend(),))
    assert gained(free)["client"] == 0


def test_weights_decide_what_another_server_is_worth() -> None:
    """At weights 1:3 the heavy one is full first: 133; another heavy one makes it 1:3:3 and 233."""
    assert gained(with_servers(WEB1, replace(WEB2, weight=3)))["backend"] == 233 - 133


def test_what_is_not_there_cannot_grow() -> None:
    """Asking for one more NAT address without a NAT is said in a sentence."""
    assert "nat-address" not in gained(ONE)
    with pytest.raises(LbcheckError, match="nat-address cannot grow here: there is nothing to add it to"):
        predict(ONE, {"nat-address": 1})


# --- what has to be known ---


@pytest.mark.parametrize(
    ("cluster", "sentence"),
    [
        (replace(ONE, frontends=()), "no frontends: set cluster_frontends"),
        (replace(ONE, vips=()), "frontend 'www' answers nowhere: set cluster_vips"),
        (replace(ONE, clients=(), balancers=()), "frontend 'www' has no clients before it and no balancers behind it"),
        (replace(ONE, balancers=(Balancer("lb1"),)), "Balancer 'lb1': nothing is known of its capacity"),
        (replace(ONE, clients=(Client("c1"),)), "Client 'c1': nothing is known of its capacity"),
    ],
)
def test_what_is_missing_is_asked_for(cluster: Cluster, sentence: str) -> None:
    """Without a path, or figures of each thing on it, nothing is predicted, and a sentence says what to set."""
    with pytest.raises(LbcheckError, match=sentence):
        predict(cluster, {})


def test_what_is_behind_a_frontend_without_balancers_is_not_modelled() -> None:
    """An inventory of clients and servers alone: the path ends at the addresses that answer."""
    assert [hop.name for hop in www(replace(ONE, balancers=())).hops] == ["client → VIP"]


# --- the verdicts ---


def test_the_verdict_names_the_limit_and_the_best_addition() -> None:
    """A summary with the numbers, what is worth most, and what was assumed."""
    [verdict] = predict(replace(ONE, assumed=("the moon is round",)), {})
    assert verdict.summary == "holds 100 connections at once; limited by source ports (balancer → server)"
    assert verdict.evidence["binding"] == {"hop": "balancer → server", "limit": "source ports", "value": 100}
    assert verdict.findings[0].message == (
        "worth most, +100 each: one backend server, one server port, one balancer, one balancer source address"
    )
    assert verdict.findings[-1].message == "the moon is round"
    step = verdict.evidence["steps"][-1]
    assert (step["sources"], step["ports"], step["endpoints"], step["predicted"]) == (1, 100, 1, 100)
    assert step["measured"] is None


def test_connections_that_find_no_room_fail() -> None:
    """What clients say they want is held against what there is."""
    wanting = predict(replace(ONE, clients=(holding(ONE.clients[0], connections=101),)), {})
    assert wanting[0].outcome is Outcome.FAIL
    assert wanting[0].findings[0].message == "of 101 connections wanted 1 find no room"
    content = predict(replace(ONE, clients=(holding(ONE.clients[0], connections=100),)), {})
    assert content[0].findings[0].message == "all 100 connections wanted fit"


def test_growth_is_shown_against_what_there_was() -> None:
    """The grown cluster's verdict says what it held before."""
    [verdict] = predict(ONE, {"backend": 2})
    assert "grown by backend=2: 100 → 300 (+200)" in [finding.message for finding in verdict.findings]
    assert (verdict.evidence["before"], verdict.evidence["grown"]) == (100, {"backend": 2})


def test_where_nothing_helps_it_is_said_which_hops_bind_together() -> None:
    """Two hops of the same size: no single addition gains anything."""
    both = replace(ONE, clients=(client("c", "198.18.0.31", opening=Opening(HUNDRED)),), vips=(Vip("198.18.0.101"),))
    [verdict] = predict(both, {})
    assert verdict.findings[0].message.startswith("one more of nothing gains anything: client → VIP and balancer")


def test_the_report_keeps_to_the_schema_and_is_a_table_for_people() -> None:
    """Each verdict's evidence is valid; the text has the products, the hops and the gains."""
    whole = replace(BEHIND, balancers=(LB1,), backends=ONE.backends, frontends=(frontend("web"),))
    report = pipeline.predict(whole, {"vip": 1})
    schema = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
    jsonschema.validate(json.loads(as_json(report)), schema)
    text = as_text(report)
    assert "NAT 198.18.0.41, 2 subscribers  v4  address-and-port-dependent" in text
    assert "balancer → server    100              2            100  source ports 100" in text


def test_servers_admit_the_lower_of_their_limits_and_the_balancers_tuples() -> None:
    """Each for itself: 100 tuples to one, a maxconn of 30 at another; none to one of weight 0 or of another family."""
    idle, six = replace(WEB1, weight=0), holding(WEB1, address="2001:2::11")
    backend = Backend("web", servers=(WEB1, holding(WEB2, maxconn=30), idle, six))
    cluster = replace(ONE, backends=(backend,))
    assert server_hop.admitted(cluster, backend, 4) == 130
    both = replace(LB1, holds=replace(capacity_of(LB1), sources=("198.19.0.21", "2001:2::21")))
    assert server_hop.admitted(replace(cluster, balancers=(both,)), backend, 6) == 100
