"""Inventories as other projects write them, each from what is understood to a plan; and what is never evaluated."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from lbcheck.errors import InventoryError
from lbcheck.loaders.ansible_inventory import load
from lbcheck.model.cluster import Cluster

SHAPES = Path(__file__).with_name("inventories")


def lbcheck(*arguments: str) -> str:
    """Run the command; return what it says."""
    command = [sys.executable, "-m", "lbcheck", *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


# Inventory → what is understood, and what would be sent.
UNDERSTOOD: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "cloud/multinode": (
        (
            "VIP 192.0.2.40: shared by the balancers",
            "balancer ctl1: VIPs none; unix:/var/lib/proxy/admin.sock",
            "backend identity_back: roundrobin: ctl1 (weight 1), ctl2 (weight 1), ctl3 (weight 1)",
            "frontend identity: https://cloud.example.org:5000/ at 192.0.2.40 → backend identity_back",
        ),
        (
            "at ctl1: read HAProxy's counters of ctl1 from unix:/var/lib/proxy/admin.sock",
            "at here: request https://cloud.example.org:5000/ at 192.0.2.40 ",
        ),
    ),
    "database/hosts.ini": (
        (
            "VIP 192.0.2.50: shared by the balancers",
            "frontend writes: tcp://192.0.2.50:5000 at 192.0.2.50 → backend primary",
            "answers name their server by body:([a-z]+[0-9])",
        ),
        ("at here: request http://192.0.2.50:7008/ at 192.0.2.50 ",),
    ),
    "orchestrator": (
        (
            "balancer front1: VIPs 192.0.2.70; ",
            "frontend api: https://api.example.net:8443/readyz at 192.0.2.70 → backend apiserver",
            "note: Ansible could not parse artifacts/admin.conf in ",
        ),
        ("at here: request https://api.example.net:8443/readyz at 192.0.2.70 ",),
    ),
    "storage/hosts": (
        (
            "VIP 192.0.2.66: shared by the balancers",
            "VIP 192.0.2.67: shared by the balancers",
            "note: group clients may be meant for something else, and probes run on this machine: ",
        ),
        (
            "at here: request http://objects.example.com/ at 192.0.2.66 ",
            "at here: request http://objects.example.com/ at 192.0.2.67 ",
        ),
    ),
    "containers/inventory.py": (
        (
            "frontend api: https://api.example.org:8774/ at each address that its name has → backend api-back",
            "name api.example.org: whatever it gives",
        ),
        ("at here: request https://api.example.org:8774/ at each of its addresses ",),
    ),
    "website/hosts": (
        ("frontend www: http://192.0.2.10/ at 192.0.2.10 → backend habackend",),
        ("at here: request http://192.0.2.10/ at 192.0.2.10 ",),
    ),
}


@pytest.mark.parametrize("inventory", UNDERSTOOD)
def test_an_inventory_of_another_project_leads_to_a_plan(inventory: str) -> None:
    """A few variables beside what is there: its VIPs, addresses and names are understood, and would be asked."""
    understood, planned = UNDERSTOOD[inventory]
    topology = lbcheck("topology", "-i", str(SHAPES / inventory))
    plan = lbcheck("run", "-i", str(SHAPES / inventory), "--plan")
    assert [line for line in understood if line not in topology] == []
    assert [line for line in planned if line not in plan] == []


def test_names_of_servers_come_from_variables_and_patterns() -> None:
    """A variable of each host, a pattern with the host's name, a mapping that a template makes of a list."""
    names = {name: load([str(SHAPES / name)]).asked.names for name in ("database/hosts.ini", "storage/hosts")}
    assert names["database/hosts.ini"] == {"db1": "192.0.2.51", "db2": "192.0.2.52", "db3": "192.0.2.53"}
    assert names["storage/hosts"] == {"server-gw1-*": "gw1", "server-gw2-*": "gw2"}
    assert load([str(SHAPES / "website/hosts")]).asked.names == {"app1": "web-a", "app2": "web-b"}


def written(folder: Path, hosts: Mapping[str, Mapping[str, Any]], **shared: Any) -> str:
    """Write an inventory of these balancers, with a frontend and a server; return its file."""
    shared = {
        "cluster_frontends": [{"name": "www", "url": "http://www.example.com/", "backend": "app"}],
        "cluster_backends": [{"name": "app"}],
    } | shared
    groups = {"load_balancers": {"hosts": hosts}, "backends": {"hosts": {"web1": {}}}}
    file = folder / "hosts.yml"
    file.write_text(json.dumps({"all": {"vars": shared, "children": groups}}))
    return str(file)


