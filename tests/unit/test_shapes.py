"""Clusters of other shapes than the lab's: what the playbook writes on their hosts, and what lbcheck reads of them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from lbcheck.loaders import reference
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.loaders.ansible_inventory import written as listed
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.convergence import complaints
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.cluster import Cluster
from tests.convergence import PLAYBOOKS, SHAPES, shapes, written
from tests.rendering import ROOT


def texts(shape: str) -> str:
    """Return all that is written in a shape, as one text."""
    return "\n".join(text for host in shapes()[shape].values() for text in host.values())


def lines(shape: str, host: str, file: str, pattern: str) -> list[str]:
    """Return the lines of a host's file that a pattern finds, without their margins."""
    return [line.strip() for line in shapes()[shape][host][file].splitlines() if re.search(pattern, line)]


def test_the_defaults_of_the_playbooks_are_those_that_lbcheck_reads() -> None:
    """One table in YAML, one in Python."""
    said: dict[str, Any] = yaml.safe_load((PLAYBOOKS / "group_vars" / "all.yml").read_text(encoding="utf-8"))
    flat = {name: value for group in reference.DEFAULTS.values() for name, value in group.items()}
    assert said["cluster_defaults"] == flat
    assert said["cluster_backend_defaults"] == reference.BACKEND
    assert said["cluster_nat_defaults"] == reference.NAT


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_converges_and_its_templates_render(shape: str) -> None:
    """Nothing stands in the way, and nothing is undefined."""
    listing = listed([str(SHAPES[shape])])
    assert complaints(listing, shape) == ()
    assert understand(reference.completed(listing), shape).lab
    assert not re.search(r"{{|{%|Undefined|\bNone\b", texts(shape))


def test_the_smallest_inventory_is_its_hosts_and_ten_lines_more() -> None:
    """README shows it as it is."""
    text = SHAPES["smallest"].read_text(encoding="utf-8")
    shown = text.partition("all:\n")[2]
    assert len([line for line in shown.splitlines() if "cluster_addresses" not in line]) <= 10
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8")


def test_without_vips_names_and_frontends_lead_to_the_balancers() -> None:
    """DNS gives what lbcheck expects, and keepalived has nothing to hold."""
    cluster = understand(reference.completed(listed([str(SHAPES["smallest"])])), "x").cluster
    assert cluster.frontends[0].addresses == cluster.names[0].addresses == ("198.18.0.2",)
    assert lines("smallest", "ns1", "nsd/zone.j2 shop.test", "^www") == ["www.shop.test. A 198.18.0.2"]
    assert lines("smallest", "lb1", "keepalived/keepalived.conf.j2", "vrrp_instance") == []


def capacity_of(shape: str, **shared: Any) -> Cluster:
    """Return a shape's cluster with its capacities, and with other variables on every host."""
    listing = reference.completed(listed([str(SHAPES[shape])]))
    for own in listing["_meta"]["hostvars"].values():
        own.update(shared)
    return with_capacity(understand(listing, shape).cluster, InventoryReader(listing, shape))


def test_a_roles_default_counts_in_a_lab_and_nowhere_else() -> None:
    """Three balancers of maxconn 8,000 each, which is said as assumed; what the inventory says is not."""
    lab, elsewhere = capacity_of("names"), capacity_of("names", lbcheck_lab=False)
    assert [balancer.holds and balancer.holds.maxconn for balancer in lab.balancers] == [8000] * 3
    assert "assumed for 3 balancers: maxconn 8,000, the role's default" in lab.assumed
    assert [balancer.holds and balancer.holds.maxconn for balancer in elsewhere.balancers] == [None] * 3
    assert "role's default" not in "".join(capacity_of("names", cluster_maxconn=500).assumed)
    roles = yaml.safe_load((ROOT / "ansible/roles/haproxy/defaults/main.yml").read_text(encoding="utf-8"))
    assert roles["haproxy_maxconn"] == reference.MAXCONN


def test_a_balancers_sources_are_those_that_its_configuration_names() -> None:
    """In the network by which it reaches the servers, whatever that is called."""
    [first, *_] = capacity_of("names").balancers
    assert first.holds
    assert first.holds.sources == ("10.77.1.21", "fd00:77:1::21")


