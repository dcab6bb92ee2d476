"""From a model file, or an inventory's listing, to the model of tuple capacity; and what is said of what cannot be."""

from pathlib import Path
from typing import Any

import pytest

from lbcheck import pipeline
from lbcheck.analysis.tuples import nat
from lbcheck.analysis.tuples import path as paths
from lbcheck.analysis.tuples.binding import usable_ports
from lbcheck.analysis.tuples.growth import gains
from lbcheck.cli import main
from lbcheck.errors import LbcheckError
from lbcheck.loaders import model_file
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.loaders.capacity_variables import BALANCER, CLIENT, SERVER, with_capacity
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.address import PortRange
from lbcheck.model.cluster import Cluster, capacity_of
from lbcheck.model.nat import AddressChoice, MappingBehaviour
from lbcheck.model.opening import BindingMode

from .test_inventory_loader import listing

EXAMPLE = Path(__file__).parent / "data" / "capacity.yml"
DOCS = Path(__file__).parents[2] / "docs" / "capacity.yml"
SMALL: dict[str, Any] = {
    "clients": [{"name": "c", "addresses": ["198.18.0.31"]}],
    "vips": ["198.18.0.101"],
    "frontends": [{"name": "www"}],
}
NAT = {"name": "n", "addresses": "198.18.0.41"}


def model(**parts: Any) -> Cluster:
    """Return the small model with other parts."""
    return model_file.read(SMALL | parts, "m.yml")


def test_the_example_is_understood_whole() -> None:
    """Every kind of thing in docs/capacity.yml arrives in the model."""
    cluster = model_file.load(EXAMPLE)
    assert DOCS.read_text() == EXAMPLE.read_text()
    assert [client.name for client in cluster.clients][:2] == ["office", "homes 100.64.0.2"]
    assert (len(cluster.clients), cluster.clients[1].behind, capacity_of(cluster.clients[1]).connections) == (
        9,
        "cgn",
        60,
    )
    assert cluster.nat_gateways[0].addresses == ("198.51.100.1", "198.51.100.2")
    assert capacity_of(cluster.nat_gateways[0]).choice is AddressChoice.LINUX_HASH
    assert [vip.home for vip in cluster.vips] == ["lb1", "lb2", "lb1"]
    assert (
        capacity_of(cluster.balancers[0]).opening.binding is BindingMode.NO_PORT
    )  # sources are named, so HAProxy binds
    assert cluster.backends[0].servers[2].weight == 2


def test_hosts_alike_share_what_they_are_told_apart_by() -> None:
    """Ten thousand subscribers have one record between them: the arithmetic is as fast as for one."""
    clients = model_file.load(EXAMPLE).clients[1:]
    assert len({id(client.holds) for client in clients}) == 1


def test_what_nobody_says_is_said_to_be_assumed() -> None:
    """Defaults and limits that are not known are sentences of the model."""
    assert model().assumed == (
        "assumed for 1 client: Linux's own range of source ports, 32768-60999 (28,232); "
        "sockets are not bound before they connect (binding: none); no tcp_tw_reuse; "
        "the side that connects closes first, and keeps TIME_WAIT",
    )
    backends = [{"name": "web", "servers": [{"name": "web1"}]}]
    with_server = model(backends=backends, balancers=[{"name": "lb1"}], frontends=[{"name": "www", "backend": "web"}])
    assert "assumed for 1 server: port 80" in with_server.assumed
    assert model_file.load(EXAMPLE).assumed[-1].startswith("not known, so no limit: maxconn, file_descriptors of 3")


@pytest.mark.parametrize(
    ("given", "hosts"),
    [
        ({"addresses": "198.18.0.1-198.18.0.4"}, [(4, 0)]),
        ({"addresses": ["198.18.0.1", "2001:2::1-2001:2::3"]}, [(1, 3)]),
        ({"subscribers": "100.64.0.0/30"}, [(1, 0), (1, 0)]),
        ({"subscribers": ["100.64.0.2", "2001:2::2"]}, [(1, 0), (0, 1)]),
        ({"subscribers": 5000}, [(1, 0)]),
        ({"subscribers": "1_000_000"}, [(1, 0)]),
    ],
)
def test_addresses_are_of_one_host_and_subscribers_of_one_each(given: dict[str, Any], hosts: list[Any]) -> None:
    """An address, a range, a prefix, a list of them; or only how many they are."""
    clients = model(clients=[{"name": "c"} | given]).clients
    assert [client.families for client in clients] == hosts
    if "5000" in str(given):
        assert clients[0].hosts == 5000


