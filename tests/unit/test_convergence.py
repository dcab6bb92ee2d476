"""All that stands in the way of converging an inventory, said at once: by variable, host and inventory."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lbcheck.loaders import reference, templates
from lbcheck.loaders.convergence import complaints
from lbcheck.loaders.known_variables import FIELDS, OF_AN_INVENTORY

Listing = dict[str, Any]
GROUPS = {
    "dns_servers": ["dns1"],
    "resolvers": ["dns2"],
    "load_balancers": ["lb1", "lb2"],
    "backends": ["web1", "web2"],
    "nat_gateways": ["nat1"],
    "clients": ["client1", "client2"],
}
NETWORKS = {
    "public": {"ipv4": "198.18.0.0/24", "ipv6": "2001:2::/64"},
    "backend": {"ipv4": "198.19.0.0/24"},
    "homes": {"ipv4": "100.64.0.0/24"},
}
SHARED = {
    "cluster_networks": NETWORKS,
    "cluster_frontends": [{"name": "www", "url": "http://www.lab.test/", "backend": "web"}],
    "cluster_backends": [{"name": "web", "port": 8080}],
}


def at(public: int = 0, **others: str) -> dict[str, Any]:
    """Return a host's addresses: one in the public network, others by network."""
    addresses = {"public": [f"198.18.0.{public}"]} if public else {}
    return {"cluster_addresses": addresses | {network: [address] for network, address in others.items()}}


def healthy() -> Listing:
    """Return what `ansible-inventory --list` says of an inventory with which nothing is wrong."""
    hosts = {
        "dns1": at(53),
        "dns2": at(54),
        "lb1": at(21, backend="198.19.0.21") | {"cluster_vips": ["198.18.0.101"]},
        "lb2": at(22, backend="198.19.0.22") | {"cluster_vips": ["198.18.0.102"]},
        "web1": at(backend="198.19.0.11"),
        "web2": at(backend="198.19.0.12"),
        "nat1": at(40, homes="100.64.0.1") | {"cluster_nat": {}},
        "client1": at(31),
        "client2": at(homes="100.64.0.2"),
    }
    hostvars = {name: copy.deepcopy(SHARED) | own for name, own in hosts.items()}
    groups = {name: {"hosts": list(members)} for name, members in GROUPS.items()}
    return {**groups, "all": {"children": list(GROUPS)}, "_meta": {"hostvars": hostvars}}


def everywhere(name: str, value: object) -> Callable[[Listing], None]:
    """Return what gives every host a variable."""

    def change(listing: Listing) -> None:
        for own in listing["_meta"]["hostvars"].values():
            own[name] = value

    return change


def on(host: str, **variables: object) -> Callable[[Listing], None]:
    """Return what gives one host variables."""
    return lambda listing: listing["_meta"]["hostvars"][host].update(variables)


def without(name: str) -> Callable[[Listing], None]:
    """Return what takes a variable from every host."""

    def change(listing: Listing) -> None:
        for own in listing["_meta"]["hostvars"].values():
            own.pop(name, None)

    return change


def also(host: str, group: str) -> Callable[[Listing], None]:
    """Return what puts a host into a further group."""
    return lambda listing: listing[group]["hosts"].append(host)


def frontends(**fields: object) -> Callable[[Listing], None]:
    """Return what gives the one frontend other fields."""
    return everywhere("cluster_frontends", [SHARED["cluster_frontends"][0] | fields])  # type: ignore[operator]


def backends(**fields: object) -> Callable[[Listing], None]:
    """Return what gives the one backend other fields."""
    return everywhere("cluster_backends", [{"name": "web", "port": 8080} | fields])


def said(*changes: Callable[[Listing], None]) -> tuple[str, ...]:
    """Return what is said of the healthy inventory after some changes."""
    listing = healthy()
    for change in changes:
        change(listing)
    return complaints(listing, "lab")


def test_nothing_is_said_of_a_healthy_inventory() -> None:
    """Whatever is not the user's decision has a default."""
    assert said() == ()