def test_growth_has_its_layers_beside_the_inventory_or_refuses() -> None:
    """Before anything is touched."""
    refused = subprocess.run(
        [ROOT / "lab" / "growth"], env={"PATH": "/usr/bin:/bin", "INVENTORY": "tests/lab/shapes/ipv4/hosts.yml"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "has no folder tests/lab/shapes/ipv4/growth" in refused.stderr
    layer = SHAPES["names"].parent / "growth" / "1-server.yml"
    assert complaints(listed([str(SHAPES["names"]), str(layer)]), "names") == ()


def test_hosts_have_dots_in_their_names_and_networks_any_name() -> None:
    """A name server of the zone keeps its name in it; servers are reached by the network that is not public."""
    zone = "nsd/zone.j2 shop.example"
    assert lines("names", "ns1.shop.example", zone, " NS ") == ["@ NS ns1.shop.example."]
    server = lines("names", "lb1.shop.example", "haproxy/haproxy.cfg.j2", "server web6.* weight 3")
    assert server[0] == "server web6.shop.example 10.77.1.36:8080 weight 3 source 10.77.1.21"


def test_nothing_of_ipv6_is_written_where_no_network_has_it() -> None:
    """No bind, no listener, no route; the client behind the NAT has its way out."""
    assert "[::]" not in texts("ipv4").replace('"[$', "")
    assert "::1" not in shapes()["ipv4"]["dns2"]["unbound/unbound.conf.j2"]
    assert lines("ipv4", "client2", "network/network-extras.sh.j2", "^route 0") == ["route 0.0.0.0/0 100.64.0.1"]


def test_nothing_of_ipv4_is_needed_where_no_network_has_it() -> None:
    """HAProxy and keepalived speak IPv6, and servers are reached by it."""
    assert lines("ipv6", "lb1", "haproxy/haproxy.cfg.j2", "bind :") == []
    assert "server web1 [2001:2:0:1::11]:8080 weight 1 source [2001:2:0:1::21]" in texts("ipv6")
    keepalived = shapes()["ipv6"]["lb1"]["keepalived/keepalived.conf.j2"]
    assert "unicast_src_ip 2001:2::21" in keepalived
    assert re.search(r"virtual_ipaddress {\n +2001:2::101/128\n", keepalived)
    assert "address 2001:2::32/64 2001:2::31 nodad" in shapes()["ipv6"]["client1"]["network/network-extras.sh.j2"]


def test_a_host_has_routes_of_its_own_families_alone() -> None:
    """A server without IPv6 has no way to a gateway's IPv6 address, nor to those behind it; a client has both."""
    script = "network/network-extras.sh.j2"
    assert lines("pools", "web1", script, "^route [^(]") == []
    assert lines("pools", "lb1", script, "^route [^(]") == ["route 2001:2:0:64::/64 2001:2::40"]
    assert lines("pools", "client1", script, "^route [^(]") == [
        "route 0.0.0.0/0 100.64.0.1",
        "route ::/0 2001:2:0:64::1",
    ]


def test_a_server_of_two_pools_has_a_weight_in_each() -> None:
    """What a backend says of its servers' weights goes over their own; lbcheck reads the same."""
    both = [line.split(" source")[0] for line in lines("pools", "lb1", "haproxy/haproxy.cfg.j2", "server both1")]
    assert [line.rpartition(":")[2] for line in both] == [
        "8080 weight 0",
        "8082 weight 1",
        "8083 weight 1",
        "8084 weight 3",
    ]
    cluster = understand(reference.completed(listed([str(SHAPES["pools"])])), "x").cluster
    assert [backend.weights["both1"] for backend in cluster.backends] == [0, 1, 1, 3]
    assert cluster.names[2].addresses == ("198.18.0.13", "198.18.0.14")
    assert lines("pools", "web1", "nginx/nginx.conf.j2", "listen 8") == [
        "listen 8080 backlog=4096;",
        "listen 8082 backlog=4096;",
        "listen 8081;",
    ]


def test_servers_of_somebodys_own_are_checked_and_left_alone() -> None:
    """An HTTP check on the port that serves, no role but the network; no log and no counters are expected of them."""
    assert {name.partition("/")[0] for name in shapes()["servers"]["app1"]} == {"network"}
    assert lines("servers", "lb1", "haproxy/haproxy.cfg.j2", "httpchk|check ") == [
        "option httpchk GET /healthy",
        "default-server check inter 1s fall 2 rise 2",
    ]
    servers = understand(reference.completed(listed([str(SHAPES["servers"])])), "x").cluster.backends[0].servers
    assert {(server.log, server.stub_status) for server in servers} == {("", "")}


def test_an_algorithm_with_arguments_reaches_haproxy(tmp_path: Path) -> None:
    """The role's argument takes those alone that need none, so it comes as one of the backend's lines."""
    pool = {"name": "web", "port": 8080, "algorithm": "hdr(x-user)"}
    (tmp_path / "more.json").write_text(json.dumps({"all": {"vars": {"cluster_backends": [pool]}}}))
    [files] = written([SHAPES["smallest"], tmp_path / "more.json"])
    configuration = files["lb1"]["haproxy/haproxy.cfg.j2"]
    assert re.findall("^ *balance (.*)", configuration, re.MULTILINE) == ["hdr(x-user)"]


def test_tls_has_a_redirection_beside_it() -> None:
    """Port 443 has the certificate, port 80 a redirection and nothing else."""
    assert lines("tls", "lb1", "haproxy/haproxy.cfg.j2", " bind |redirect scheme") == [
        "bind :443 ssl crt /etc/haproxy/www.pem alpn h2,http/1.1",
        "bind [::]:443 v6only ssl crt /etc/haproxy/www.pem alpn h2,http/1.1",
        "bind :80",
        "bind [::]:80 v6only",
        "http-request redirect scheme https code 301 unless { ssl_fc }",
    ]


def test_daemons_listen_where_lbcheck_asks() -> None:
    """A name server on a balancer, and a resolver on a server: at their public addresses, and a resolver for itself."""
    cluster = understand(reference.completed(listed([str(SHAPES["daemons"])])), "x").cluster
    [name_server], [resolver] = cluster.dns_servers, cluster.resolvers
    asked = lines("daemons", "lb1", "nsd/nsd.conf.j2", "ip-address:")
    assert asked == [f"ip-address: {address}" for address in name_server.addresses]
    listens = lines("daemons", "web1", "unbound/unbound.conf.j2", "interface:")
    assert listens == [f"interface: {address}" for address in (*resolver.addresses, "127.0.0.1", "::1")]


def test_the_labs_own_inventory_and_its_growth_converge() -> None:
    """Each step of the growth with those before it, too."""
    steps = [ROOT / "inventory" / "lab", *sorted(Path(ROOT, "inventory", "growth").glob("*.yml"))]
    for number in range(len(steps)):
        layers = [str(path) for path in steps[: number + 1]]
        assert complaints(listed(layers), "growth") == ()


def test_a_vip_that_gets_another_home_keeps_its_instance(tmp_path: Path) -> None:
    """Only priorities and states change, so that VRRP hands it over while one balancer knows and the other does not."""
    swapped = {
        "lb1": {"cluster_vips": ["198.18.0.102", "2001:2::102"]},
        "lb2": {"cluster_vips": ["198.18.0.101", "2001:2::101"]},
    }
    layer = tmp_path / "swapped.json"
    layer.write_text(json.dumps({"all": {"hosts": swapped}}), encoding="utf-8")
    lab = ROOT / "inventory" / "lab"
    before, after = (
        [files[host]["keepalived/keepalived.conf.j2"] for host in ("lb1", "lb2")]
        for files in written([lab], [lab, layer])
    )

    def instances(text: str) -> set[str]:
        bare = re.sub(r"(priority|state) \w+", r"\1", text)
        return {one.strip() for one in bare.split("vrrp_instance ")[1:]}

    def priorities(text: str) -> dict[str, str]:
        return dict(re.findall(r"vrrp_instance (\S+) {.*?priority (\d+)", text, re.DOTALL))

    assert [instances(text) for text in before] == [instances(text) for text in after]
    assert [priorities(text) for text in before] == [priorities(text) for text in reversed(after)]
    assert priorities(before[0]) == {"198.18.0.101": "254", "198.18.0.102": "253"}