def test_a_preset_is_the_ground_that_fields_are_laid_on() -> None:
    """What the file says goes over what the preset says."""
    given = NAT | {"preset": "gcp-cloud-nat", "block_ports": 128, "mapping": "endpoint-independent", "hold_down_s": 120}
    [pool] = model(nats=[given]).nat_gateways
    assert (capacity_of(pool).block_ports, capacity_of(pool).mapping, pool.ports) == (
        128,
        MappingBehaviour.ENDPOINT_INDEPENDENT,
        PortRange(1024, 65535),
    )
    assert capacity_of(model(nats=[NAT | {"block_ports": "deterministic"}]).nat_gateways[0]).deterministic
    [aws] = model(nats=[NAT | {"preset": "aws-nat-gateway"}]).nat_gateways
    assert nat.usable_ports(aws) == 55_000


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ({"client": []}, "m.yml: field 'client' is not known; the nearest is 'clients'"),
        ({"clients": {"name": "c"}}, "m.yml: clients: has to be a list"),
        ({"clients": ["c"]}, "m.yml: client '1': 'c' is no mapping of fields to values"),
        ({"clients": [{"addresses": "198.18.0.1"}]}, "m.yml: client '1': name: is missing"),
        (
            {"clients": [{"name": "c", "port": "1-2"}]},
            "m.yml: client 'c': field 'port' is not known; the nearest is 'ports'",
        ),
        (
            {"clients": [{"name": "c", "ports": "60999-32768"}]},
            "m.yml: client 'c': ports: port range 60999-32768: write LO-HI",
        ),
        ({"clients": [{"name": "c", "ports": "many"}]}, "ports: 'many' is not a port range; write LO-HI"),
        ({"clients": [{"name": "c", "connections": -1}]}, "m.yml: client 'c': connections: -1 is not between 0 and"),
        ({"clients": [{"name": "c", "connections": 1.5}]}, "connections: '1.5' is not a whole number"),
        ({"clients": [{"name": "c", "connections": True}]}, "connections: 'True' is not a whole number"),
        ({"clients": [{"name": "c", "ipv6_share": 2}]}, "ipv6_share: '2' is not a share from 0 to 1"),
        ({"clients": [{"name": "c", "tw_reuse": 2}]}, "tw_reuse: '2' is neither true nor false"),
        (
            {"clients": [{"name": "c", "binding": "explicity"}]},
            "binding: 'explicity' is not one of explicit, explicit-excl",
        ),
        ({"clients": [{"name": "c", "binding": "explicity"}]}, "the nearest is 'explicit'"),
        (
            {"clients": [{"name": "c", "addresses": "198.18.0.300"}]},
            "addresses: '198.18.0.300' is not an IP address, a ran",
        ),
        (
            {"clients": [{"name": "c", "addresses": "198.18.0.9-198.18.0.1"}]},
            "'198.18.0.9-198.18.0.1' ends before it begins",
        ),
        (
            {"clients": [{"name": "c", "subscribers": "100.64.0.0/10"}]},
            "'100.64.0.0/10' are 4,194,304 addresses; 131,072 at",
        ),
        (
            {"clients": [{"name": "c", "subscribers": "100.64.0.1/24"}]},
            "'100.64.0.1/24' is no prefix: 100.64.0.1/24 has host b",
        ),
        ({"clients": [{"name": "c", "subscribers": 0}]}, "subscribers: 0 is not between 1 and"),
        ({"clients": [{"name": "c", "subscribers": 2, "addresses": "198.18.0.1"}]}, "give one of the two"),
        (
            {"clients": [{"name": "c", "behind": "cgn"}]},
            "m.yml: client 'c': behind 'cgn' does not exist; there is none",
        ),
        ({"nats": [{"name": "n"}]}, "m.yml: NAT 'n': addresses: a pool needs at least one address"),
        (
            {"nats": [NAT | {"preset": "cisco"}]},
            "m.yml: NAT 'n': preset: 'cisco' is not one of linux-nftables, aws-nat-gatew",
        ),
        ({"nats": [NAT | {"ports": "9-1"}]}, "m.yml: NAT 'n': ports: port range 9-1"),
        ({"nats": [NAT | {"block_ports": 0}]}, "m.yml: NAT 'n': block_ports: 0 is not between 1 and 65,535"),
        ({"nats": [NAT | {"mapping": "cone"}]}, "m.yml: NAT 'n': mapping: 'cone' is not one of endpoint-independent"),
        ({"nats": [NAT, NAT]}, "m.yml: nats: 'n' is there twice"),
        ({"vips": ["198.18.0.1", {"address": "198.18.0.2", "at": "lb1"}]}, "m.yml: vips: field 'at' is not known"),
        (
            {"vips": [{"address": "198.18.0.2", "home": "lb1"}]},
            "m.yml: VIP 198.18.0.2: home 'lb1' does not exist; there is n",
        ),
        ({"vips": "198.18.0.1"}, "m.yml: vips: has to be a list"),
        (
            {"frontends": [{"name": "w", "ports": 70000}]},
            "m.yml: frontend 'w': ports: 70000 is not between 1 and 65,535",
        ),
        (
            {"frontends": [{"name": "w", "backend": "x"}]},
            "m.yml: frontend 'w': backend 'x' does not exist; there is none",
        ),
        ({"frontends": [{"name": "w", "ports": []}]}, "m.yml: frontend 'w': ports: a list without any port"),
        (
            {"nats": [NAT | {"ports": "40000-40063", "reserved_ports": "40000-40063"}]},
            "m.yml: NAT 'n': reserved_ports leave none of 40000-40063",
        ),
        (
            {"nats": [NAT | {"preset": "aws-nat-gateway", "addresses": "198.18.0.1-198.18.0.9"}]},
            "m.yml: NAT 'n': addresses: 9 are given, aws-nat-gateway takes 8 at most",
        ),
        ({"backends": [{"name": "b"}]}, "m.yml: backend 'b': servers: a backend needs at least one"),
        (
            {"backends": [{"name": "b", "servers": [{"name": "s", "weight": 2**32}]}]},
            "backend 'b': server 's': weight: 4294967296 is n",
        ),
        (
            {"balancers": [{"name": "l", "reserved_ports": "1-x"}]},
            "m.yml: balancer 'l': reserved_ports: '1-x' is not a port",
        ),
    ],
)
def test_what_is_wrong_names_file_and_field(parts: dict[str, Any], sentence: str) -> None:
    """A range upside down, an unknown field, a negative number, a pool without addresses: each is a sentence."""
    with pytest.raises(LbcheckError) as caught:
        model(**parts)
    assert sentence in str(caught.value)
    assert caught.value.exit_status == 2