WRONG = [
    # What is written.
    (without("cluster_addresses"), "no host has cluster_addresses"),
    (without("cluster_networks"), "and 6 more: cluster_networks is missing: a mapping of networks to their prefixes"),
    (without("cluster_frontends"), "cluster_frontends is missing: what is published"),
    (without("cluster_backends"), "cluster_backends is missing: what answers"),
    (
        on("web1", cluster_weigth=2),
        "host 'web1': variable 'cluster_weigth' is not known; the nearest is 'cluster_weight'",
    ),
    (everywhere("lbcheck_labb", True), "'lbcheck_labb' is not known; the nearest is 'lbcheck_lab'"),
    (on("web1", cluster_weight="heavy"), "host 'web1': cluster_weight: 'heavy' is not a whole number (lab)"),
    (on("lb1", cluster_maxconn=0), "host 'lb1': cluster_maxconn: 0 is not between 1 and"),
    (on("lb1", cluster_ephemeral_ports="many"), "host 'lb1': cluster_ephemeral_ports: 'many' is not a port range"),
    (on("lb1", cluster_vips="198.18.0.101"), "host 'lb1': cluster_vips: '198.18.0.101' is no list"),
    (everywhere("cluster_frontends", "www"), "cluster_frontends: 'www' is no list"),
    (everywhere("cluster_frontends", [{"name": "www"}]), "cluster_frontends: an entry has no 'url'"),
    (
        frontends(certifcate="x"),
        "cluster_frontends: 'www': the playbooks know no field 'certifcate'; the nearest is 'cert",
    ),
    (backends(port="http"), "cluster_backends: 'web': port: 'http' is not a whole number"),
    (everywhere("lbcheck_groups", {"backends": "backends"}), "the playbooks know lbcheck's own names"),
    (
        on("lb1", cluster_maxconn="{{ much }}"),
        "host 'lb1': cluster_maxconn '{{ much }}' is a template; write the value",
    ),
    # Networks, names and addresses.
    (everywhere("cluster_networks", {}), "cluster_networks has to be a mapping"),
    (
        on("web1", cluster_networks={"public": {"ipv4": "198.18.0.0/16"}}),
        "is another one than the hosts before it have",
    ),
    (everywhere("cluster_networks", NETWORKS | {"a name of many letters": {}}), "cannot name an interface"),
    (everywhere("cluster_networks", NETWORKS | {"lo": {"ipv4": "10.0.0.0/24"}}), "'lo' cannot name an interface"),
    (
        everywhere("cluster_networks", NETWORKS | {"x": "10.0.0.0/24"}),
        "cluster_networks: x: has to say ipv4, ipv6 or both",
    ),
    (everywhere("cluster_networks", NETWORKS | {"x": {"ipv4": "10.0.0.1/24"}}), "10.0.0.1/24 has host bits set"),
    (everywhere("cluster_networks", NETWORKS | {"x": {"ipv4": "fd00::/64"}}), "ipv4: fd00::/64 is of IPv6"),
    (everywhere("cluster_public_network", "dmz"), "cluster_public_network: names one of them"),
    (on("web1", cluster_addresses={}), "host 'web1': cluster_addresses has to be a mapping"),
    (on("web1", cluster_addresses={"backend": []}), "host 'web1': cluster_addresses: backend: has to be a list"),
    (on("web1", cluster_addresses={"backend": "198.19.0.1"}), "cluster_addresses: backend: has to be a list"),
    (
        on("web1", **at(backend="198.19.0.300")),
        "host 'web1': cluster_addresses: backend: '198.19.0.300' is not an address",
    ),
    (on("web1", **at(dmz="198.19.0.1")), "host 'web1': cluster_addresses: 'dmz' is not one of cluster_networks"),
    (on("web1", **at(backend="198.18.0.7")), "backend: 198.18.0.7 lies outside of network backend, 198.19.0.0/24"),
    (on("web1", **at(backend="2001:3::1")), "backend: 2001:3::1 lies outside of network backend"),
    (on("web1", **at(backend="198.19.0.0")), "198.19.0.0 is the network or broadcast address of 198.19.0.0/24"),
    (on("web1", **at(backend="198.19.0.12")), "198.19.0.12 is an address of host 'web1', too"),
    (
        on("lb2", cluster_vips=["198.18.0.101"]),
        "host 'lb2': cluster_vips: 198.18.0.101 is an address of host 'lb1', too",
    ),
    (on("lb2", cluster_vips=["192.0.2.1"]), "cluster_vips: 192.0.2.1 lies outside of network public"),
    (
        on("nat1", cluster_nat={"addresses": ["198.18.0.53"]}),
        "cluster_nat: addresses: 198.18.0.53 is an address of host",
    ),
    (
        lambda listing: listing["_meta"]["hostvars"].update({"a_b": SHARED | at(99)}),
        "host 'a_b': is no host name",
    ),
    (
        lambda listing: listing["_meta"]["hostvars"]["web1"].pop("cluster_addresses"),
        "host 'web1': cluster_addresses is missing",
    ),
    # What is served.
    (lambda listing: listing.pop("load_balancers"), "group load_balancers has no hosts"),
    (
        also("dns1", "resolvers"),
        "host 'dns1': is in dns_servers and in resolvers: NSD and Unbound cannot both have port 53",
    ),
    (frontends(url="www"), "cluster_frontends: 'www': url: 'www' is no http, https or tcp://HOST:PORT URL"),
    (frontends(url="https://www.lab.test/"), "certificate is missing: an https URL needs a PEM file on the balancers"),
    (frontends(redirect=True), "redirect: only an https URL of port 443 can be redirected to"),
    (frontends(backend="app"), "backend: 'app' is not in cluster_backends"),
    (frontends(url="tcp://www.lab.test:9000"), "backend: 'web' has mode http, and this URL is tcp"),
    (everywhere("cluster_frontends", [*SHARED["cluster_frontends"]] * 2), "cluster_frontends: 'www' is there twice"),
    (on("web1", cluster_frontends=[]), "cluster_frontends differs between hosts"),
    (backends(name="my web"), "cluster_backends: 'my web': HAProxy takes letters, digits"),
    (backends(group="apps"), "cluster_backends: 'web': group: 'apps' has no hosts"),
    (backends(port=8081), "cluster_backends: 'web': port 8081 is the servers' health port (lbcheck_stub_status)"),
    (backends(weights={"web9": 1}), "weights: 'web9' is no host of group 'backends'"),
    (backends(weights={"web1": 300}), "weights: web1: 300 is not between 0 and 256"),
    (backends(check={"path": "healthy"}), "check: path: 'healthy' does not begin with '/'"),
    (also("lb1", "backends"), None),
    (lambda listing: (also("lb1", "backends")(listing), backends(port=80)(listing)), "both want port 80"),
    (everywhere("cluster_names", [{"name": "www.other.test"}]), "'www.other.test' is not in the zone lab.test"),
    (everywhere("cluster_names", [{"name": "x.lab.test", "gives": "clients"}]), None),
    (everywhere("cluster_names", [{"name": "x.lab.test", "gives": "all of them"}]), "is neither vips nor a group"),
    (frontends(url="http://198.18.0.101/"), "cluster_zone is missing"),
    (
        everywhere("lbcheck_stats", "http://127.0.0.1:8404/"),
        "lbcheck_stats: 'http://127.0.0.1:8404/' is not of the form",
    ),
    (everywhere("lbcheck_identify", "cookie:node"), "lbcheck_identify: 'cookie:node' is not of the form header:NAME"),
    # Ways.
    (on("web1", **at(homes="100.64.0.9")), "there is no network that every balancer and every server has"),
    (
        lambda listing: (
            everywhere("cluster_networks", NETWORKS | {"backend": {"ipv6": "2001:2::/64", "ipv4": "198.19.0.0/24"}})(
                listing
            ),
            on("web1", **at(backend="2001:2::11"))(listing),
        ),
        "hosts 'lb1', 'lb2': cluster_addresses: backend: no address of IPv6, by which web1 is reached at 2001:2::11",
    ),
    (on("client2", **at(backend="198.19.0.99")), "host 'client2': cluster_addresses: no network of a NAT gateway's"),
    (on("lb1", cluster_vips=["2001:2::101"]), "host 'lb1': cluster_vips: one of IPv4 is needed"),
    (on("nat1", cluster_nat={"addresses": ["2001:2::41"]}), "host 'nat1': cluster_nat: addresses: have to be of IPv4"),
    (on("nat1", cluster_nat={"addresses": ["198.18.0.41", "198.18.0.43"]}), "have to follow each other"),
    (on("nat1", **at(40)), "host 'nat1': cluster_addresses: a NAT gateway has the public network and one more"),
]