def understood(inventory: str) -> Cluster:
    """Return what is understood of an inventory."""
    return load([inventory]).cluster


def test_a_template_has_the_value_of_its_host(tmp_path: Path) -> None:
    """Text, lists and mappings, each with the host's own variables; a value of the whole cluster, too."""
    hosts = {name: {"place": f"192.0.2.{n}", "user": name} for n, name in enumerate(("lb1", "lb2"), start=1)}
    url = "https://{{ site }}/"
    inventory = written(
        tmp_path,
        hosts,
        site="www.example.net",
        cluster_vips=["{{ place }}"],
        lbcheck_stats="{{ ['unix:/run/' ~ user, 'unix:/run/b'] }}",
        cluster_frontends=[{"name": "www", "url": url, "backend": "app"}],
    )
    found = understood(inventory)
    assert [(vip.address, vip.home) for vip in found.vips] == [("192.0.2.1", "lb1"), ("192.0.2.2", "lb2")]
    assert found.balancers[1].stats == ("unix:/run/lb2", "unix:/run/b")
    assert found.frontends[0].url == "https://www.example.net/"


def test_what_cannot_be_evaluated_is_refused_by_name_where_it_is_needed(tmp_path: Path) -> None:
    """An undefined name on a balancer is an error; the same variable on a server, which needs none, is nobody's."""
    inventory = written(tmp_path, {"lb1": {"known": "unix:/s"}}, lbcheck_stats="{{ known }}")
    assert understood(inventory).balancers[0].stats == ("unix:/s",)
    inventory = written(tmp_path, {"lb1": {}}, lbcheck_stats="{{ known }}")
    with pytest.raises(
        InventoryError, match=r"host 'lb1': lbcheck_stats '{{ known }}' cannot be evaluated: 'known' is"
    ):
        understood(inventory)


def test_nothing_runs_that_is_not_asked_for(tmp_path: Path) -> None:
    """Names of hosts and groups, variables of others, what a template gives: text, never run."""
    ran = tmp_path / "ran"
    attack = f"{{{{ lookup('pipe', 'touch {ran}') }}}}"
    inventory = Path(written(tmp_path, {"lb1": {}, attack: {"cluster_vips": ["192.0.2.1"]}}))
    document = json.loads(inventory.read_text())
    document["all"]["vars"] |= {"cluster_of_theirs": attack, "lbcheck_identify": "body:{{ '{' }}{ x"}
    document["all"]["children"][attack] = {"hosts": {"lb1": {}}}
    inventory.write_text(json.dumps(document))
    question = load([str(inventory)])
    assert question.identify == "body:{{ x"
    assert attack in [balancer.name for balancer in question.cluster.balancers]
    assert not ran.exists()
    refused = written(tmp_path, {attack: {"where": "unix:/s", "lbcheck_stats": "{{ where }}"}})
    with pytest.raises(InventoryError, match="cannot be evaluated: its host's name may be"):
        load([refused])
    assert not ran.exists()


def test_text_that_is_marked_as_unsafe_stays_as_it_is(tmp_path: Path) -> None:
    """Nobody evaluates it, and it is no template: a pattern may have such braces."""
    inventory = Path(written(tmp_path, {"lb1": {}}, lbcheck_identify="THIS"))
    inventory.write_text(inventory.read_text().replace('"THIS"', '!unsafe "body:{{([a-z]+)}}"'))
    assert load([str(inventory)]).identify == "body:{{([a-z]+)}}"


def test_a_folder_that_ansible_accepts_is_accepted(tmp_path: Path) -> None:
    """What it cannot parse there is said; the same file by its own name is an error, alone or beside others."""
    folder = tmp_path / "a folder-with-a-long-name-that-is-broken-in-two-in-warnings"
    folder.mkdir()
    written(folder, {"lb1": {}})
    odd = folder / "odd-file.yml"
    odd.write_text("all: [unclosed")
    notes = understood(str(folder)).notes
    assert any("could not parse odd-file.yml in" in note for note in notes)
    for inventories in ([str(odd)], [str(folder), str(odd)]):
        with pytest.raises(InventoryError, match=r"odd-file\.yml cannot be read"):
            load(inventories)