def bomb(layer: str) -> bytes:
    """Return YAML of thirty layers, each made of nine of the one below."""
    layers = [f"a{n}: &a{n} {layer.format(', '.join([f'*a{n - 1}'] * 9))}" for n in range(1, 31)]
    return "\n".join(["a0: &a0 {x: y}", *layers, "clients: [*a30]"]).encode()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"clients: [", "m.yml, line 1: no YAML"),
        (b"- a\n- b\n", "'['a', 'b']' is no mapping of fields to values"),
        (b"", "'None' is no mapping of fields to values"),
        (b"\xff\xfe\x00\x01", "is no text"),
        (b"clients: []\nclient: []\n", "field 'client' is not known; the nearest is 'clients'"),
        (b"vips: []\nclients: []\nclients: []\n", "m.yml, line 3: no YAML: the key 'clients' is there twice"),
        (
            b"clients:\n- {name: 2021-13-45}\n",
            "line 2: no YAML: '2021-13-45' cannot be read; if text is meant, write it in",
        ),
        (b"clients: [{name: c, connections: " + b"9" * 5000 + b"}]", "99…' cannot be read"),
        (
            b"clients: [{name: c, connections: 0x" + b"f" * 5000 + b"}]",
            "connections: 0xffffffffffffffffff… is not between",
        ),
        (b"clients: [{name: !!bool x}]", "'x' cannot be read"),
        (b"clients: [{name: !!python/object/apply:os.getpid []}]", "could not determine a constructor"),
        (
            b"clients: [{name: 2021-12-31}]",
            "name: 'datetime.date(2021, 12, 31)' is no text; if one is meant, write it in",
        ),
        (b"clients: [{name: c, connections: }]", "client 'c': connections: is null; write its value, or leave it out"),
        (b"clients: [{name: c, ipv6_share: .nan}]", "ipv6_share: 'nan' is not a share from 0 to 1"),
        (b"clients: [{name: c, ipv6_share: .inf}]", "ipv6_share: 'inf' is not a share from 0 to 1"),
        (b'clients: [{name: "\\ud800"}]', r"name: '\ud800' is no text"),
        (b"clients: [{name: c, addresses: {a: 198.18.0.1}}]", "addresses: '{'a': '198.18.0.1'}' is no list"),
        (b"clients: " + b"[" * 5000, "is nested too deeply"),
        (b"clients: &a [*a]", "line 1: no YAML: it contains itself"),
        (bomb("[{}]"), "its aliases unfold to more than 1,000,000 values"),
        (bomb("{{<<: [{}]}}"), "its aliases unfold to more than 1,000,000 values"),
        (b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nclients: [*c]", "client '1': '[[['x', 'x'], ['x', 'x']], [["),
        (b"\0", "m.yml: no YAML: unacceptable character"),
    ],
)
def test_a_file_that_is_no_model_ends_with_status_2(
    content: bytes, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and the line are named; nothing goes to standard output."""
    file = tmp_path / "m.yml"
    file.write_bytes(content)
    assert main(["capacity", "--model", str(file)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sentence in err


def test_what_listens_on_every_port_cannot_have_one_more() -> None:
    """Neither a server nor a frontend; it took minutes, and was an internal error."""
    every = list(range(1, 65536))
    servers = [{"name": "s", "ports": every}]
    cluster = model(
        balancers=[{"name": "lb"}],
        backends=[{"name": "b", "servers": servers}],
        frontends=[{"name": "www", "backend": "b", "ports": every}],
    )
    words = {gain.what for gain in gains(cluster, paths.Subject(frontend="www"))}
    assert "backend" in words
    assert not words & {"server-port", "frontend-port"}


def test_many_ranges_that_overlap_are_counted_once() -> None:
    """And at once: each port of each of them was looked at."""
    ranges = [f"{low}-60999" for low in range(32769, 60999)]
    client = model(clients=[{"name": "c", "reserved_ports": ranges, "listening_ports": [32768, 40000]}]).clients[0]
    assert usable_ports(capacity_of(client).opening) == 0
    [pool] = model(nats=[NAT | {"ports": "1024-65535", "reserved_ports": ranges}]).nat_gateways
    assert nat.usable_ports(pool) == 64_512 - (60_999 - 32_768)


def test_more_connections_than_a_report_can_say_are_refused() -> None:
    """What is written has to be read again, and JSON's numbers are exact up to 2^53."""
    cluster = model(clients=[{"name": "c", "subscribers": 10**12}])
    with pytest.raises(LbcheckError, match=r"^frontend www: more than 2\^53 connections, which no report can say"):
        pipeline.predict(cluster, {})


def test_the_last_address_of_all_has_a_next() -> None:
    """One more of it is another address, and no error."""
    cluster = model(
        clients=[{"name": "c", "addresses": "255.255.255.255", "behind": "n"}],
        vips=["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
        nats=[{"name": "n", "addresses": "255.255.255.254-255.255.255.255"}],
    )
    assert {gain.what for gain in gains(cluster, paths.Subject(nat="n"))} >= {"nat-address", "nat", "client"}
    assert "vip" in {gain.what for gain in gains(cluster, paths.Subject(frontend="www"))}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "one of the arguments -i/--inventory --model is required"),
        (["--model", str(EXAMPLE), "-i", "x"], "not allowed with argument --model"),
        (["--model", "/nowhere.yml"], "/nowhere.yml: No such file or directory"),
        (
            ["--model", str(EXAMPLE), "--grow", "backends=2"],
            "'backends' cannot be added; the nearest that can is 'backend'",
        ),
        (["--model", str(EXAMPLE), "--grow", "vip"], "'vip' is not of the form WHAT=N"),
        (["--model", str(EXAMPLE), "--grow", "vip=-1"], "'vip=-1' is not of the form WHAT=N"),
    ],
)
def test_wrong_usage_is_a_sentence(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be grown is said with the nearest that can."""
    assert main(["capacity", *arguments]) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_shows_the_model_grown(capsys: pytest.CaptureFixture[str]) -> None:
    """`--grow` is repeatable, and takes several at once; demand that does not fit is a failure."""
    assert main(["capacity", "--model", str(EXAMPLE), "--grow", "backend=1", "--grow", "vip=1,backend=1"]) == 1
    out = capsys.readouterr().out
    assert "grown by backend=2, vip=1: 129,272 → 193,848 (+64,576)" in out
    assert "grown by vip=1: 248 → 312 (+64)" in out  # servers are not in the NAT's path


# --- inventories ---

SHARED: dict[str, Any] = {
    "cluster_backends": [{"name": "web", "port": 8080, "redispatch": True}],
    "cluster_frontends": [{"name": "www", "url": "https://www.test/", "backend": "web", "ports": [443, 8443]}],
}
HOSTS: dict[str, dict[str, Any]] = {
    "lb1": {
        "cluster_vips": ["198.18.0.101"],
        "cluster_sources": ["198.19.0.21", "198.19.0.22"],
        "haproxy_maxconn": 8000,
    },
    "web1": {
        "cluster_addresses": {"public": ["198.18.0.11"], "backend": ["198.19.0.11"]},
        "nginx_worker_processes": "auto",
    },
    "nat1": {
        "cluster_addresses": {"public": ["198.18.0.40"], "subscribers": ["100.64.0.1"]},
        "cluster_nat": {"addresses": ["198.18.0.41"], "ports": "40000-40063", "mapping": "endpoint-independent"},
    },
    "c1": {"cluster_addresses": {"public": ["198.18.0.31"]}, "client_ephemeral_ports": "1024-65535"},
    "c2": {
        "cluster_addresses": {"subscribers": ["100.64.0.2"]},
        "cluster_connections": 50,
        "cluster_binding": "explicit",
    },
}
GROUPS = {"load_balancers": ["lb1"], "backends": ["web1"], "nat_gateways": ["nat1"], "clients": ["c1", "c2"]}


def of_inventory(hosts: dict[str, dict[str, Any]] | None = None) -> Cluster:
    """Return the cluster of the inventory with what is known of its capacity, some hosts' variables changed."""
    merged = {name: own | (hosts or {}).get(name, {}) for name, own in HOSTS.items()}
    found = listing(merged, GROUPS, **SHARED)
    return with_capacity(understand(found, "hosts.yml").cluster, InventoryReader(found, "hosts.yml"))


def test_an_inventory_says_what_the_model_needs() -> None:
    """Clients and their NAT, VIPs at home, frontend ports, sources, backends, and the roles' own variables."""
    cluster = of_inventory()
    c1, c2 = cluster.clients
    assert (capacity_of(c1).opening.ports, c1.behind) == (PortRange(1024, 65535), "")
    assert (c2.behind, capacity_of(c2).connections) == ("nat1", 50)
    assert capacity_of(c2).opening.binding is BindingMode.EXPLICIT
    assert capacity_of(cluster.nat_gateways[0]).mapping is MappingBehaviour.ENDPOINT_INDEPENDENT
    assert (cluster.vips[0].home, capacity_of(cluster.frontends[0]).ports) == ("lb1", (443, 8443))
    balancer, [server] = capacity_of(cluster.balancers[0]), cluster.backends[0].servers
    assert (balancer.sources, balancer.maxconn) == (("198.19.0.21", "198.19.0.22"), 8000)
    end = capacity_of(server)
    assert (end.address, end.ports, end.worker_processes) == ("198.19.0.11", (8080,), None)
    assert cluster.backends[0].redispatch
    assert paths.of_frontend(cluster, "www").holds == 8000


def test_a_template_is_not_a_value() -> None:
    """`ansible-inventory` does not template: what only the host can tell is not known."""
    [balancer] = of_inventory({"lb1": {"haproxy_maxconn": "{{ cpus * 4000 }}"}}).balancers
    assert capacity_of(balancer).maxconn is None


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ({"c1": {"client_ephemeral_ports": "9-1"}}, "hosts.yml: client 'c1': client_ephemeral_ports: port range 9-1"),
        ({"lb1": {"haproxy_maxconn": -5}}, "hosts.yml: balancer 'lb1': haproxy_maxconn: -5 is not between 0"),
        ({"nat1": {"cluster_nat": {"ports": "9-1"}}}, "host 'nat1': cluster_nat: ports: port range 9-1"),
        (
            {"nat1": {"cluster_nat": {"mappings": "x"}}},
            "hosts.yml: NAT 'nat1': cluster_nat: field 'mappings' is not known; the nearest",
        ),
        ({"c2": {"cluster_behind": "nat2"}}, "hosts.yml: client 'c2': behind 'nat2' does not exist; there is nat1"),
    ],
)
def test_what_is_wrong_in_an_inventory_names_host_and_variable(hosts: dict[str, Any], sentence: str) -> None:
    """The sentence has the name of the variable that was written, not the model's."""
    with pytest.raises(LbcheckError) as caught:
        of_inventory(hosts)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("value", [None, 1.5, True, {"a": 1}, [None], "x", "9" * 5000, float("nan")])