@pytest.mark.parametrize(("change", "sentence"), WRONG)
def test_what_is_wrong_is_named(change: Callable[[Listing], None], sentence: str | None) -> None:
    """By variable and host, where it is one's, and always by inventory; what is odd but possible passes."""
    found = said(change)
    assert all(one.endswith(" (lab)") for one in found)
    if sentence is None:
        assert found == ()
    else:
        assert any(sentence in one for one in found), found


def test_everything_is_said_at_once() -> None:
    """Slips of the pen, addresses that are nowhere, a frontend without certificate: one run says them all."""
    slip, address = on("web1", cluster_weigth=2), on("web2", **at(backend="198.20.0.1"))
    found = "\n".join(said(slip, address, frontends(url="https://www.lab.test/"), backends(port=8081, weigths={})))
    for words in ("cluster_weigth", "198.20.0.1 lies outside", "certificate is missing", "no field 'weigths'"):
        assert words in found


def test_what_is_the_same_of_many_hosts_is_said_once() -> None:
    """A variable of a group is one complaint, with the first of its hosts."""
    [one] = said(everywhere("lbcheck_labb", True))
    assert one.startswith("hosts 'dns1', 'dns2', 'lb1' and 6 more: ")


def test_a_foreign_inventory_is_refused_in_sentences() -> None:
    """An inventory that is none of the reference cluster's lacks much, and breaks nothing."""
    foreign: Listing = {
        "edge": {"hosts": ["lb"]},
        "_meta": {"hostvars": {"lb": {"cluster_name": "k8s", "cluster_addresses": ["192.0.2.1"], "lbcheck_vars": 3}}},
    }
    assert complaints(foreign, "x") == ("host 'lb': lbcheck_vars is no mapping of lbcheck's words to yours: '3' (x)",)
    del foreign["_meta"]["hostvars"]["lb"]["lbcheck_vars"]
    assert any("variable 'cluster_name' is not known" in one for one in complaints(foreign, "x"))


def test_every_variable_that_lbcheck_reads_is_known() -> None:
    """None of them is taken for a slip of the pen."""
    defaults = {name for group in reference.DEFAULTS.values() for name in group}
    assert templates.COMMON | templates.OF_A_HOST | defaults <= {*OF_AN_INVENTORY}
    assert {*reference.BACKEND} <= {*FIELDS["cluster_backends"]}
    assert {*reference.NAT} <= {*FIELDS["cluster_nat"]}
