"""From an inventory's listing to a cluster and how it may be asked, and what is said of what cannot be."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from lbcheck.checks import spread
from lbcheck.errors import InventoryError
from lbcheck.loaders import reader, templates, unparsed
from lbcheck.loaders.ansible_inventory import load, understand
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.requests import Request
from lbcheck.reporters.topology import render


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
    """For all in one variable, or on each host, also by its own name, which needs no Ansible."""
    hosts = HOSTS | {"web2": HOSTS["web2"] | {"lbcheck_name": ["b-web2", "b2-web2"]}}
    shared = SHARED | {"lbcheck_names": {"alpha": "web1"}, "lbcheck_name": "b-{{ inventory_hostname }}"}
    expected = {"alpha": "web1", "b-web1": "web1", "b-web2": "web2", "b2-web2": "web2"}
    assert understand(listing(hosts, GROUPS, **shared), "hosts.yml").asked.names == expected
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
            "'www' is no URL: it does not start with http:// or https:// or tcp://",
        ),
        (HOSTS, GROUPS, SHARED | {"cluster_frontends": [WWW | {"backend": "app"}]}, "backend 'app' is not in"),
        (HOSTS, GROUPS, SHARED | {"cluster_names": [{"name": "x", "gives": "all"}]}, "write vips, backends or a group"),
        (
            HOSTS,
            GROUPS,
            SHARED | {"cluster_names": [{"name": "a..b"}]},
            "cluster_names: 'a..b': name: 'a..b' is no domain",
        ),
        (
            HOSTS,
            GROUPS,
            SHARED | {"cluster_frontends": [WWW | {"url": "http://127.0.0.1:0/"}]},
            "'http://127.0.0.1:0/' is no URL: it asks for port 0, where nobody listens",
        ),
        (
            HOSTS,
            GROUPS,
            SHARED | {"cluster_frontends": [WWW | {"url": "tcp://127.0.0.1"}]},
            "'tcp://127.0.0.1' is no URL: it has no port; write tcp://HOST:PORT",
        ),
        (HOSTS, GROUPS, SHARED | {"lbcheck_groups": {"backends": "app"}}, "maps backends to 'app', a group that"),
        (HOSTS, GROUPS, SHARED | {"lbcheck_groups": "app"}, "lbcheck_groups is no mapping"),
        (
            HOSTS | {"lb1": HOSTS["lb1"] | {"lbcheck_stats": ["unix:{{ socket }}"]}},
            GROUPS,
            SHARED,
            "host 'lb1': lbcheck_stats 'unix:{{ socket }}' is a template; write the value (hosts.yml)",
        ),
        (
            HOSTS,
            GROUPS,
            SHARED | {"cluster_frontends": [WWW | {"url": "http://{{ site }}/"}]},
            "cluster_frontends 'http://{{ site }}/' is a template",
        ),
        (
            HOSTS,
            GROUPS,
            SHARED | {"lbcheck_groups": {"backends": "{{ app }}"}},
            "lbcheck_groups has a template ('{{ app }}'), and names are never evaluated: write the name (hosts.yml)",
        ),
    ],
)
def test_a_contradiction_is_named(
    hosts: dict[str, Any], groups: dict[str, Any], shared: dict[str, Any], sentence: str
) -> None:
    """What cannot be is refused, by host or field, with the inventory's name."""
    with pytest.raises(InventoryError) as error:
        understand(listing(hosts, groups, **shared), "hosts.yml")
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("said", "lab"),
    [
        ({}, False),
        ({"lb1": "false", "web1": "false"}, False),
        ({"lb1": "no"}, False),
        ({"lb1": "0"}, False),
        ({"lb1": 0}, False),
        ({"lb1": "true"}, True),
        ({"lb1": True, "web1": "yes"}, True),
        ({"lb1": True, "web1": False}, False),
    ],
)
def test_a_lab_is_one_where_somebody_says_so_and_nobody_denies_it(said: dict[str, Any], lab: bool) -> None:
    """In a lab there is no limit; `lbcheck_lab=false` in an INI inventory is text, and switched every limit off."""
    hosts = {name: own | ({"lbcheck_lab": said[name]} if name in said else {}) for name, own in HOSTS.items()}
    assert understand(listing(hosts, GROUPS, **SHARED), "hosts.yml").lab is lab


