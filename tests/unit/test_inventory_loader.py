"""From an inventory's listing to a cluster and how it may be asked, and what is said of what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest

from lbcheck.errors import InventoryError
from lbcheck.loaders.ansible_inventory import load, understand


def listing(hosts: dict[str, dict[str, Any]], groups: dict[str, list[str]], **shared: Any) -> dict[str, Any]:
    """Return what `ansible-inventory --list` gives: `shared` variables are on every host."""
    listed: dict[str, Any] = {name: {"hosts": members} for name, members in groups.items()}
    return listed | {"_meta": {"hostvars": {name: shared | own for name, own in hosts.items()}}}


WEB = {"name": "web", "group": "backends", "algorithm": "roundrobin"}
WWW = {"name": "www", "url": "http://www.test/", "backend": "web"}
HOSTS: dict[str, dict[str, Any]] = {
    "lb1": {"cluster_vips": ["198.18.0.101"], "ansible_host": "198.18.0.21"},
    "web1": {"ansible_host": "198.18.0.11"},
    "web2": {"ansible_host": "198.18.0.12", "cluster_weight": 2},
}
GROUPS = {"load_balancers": ["lb1"], "backends": ["web1", "web2"]}
SHARED: dict[str, Any] = {"cluster_backends": [WEB], "cluster_frontends": [WWW]}


def test_vips_weights_and_names_are_understood() -> None:
    """A frontend is answered at the VIPs, its name should give them, its servers have their weights."""
    question = understand(listing(HOSTS, GROUPS, **SHARED), "hosts.yml")
    assert question.cluster.backends[0].weights == {"web1": 1, "web2": 2}
    assert question.cluster.frontends[0].addresses == ("198.18.0.101",)
    assert [(name.name, name.addresses) for name in question.cluster.names] == [("www.test", ("198.18.0.101",))]
    assert not question.lab


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/etc/haproxy/haproxy.cfg", ("/etc/haproxy/haproxy.cfg",)),
        (["/etc/haproxy/haproxy.cfg", "/etc/haproxy/conf.d"], ("/etc/haproxy/haproxy.cfg", "/etc/haproxy/conf.d")),
    ],
)
def test_a_balancer_says_where_its_configuration_is(given: object, expected: tuple[str, ...]) -> None:
    """One file, or a list of files and directories in their order."""
    hosts = HOSTS | {"lb1": HOSTS["lb1"] | {"lbcheck_haproxy_config": given}}
    (lb1,) = understand(listing(hosts, GROUPS, **SHARED), "hosts.yml").cluster.balancers
    assert lb1.configuration == expected


def test_a_balancers_names_for_servers_are_told() -> None:
    """For all in one variable, or on each host, also by its own name; what is a template otherwise is said."""
    hosts = HOSTS | {"web2": HOSTS["web2"] | {"lbcheck_name": ["b-web2", "b2-web2"]}}
    shared = SHARED | {"lbcheck_names": {"alpha": "web1"}, "lbcheck_name": "b-{{ inventory_hostname }}"}
    expected = {"alpha": "web1", "b-web1": "web1", "b-web2": "web2", "b2-web2": "web2"}
    assert understand(listing(hosts, GROUPS, **shared), "hosts.yml").asked.names == expected
    question = understand(listing(HOSTS, GROUPS, **SHARED, lbcheck_name="{{ other }}"), "hosts.yml")
    assert question.asked.names == {}
    assert any("lbcheck_name '{{ other }}' is a template" in note for note in question.cluster.notes)
    with pytest.raises(InventoryError, match="lbcheck_names 'alpha' is no mapping"):
        understand(listing(HOSTS, GROUPS, **SHARED, lbcheck_names="alpha"), "hosts.yml")


def test_a_server_of_two_backends_is_published_once() -> None:
    """A name that gives the backends has each server's addresses once, however many backends it serves in."""
    shared = SHARED | {"cluster_names": [{"name": "direct.test", "gives": "backends"}]}
    shared["cluster_backends"] = [*SHARED["cluster_backends"], {"name": "stream", "group": "backends"}]
    [name] = understand(listing(HOSTS, GROUPS, **shared), "hosts.yml").cluster.names
    assert len(name.addresses) == len(set(name.addresses)) == 2