@pytest.mark.parametrize(
    ("variable", "host"),
    [
        (names[0], host)
        for host, variables in (("c2", CLIENT), ("lb1", BALANCER), ("web1", SERVER))
        for names in variables.values()
    ],
)
def test_a_value_of_another_type_names_host_and_variable(variable: str, host: str, value: object) -> None:
    """Every variable of capacity, by the name that the fleet has for it."""
    if variable in ("cluster_tw_reuse", "cluster_closes_first") and value is True:
        return
    found = listing(
        {name: own | ({"its_own": value} if name == host else {}) for name, own in HOSTS.items()},
        GROUPS,
        **SHARED,
        lbcheck_vars={variable: "its_own"},
    )
    with pytest.raises(LbcheckError, match=rf"hosts\.yml: .*'{host}': its_own: "):
        with_capacity(understand(found, "hosts.yml").cluster, InventoryReader(found, "hosts.yml"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"cluster_backends": [{"name": "web", "port": None}]},
        {"cluster_backends": [{"name": "web", "port": "x"}]},
        {"cluster_backends": [{"name": "web", "ports": []}]},
        {"cluster_backends": [{"name": "web", "redispatch": "perhaps"}]},
        {"cluster_frontends": [SHARED["cluster_frontends"][0] | {"maxconn": []}]},
        {"cluster_frontends": [SHARED["cluster_frontends"][0] | {"ports": {"a": 1}}]},
    ],
)
def test_an_entry_of_another_type_names_the_variable(wrong: dict[str, Any]) -> None:
    """And the entry's own name."""
    found = listing(HOSTS, GROUPS, **SHARED | wrong)
    with pytest.raises(LbcheckError, match=rf"{next(iter(wrong))}: '(web|www)': (port|redispatch|maxconn)"):
        with_capacity(understand(found, "hosts.yml").cluster, InventoryReader(found, "hosts.yml"))