NO_TEXT = (5, 1.5, True, [5], {"a": 1})
WRONG: dict[str, tuple[Any, ...]] = {  # variable → what it cannot be, beside null
    "lbcheck_lab": (5, 1.5, "maybe", "", [True], {}, "{{ lab }}"),
    "lbcheck_identify": NO_TEXT[1:],
    "lbcheck_identify_balancer": NO_TEXT[1:],
    "lbcheck_names": (5, True, "a", ["a"], {"a": None}, {"a": ["b"]}, {"a": 1.5}),
    "lbcheck_name": (1.5, True, {"a": 1}, [None], [["a"]]),
    "lbcheck_groups": (5, True, "a", ["a"], {"clients": None}, {"clients": {"a": 1}}, {"clients": [None]}),
    "lbcheck_vars": (5, True, "a", ["a"], {"cluster_weight": ["x"]}, {"cluster_weight": None}),
    "lbcheck_stats": (5, 1.5, True, "", [None], ["unix:/s", 5], {"a": 1}, "/run/s.sock"),
    "lbcheck_haproxy_log": NO_TEXT[1:],
    "lbcheck_haproxy_config": (1.5, True, {"a": 1}, [None], [["a"]]),
    "lbcheck_access_log": NO_TEXT[1:],
    "lbcheck_stub_status": NO_TEXT[1:],
    "cluster_weight": (1.5, True, "heavy", [1], {"a": 1}, "9" * 5000, -1),
    "cluster_vips": (5, 1.5, True, "vip", [None], [5], {"public": "198.18.0.101"}),
    "cluster_addresses": (5, 1.5, True, "x", [None], [5], {"public": None}, {"public": 5}, {"public": [["x"]]}),
    "cluster_behind": (1.5, True, ["nat1"], {"a": 1}),
    "cluster_nat": (5, True, "x", ["x"], {"addresses": 5}, {"addresses": None}, {"ports": 5}, {"ports": None}),
    "cluster_backends": (5, "x", {}, [5], [{"name": None}], [{"name": ["x"]}], [WEB | {"group": ["x"]}]),
    "cluster_frontends": (
        *(5, "x", {}, [5], [{"name": "www"}], [WWW | {"url": 5}], [WWW | {"url": "http://["}]),
        *([WWW | {"backend": None}], [WWW | {"addresses": "www.test"}], [WWW | {"addresses": [5]}]),
    ),
    "cluster_names": (
        *(5, "x", {}, [5], [{"name": None}], [{"name": "x", "gives": ["vips"]}], [{"name": "x", "gives": "all"}]),
        *([{"name": "x", "addresses": 5}], [{"name": "x", "addresses": ["y"]}]),
    ),
}
EVERYWHERE = {"nat1": {"cluster_addresses": {"public": ["198.18.0.40"]}}, "c1": {}}
ROLES = GROUPS | {"nat_gateways": ["nat1"], "clients": ["c1"]}


@pytest.mark.parametrize(("variable", "value"), [(name, value) for name in WRONG for value in (None, *WRONG[name])])
@pytest.mark.parametrize("called", ["", "fleet_"])
def test_a_value_of_another_type_names_host_and_variable(variable: str, value: Any, called: str) -> None:
    """By the name that the fleet has for it, where lbcheck_vars says one."""
    own = called + variable if called and variable not in ("lbcheck_vars", "lbcheck_groups") else variable
    shared = (SHARED | {"lbcheck_vars": {variable: own}} if own != variable else SHARED) | {own: value}
    hosts = {name: shared | vars_ for name, vars_ in (HOSTS | EVERYWHERE).items()}
    if own == variable:  # the hosts' own come first
        hosts = {name: vars_ | {own: value} for name, vars_ in hosts.items()}
    with pytest.raises(InventoryError) as caught:
        understand(listing(hosts, ROLES), "hosts.yml")
    sentence = str(caught.value)
    assert any(f"'{host}'" in sentence for host in hosts)
    assert own in sentence
    assert sentence.endswith(" (hosts.yml)")
    assert len(sentence) < 300


