"""The roles as a collection, on a bare host of a user's own: installed from an archive, without a network."""

import json
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .cluster import ROOT, Cluster
from .test_converge import changes

pytestmark = pytest.mark.lab

# What the lab itself needs of an inventory; the play below reads none of it but how the host is reached.
INVENTORY = {
    "all": {
        "vars": {
            "cluster_networks": {"wire": {"ipv4": "198.18.0.0/24"}},
            "cluster_frontends": [{"name": "www", "url": "http://www.shop.test/", "backend": "web"}],
            "cluster_backends": [{"name": "web"}],
            "lbcheck_lab": True,
            "ansible_connection": "nspawn",
            "ansible_python_interpreter": "/usr/bin/python3",
        },
        "children": {
            "load_balancers": {"hosts": {"lb1": {"cluster_addresses": {"wire": ["198.18.0.2"]}}}},
            "backends": {"hosts": {"web1": {"cluster_addresses": {"wire": ["198.18.0.3"]}}}},
        },
    }
}
PLAY = """
- hosts: lb1
  gather_facts: false
  vars:
    haproxy_update_cache: false
    keepalived_update_cache: false
    haproxy_frontends:
      - name: www
        binds: [":80"]
        backend: app
        lines: ["http-request return status 200 content-type text/plain string raw if { path /raw }"]
    haproxy_backends: [{name: app, servers: [{name: web1, address: 198.18.0.3, port: 80, options: observe layer4}]}]
    keepalived_address: 198.18.0.2
    keepalived_instances:
      - {name: lb1, router_id: 1, priority: 254, owner: true, addresses: [198.18.0.9], lines: [garp_master_delay 1]}
  roles: [lbcheck.cluster.haproxy, lbcheck.cluster.keepalived]
"""
SETTINGS = f"""
[defaults]
collections_path = collections
connection_plugins = {ROOT}/ansible/plugins/connection
"""
KEPT = {"/etc/haproxy/haproxy.cfg": "haproxy", "/etc/keepalived/keepalived.conf": "keepalived"}


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Cluster]:
    """A lab that is stood up and never converged."""
    (tmp_path / "hosts.json").write_text(json.dumps(INVENTORY))
    lab = Cluster("collection", (str(tmp_path / "hosts.json"),))
    try:
        lab.done("python", "-m", "lab", "up", "-i", *lab.inventories)
        yield lab
    finally:
        lab.done("python", "-m", "lab", "down")


def test_a_play_of_two_roles_from_the_built_archive(bare: Cluster, tmp_path: Path) -> None:
    """With a user's own lines; the files of before are kept once, and the second run changes nothing.

    The play has settings of its own, in which the repository's roles are nowhere.
    """
    (tmp_path / "ansible.cfg").write_text(SETTINGS)
    (tmp_path / "play.yml").write_text(PLAY)

    def run(*words: str) -> "CompletedProcess[str]":
        ran = bare.command(*words, ANSIBLE_CONFIG=str(tmp_path / "ansible.cfg"))
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran

    run("ansible-galaxy", "collection", "build", "ansible", "--output-path", str(tmp_path))
    [archive] = tmp_path.glob("lbcheck-cluster-*.tar.gz")
    run("ansible-galaxy", "collection", "install", "--offline", str(archive))

    bare.on("lb1", "sh", "-c", "echo '! mine' >/etc/keepalived/keepalived.conf")
    before = {path: bare.on("lb1", "cat", path) for path in KEPT}
    for changed in (True, False):
        ran = run("ansible-playbook", "-i", *bare.inventories, str(tmp_path / "play.yml"))
        assert (changes(ran.stdout)["lb1"][0] > 0) == changed, ran.stdout
        assert {path: bare.on("lb1", "cat", f"{path}.before-{role}") for path, role in KEPT.items()} == before
    assert bare.on("lb1", "curl", "--silent", "http://198.18.0.9/raw") == "raw"
    assert "NoNewPrivileges=yes" in bare.on("lb1", "systemctl", "show", "haproxy", "--property=NoNewPrivileges")