def test_a_roles_variable_may_be_null() -> None:
    """It says nothing to lbcheck then, and what the role makes of it is the role's."""
    assert capacity_of(of_inventory({"lb1": {"haproxy_maxconn": None}}).balancers[0]).maxconn is None


def test_a_slip_in_the_figures_stops_no_other_check() -> None:
    """Who is there is understood without them: only what needs them reads them."""
    found = listing(HOSTS | {"c1": HOSTS["c1"] | {"client_ephemeral_ports": "9-1"}}, GROUPS, **SHARED)
    cluster = understand(found, "hosts.yml").cluster
    assert [client.behind for client in cluster.clients] == ["", "nat1"]
    assert {thing.holds for thing in (*cluster.clients, *cluster.balancers, *cluster.frontends)} == {None}


def test_a_frontend_called_twice_stops_capacity_alone() -> None:
    """One name for HTTP and HTTPS is no fault of a fleet; a path's verdict needs a name of its own."""
    twice = [SHARED["cluster_frontends"][0], SHARED["cluster_frontends"][0] | {"url": "http://www.test/"}]
    found = listing(HOSTS, GROUPS, **SHARED | {"cluster_frontends": twice})
    question = understand(found, "hosts.yml")
    assert len(question.cluster.web) == 2
    with pytest.raises(LbcheckError, match=r"hosts\.yml: frontends: 'www' is there twice"):
        with_capacity(question.cluster, InventoryReader(found, "hosts.yml"))