def test_a_fleet_with_other_names_maps_them_in_a_few_lines() -> None:
    """Groups and variables may be called otherwise: lbcheck_groups and lbcheck_vars say how."""
    hosts = {"edge1": HOSTS["lb1"], "a1": {"ansible_host": "198.18.0.11", "haproxy_weight": 7}}
    mapped = {"lbcheck_groups": {"load_balancers": "edge", "backends": ["app"]}}
    mapped |= {"lbcheck_vars": {"cluster_weight": "haproxy_weight"}} | SHARED
    cluster = understand(listing(hosts, {"edge": ["edge1"], "app": ["a1"]}, **mapped), "hosts.yml").cluster
    assert cluster.balancers[0].name == "edge1"
    assert cluster.backends[0].weights == {"a1": 7}


def test_children_of_a_group_belong_to_it() -> None:
    """A group of groups has all of their hosts, each once, whatever circle they stand in."""
    nested = listing(HOSTS, {"load_balancers": ["lb1"], "eu": ["web1"], "us": ["web2"]}, **SHARED)
    nested["backends"] = {"children": ["eu", "us"]}
    nested["us"]["children"] = ["backends"]
    assert list(understand(nested, "x").cluster.backends[0].weights) == ["web1", "web2"]


def test_what_was_not_understood_is_said() -> None:
    """A host in no group, a group that is missing: notes, no errors."""
    cluster = understand(listing(HOSTS | {"db1": {}}, GROUPS, **SHARED), "hosts.yml").cluster
    assert "host db1 is in none of lbcheck's groups" in cluster.notes
    assert "no clients: probes run on this machine (group clients)" in cluster.notes


def test_a_weight_above_256_is_refused_of_haproxy_alone() -> None:
    """A balancer of which nothing shows that it is HAProxy may have a weight as Gateway API's."""
    hosts = HOSTS | {"web1": {"cluster_weight": 1_000_000}, "web2": {"cluster_weight": "4294967295"}}
    found = understand(listing(hosts, GROUPS, **SHARED), "hosts.yml").cluster
    assert found.backends[0].weights == {"web1": 1_000_000, "web2": 2**32 - 1}


@pytest.mark.parametrize(
    ("hosts", "groups", "shared", "sentence"),
    [
        ({}, {}, {}, "the inventory has no hosts (hosts.yml)"),
        (HOSTS, {"load_balancers": ["lb1"], "backends": []}, SHARED, "its group 'backends' has no hosts"),
        (
            HOSTS | {"web3": {"ansible_host": "198.18.0.12"}},
            GROUPS | {"backends": ["web1", "web2", "web3"]},
            SHARED,
            "address 198.18.0.12 is given twice, to web2 and web3",
        ),
        (HOSTS | {"web1": {"cluster_weight": "heavy"}}, GROUPS, SHARED, "host 'web1': cluster_weight 'heavy'"),
        (HOSTS | {"web1": {"cluster_weight": 2**32}}, GROUPS, SHARED, "weight 4294967296 is not between 0 and"),
        (
            HOSTS | {"web1": {"cluster_weight": 300}, "lb1": HOSTS["lb1"] | {"lbcheck_stats": "unix:/s"}},
            GROUPS,
            SHARED,
            "server 'web1': weight 300 is above 256, the most that HAProxy takes; weights are ratios, so smaller "
            "numbers may do (hosts.yml)",
        ),
        (HOSTS | {"web1": {"cluster_addresses": ["10.0.0.999"]}}, GROUPS, SHARED, "'10.0.0.999' in cluster_addresses"),
        (HOSTS | {"web1": {"cluster_addresses": {}}}, GROUPS, SHARED, "host 'web1' has an empty cluster_addresses"),
        (HOSTS | {"lb1": {"cluster_vips": ["vip"]}}, GROUPS, SHARED, "'vip' in cluster_vips is not an IP address"),
        (HOSTS, GROUPS, SHARED | {"cluster_frontends": [{"name": "www"}]}, "cluster_frontends has no 'url'"),
        (
            HOSTS,
            GROUPS,
            SHARED | {"cluster_frontends": [WWW | {"url": "www"}]},
            "'www' is no http, https or tcp://HOST:PORT URL",
        ),
        (HOSTS, GROUPS, SHARED | {"cluster_frontends": [WWW | {"backend": "app"}]}, "backend 'app' is not in"),
        (HOSTS, GROUPS, SHARED | {"cluster_names": [{"name": "x", "gives": "all"}]}, "write vips or backends"),
        (HOSTS, GROUPS, SHARED | {"lbcheck_groups": {"backends": "app"}}, "maps backends to 'app', a group that"),
        (HOSTS, GROUPS, SHARED | {"lbcheck_groups": "app"}, "lbcheck_groups is no mapping"),
    ],
)
def test_a_contradiction_is_named(
    hosts: dict[str, Any], groups: dict[str, Any], shared: dict[str, Any], sentence: str
) -> None:
    """What cannot be is refused, by host or field, with the inventory's name."""
    with pytest.raises(InventoryError) as error:
        understand(listing(hosts, groups, **shared), "hosts.yml")
    assert sentence in str(error.value)