def test_an_address_of_a_frontend_is_one_address() -> None:
    """A text is not nine addresses of a character each."""
    shared = SHARED | {"cluster_frontends": [WWW | {"addresses": "127.0.0.1"}]}
    assert understand(listing(HOSTS, GROUPS, **shared), "x").cluster.frontends[0].addresses == ("127.0.0.1",)


def test_groups_in_groups_take_no_more_time_than_there_are() -> None:
    """A diamond of thirty layers has a thousand million ways through it, a chain of two thousand is deep."""
    nested = listing(HOSTS, {"load_balancers": ["lb1"]}, **SHARED)
    nested["backends"] = {"children": ["left0", "right0"]}
    for layer in range(30):
        for side in ("left", "right"):
            nested[f"{side}{layer}"] = {"children": [f"left{layer + 1}", f"right{layer + 1}"]}
    nested["left30"], nested["right30"] = {"children": ["chain0"]}, {"hosts": ["web2"]}
    for link in range(2000):
        nested[f"chain{link}"] = {"children": [f"chain{link + 1}"]}
    nested["chain2000"] = {"hosts": ["web1"]}
    assert list(understand(nested, "x").cluster.backends[0].weights) == ["web1", "web2"]


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


def test_what_ansible_would_read_without_end_is_no_inventory(tmp_path: Path) -> None:
    """A pipe, a device, the root of all files, and a file of more than 100 MB are named before Ansible is asked."""
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate(100_000_001)
    cases = {
        str(pipe): "is neither a file nor a directory; Ansible reads an inventory several times: write it into a file",
        "/dev/zero": "is neither a file nor a directory",
        "/../": "is the whole file system, and Ansible would run every program in it",
        str(large): "has more than 100 MB; Ansible would read it for hours",
    }
    for name, sentence in cases.items():
        with pytest.raises(InventoryError, match=re.escape(f"inventory '{name}' {sentence}")):
            load([name])


def test_what_ended_ansible_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parser of YAML fails without a word on what is nested without end, and leaves no folder behind."""
    folder, deep = tmp_path / "ansible", tmp_path / "hosts.json"
    monkeypatch.setenv("ANSIBLE_LOCAL_TEMP", str(folder))
    deep.write_text("[" * 200_000)
    with pytest.raises(InventoryError, match=r"cannot be read: (it was ended by SIG|.*ERROR)"):
        load([str(deep)])
    assert list(folder.iterdir()) == []


def test_an_inventory_that_cannot_be_parsed_is_a_sentence(tmp_path: Path) -> None:
    """Broken YAML is refused, never an empty cluster."""
    broken = tmp_path / "hosts.yml"
    broken.write_text("all: [unclosed")
    with pytest.raises(InventoryError, match=r"hosts\.yml cannot be read: .*While parsing a flow sequence"):
        load([str(broken)])


def test_why_a_program_is_no_inventory_is_said(tmp_path: Path) -> None:
    """Ansible's error is that it completely failed; its warnings say why."""
    program = tmp_path / "inventory.sh"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(InventoryError, match=r"inventory\.sh cannot be read: .*exit code 3.* \(as script\)"):
        load([str(program)])


def test_reasons_of_an_older_ansible_are_read() -> None:
    """It breaks lines within words, and each plugin's reason is a warning of its own."""
    said = """[WARNING]:  * Failed to parse /inventories/with-a-name-
that-is-long/hosts.yml with yaml plugin: We were unable to read
either as JSON nor YAML: line 2
[WARNING]:  * Failed to parse /inventories/with-a-name-
that-is-long/hosts.yml with ini plugin: Invalid host pattern 'all:'
ERROR! Completely failed to parse inventory source
"""
    assert unparsed.reasons(said).startswith(
        "We were unable to read either as JSON nor YAML: line 2 (as yaml); Invalid host pattern 'all:'"
    )
    assert unparsed.reasons("[ERROR]: nothing of that kind") == ""


def test_a_text_that_is_marked_unsafe_is_a_text(tmp_path: Path) -> None:
    """`ansible-inventory` lists it as an object."""
    inventory = tmp_path / "hosts.yml"
    inventory.write_text("load_balancers: {hosts: {lb1: {lbcheck_haproxy_log: !unsafe '/log/{{x}}'}}}")
    assert load([str(inventory)]).cluster.balancers[0].log == "/log/{{x}}"


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
    """`cluster_behind` says it, else a network that the client shares with a gateway."""
    gateway = {"cluster_addresses": {"public": ["198.18.0.40"], "homes": ["100.64.0.1"]}}
    clients: dict[str, dict[str, Any]] = {
        "c1": {"cluster_addresses": {"homes": ["100.64.0.2"]}},
        "c2": {"cluster_addresses": {"public": ["198.18.0.31"], "homes": ["100.64.0.3"]}},
        "c3": {"cluster_addresses": {"public": ["198.18.0.32"]}, "cluster_behind": "nat1"},
        "c4": {"cluster_addresses": {"homes": ["100.64.0.4"]}, "cluster_behind": "auto"},
    }
    found = listing({"nat1": gateway} | clients, {"nat_gateways": ["nat1"], "clients": list(clients)})
    behind = [client.behind for client in understand(found, "hosts.yml").cluster.clients]
    assert behind == ["nat1", "", "nat1", "nat1"]


def test_one_vip_of_several_balancers_has_no_home() -> None:
    """keepalived's usual form is one variable of the group. What one balancer alone says has its home there."""
    hosts = {
        name: {"ansible_host": f"198.18.0.{n}", "cluster_vips": "198.18.0.100/24"} for n, name in ((1, "a"), (2, "b"))
    }
    hosts["b"] |= {"cluster_vips": ["198.18.0.100", "198.18.0.102"]}
    hosts["web1"] = {"cluster_vips": "198.18.0.100"}  # a variable of all hosts: servers have no VIPs
    found = understand(listing(hosts, {"load_balancers": ["a", "b"], "backends": ["web1"]}, **SHARED), "x").cluster
    assert [(vip.address, vip.home) for vip in found.vips] == [("198.18.0.100", ""), ("198.18.0.102", "b")]
    assert [balancer.name for balancer in found.serving()] == ["a", "b"]
    assert "VIP 198.18.0.100: shared by the balancers" in render(Question(found).topology)


def test_a_vip_may_be_its_balancers_own_address_and_none_at_all() -> None:
    """One machine without keepalived, or an empty variable."""
    for vips, expected in (("198.18.0.21", ["198.18.0.21"]), ("", [])):
        hosts = HOSTS | {"lb1": HOSTS["lb1"] | {"cluster_vips": vips}}
        found = understand(listing(hosts, GROUPS, **SHARED), "x").cluster
        assert [vip.address for vip in found.vips] == expected


@pytest.mark.parametrize(
    ("name", "variables", "expected"),
    [
        ("10.0.0.7", {}, "10.0.0.7"),
        ("2001:db8::7", {}, "2001:db8::7"),
        ("web1", {"ansible_ssh_host": "10.0.0.7"}, "10.0.0.7"),
        ("web1", {"ansible_host": "10.0.0.8", "ansible_ssh_host": "10.0.0.7"}, "10.0.0.8"),
        ("10.0.0.7", {"ansible_host": "bastion"}, "10.0.0.7"),
    ],
)
def test_a_host_is_known_by_how_ansible_reaches_it(name: str, variables: dict[str, Any], expected: str) -> None:
    """`ansible_host`, its older name, or an address that is the host's own name."""
    found = understand(listing({name: variables}, {"backends": [name]}, **SHARED), "x").cluster
    assert found.backends[0].servers[0].addresses == (expected,)