def test_the_labs_inventory_is_understood_without_a_remark() -> None:
    """The inventory in this repository is a lab, and nothing of it is passed over."""
    question = load([str(Path(__file__).parents[2] / "inventory" / "lab")])
    assert question.lab
    assert question.cluster.notes == ()
    assert len(question.cluster.vips) == 2 * len(question.cluster.balancers)


def test_an_inventory_that_does_not_exist_is_a_sentence() -> None:
    """A missing file is named before Ansible is asked."""
    with pytest.raises(InventoryError, match=r"inventory '/nowhere/hosts\.yml' does not exist"):
        load(["/nowhere/hosts.yml"])


def test_an_inventory_that_cannot_be_parsed_is_a_sentence(tmp_path: Path) -> None:
    """Broken YAML is refused, never an empty cluster."""
    broken = tmp_path / "hosts.yml"
    broken.write_text("all: [unclosed")
    with pytest.raises(InventoryError, match=r"hosts\.yml cannot be read"):
        load([str(broken)])


def test_a_limit_decides_where_steps_may_run(tmp_path: Path) -> None:
    """`--limit` takes an Ansible pattern; the cluster stays whole."""
    inventory = tmp_path / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": {"clients": {"hosts": {"c1": {}, "c2": {}}}}}}))
    question = load([str(inventory)], limit="c1")
    assert question.reachable == ("c1",)
    assert len(question.cluster.clients) == 2
    with pytest.raises(InventoryError, match="'nobody' matches no host"):
        load([str(inventory)], limit="nobody")


def test_a_client_without_a_public_address_is_behind_its_networks_gateway() -> None:
    """`cluster_behind` says it, else a network that the client shares with a gateway; a template says nothing."""
    gateway = {"cluster_addresses": {"public": ["198.18.0.40"], "homes": ["100.64.0.1"]}}
    clients: dict[str, dict[str, Any]] = {
        "c1": {"cluster_addresses": {"homes": ["100.64.0.2"]}},
        "c2": {"cluster_addresses": {"public": ["198.18.0.31"], "homes": ["100.64.0.3"]}},
        "c3": {"cluster_addresses": {"public": ["198.18.0.32"]}, "cluster_behind": "nat1"},
        "c4": {"cluster_addresses": {"homes": ["100.64.0.4"]}, "cluster_behind": "{{ gateway }}"},
    }
    found = listing({"nat1": gateway} | clients, {"nat_gateways": ["nat1"], "clients": list(clients)})
    behind = [client.behind for client in understand(found, "hosts.yml").cluster.clients]
    assert behind == ["nat1", "", "nat1", "nat1"]