def test_an_address_may_be_given_twice_to_hosts_that_are_nobodys_here() -> None:
    """The same machine by two names, or a way to others: only what the cluster is made of has to be unambiguous."""
    hosts = HOSTS | {"jump": {"ansible_host": "198.18.0.11"}}
    assert understand(listing(hosts, GROUPS, **SHARED), "x").cluster.balancers


@pytest.mark.parametrize(
    ("url", "vips", "expected"),
    [
        ("http://198.18.0.5/", "198.18.0.100", ("198.18.0.5",)),
        ("http://[2001:2::5]:8080/", "", ("2001:2::5",)),
        ("http://www.test/", "198.18.0.100", ("198.18.0.100",)),
        ("http://www.test/", "", ()),
    ],
)
def test_a_frontend_answers_at_its_urls_address_or_where_its_name_leads(
    url: str, vips: str, expected: tuple[str, ...]
) -> None:
    """An address in the URL, else the VIPs, else what its name resolves to; never how Ansible reaches a balancer."""
    hosts = HOSTS | {"lb1": HOSTS["lb1"] | {"cluster_vips": vips}}
    shared = SHARED | {"cluster_frontends": [WWW | {"url": url}]}
    question = understand(listing(hosts, GROUPS, **shared), "x")
    assert question.cluster.frontends[0].addresses == expected
    requests = [step for stage in spread.plan(question, Options()).stages for step in stage.steps]
    asked = [(step.address, step.every_address) for step in requests if isinstance(step, Request)]
    assert asked == ([(address, False) for address in expected] or [("", True)])


def test_without_vips_capacity_counts_the_balancers_own_addresses() -> None:
    """Arithmetic asks no name: it takes the balancers' public addresses, once for each."""
    hosts = HOSTS | {"lb1": {"cluster_addresses": {"public": ["198.18.0.21"], "inside": ["10.0.0.21"]}}}
    found = listing(hosts, GROUPS, **SHARED)
    cluster = with_capacity(understand(found, "x").cluster, InventoryReader(found, "x"))
    assert cluster.frontends[0].addresses == ("198.18.0.21",)


FOREIGN = {"edge": ["lb1"], "app": ["web1", "web2"], "clients": ["desk1"]}
MAPPED = {"lbcheck_groups": {"load_balancers": "edge", "backends": "app"}}


@pytest.mark.parametrize(
    ("groups", "desk", "shared", "probes"),
    [
        (FOREIGN, {}, MAPPED, False),
        (FOREIGN, {}, {}, False),
        (FOREIGN, {}, {"lbcheck_groups": MAPPED["lbcheck_groups"] | {"clients": "clients"}}, True),
        (FOREIGN, {"cluster_addresses": ["198.18.0.31"]}, MAPPED, True),
        (GROUPS | {"clients": ["desk1"]}, {}, {}, True),
    ],
)
def test_a_foreign_group_of_clients_does_not_become_probes_unasked(
    groups: dict[str, list[str]], desk: dict[str, Any], shared: dict[str, Any], probes: bool
) -> None:
    """It is asked by lbcheck_groups, by its hosts' own cluster_ variables, or by lbcheck's names for other groups."""
    backends = {"cluster_backends": [WEB | {"group": "app" if "app" in groups else "backends"}]}
    found = understand(listing(HOSTS | {"desk1": desk}, groups, **SHARED | backends | shared), "x").cluster
    assert [client.name for client in found.clients] == (["desk1"] if probes else [])
    assert any("lbcheck_groups: {clients: clients} would ask" in note for note in found.notes) is not probes


def test_every_variable_that_is_read_may_be_a_template() -> None:
    """What the loaders ask for stands in the list of what Ansible evaluates, and nothing else does."""
    folder = Path(reader.__file__).parent
    read = {
        name
        for file in folder.glob("*.py")
        if file.name not in {"templates.py", "known_variables.py"}  # the latter also knows those of the substrates
        for name in re.findall(r'"((?:cluster|lbcheck)_[a-z0-9_]+)"', file.read_text())
    }
    assert read - {"lbcheck_groups", "lbcheck_vars"} == templates.COMMON | templates.OF_A_HOST
