"""An inventory of any variables: it is understood, or a sentence says which variable of which host is wrong."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st

from lbcheck import pipeline
from lbcheck.analysis.tuples.growth import GROWTHS
from lbcheck.errors import LbcheckError
from lbcheck.loaders.ansible_inventory import GROUPS, understand
from lbcheck.loaders.capacity_variables import BALANCER, CLIENT, SERVER, with_capacity
from lbcheck.loaders.reader import InventoryReader
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.reporters import plan as plan_as_text
from lbcheck.reporters import topology as topology_as_text
from lbcheck.wire import samples as samples_file

from .damage import CORPUS, damaged, in_time, sentence, values, written

HOSTS: dict[str, dict[str, Any]] = {
    "dns1": {"ansible_host": "198.18.0.53"},
    "lb1": {
        "cluster_addresses": {"public": ["198.18.0.21"], "backend": ["198.19.0.21", "198.19.0.22"]},
        "cluster_vips": ["198.18.0.101", "2001:2::101"],
        "cluster_maxconn": 8000,
        "lbcheck_stats": ["unix:/run/s.sock"],
        "lbcheck_haproxy_config": "/etc/haproxy/haproxy.cfg",
    },
    "web1": {"cluster_addresses": ["198.18.0.11"], "cluster_weight": 2, "lbcheck_access_log": "/log"},
    "web2": {"ansible_host": "198.18.0.12", "lbcheck_stub_status": "http://127.0.0.1/status"},
    "nat1": {
        "cluster_addresses": {"public": ["198.18.0.40"], "homes": ["100.64.0.1"]},
        "cluster_nat": {"addresses": ["198.18.0.41"], "ports": "40000-40063"},
    },
    "c1": {"cluster_addresses": {"homes": ["100.64.0.2"]}, "cluster_connections": 50},
    "c2": {"ansible_host": "198.18.0.31", "cluster_ephemeral_ports": "1024-65535", "cluster_binding": "explicit"},
}
MEMBERS = {
    "dns_servers": ["dns1"], "load_balancers": ["lb1"], "backends": ["web1", "web2"], "nat_gateways": ["nat1"],
    "clients": ["c1", "c2"],
}  # fmt: skip
SHARED: dict[str, Any] = {
    "cluster_backends": [{"name": "web", "algorithm": "roundrobin", "port": 8080}],
    "cluster_frontends": [
        {"name": "www", "url": "https://www.test/", "backend": "web", "maxconn": 500},
        {"name": "stream", "url": "tcp://www.test:9000", "backend": "web"},
    ],
    "cluster_names": [{"name": "www.test"}],
    "lbcheck_lab": False,
}
WHOLE = (
    "lbcheck_lab",
    "lbcheck_identify",
    "lbcheck_identify_balancer",
    "lbcheck_names",
    "lbcheck_groups",
    "lbcheck_vars",
)
OF_A_HOST = (
    *("lbcheck_name", "lbcheck_stats", "lbcheck_haproxy_log", "lbcheck_haproxy_config", "lbcheck_access_log"),
    *("lbcheck_stub_status", "cluster_weight", "cluster_vips", "cluster_addresses", "cluster_behind", "cluster_nat"),
    *("cluster_backends", "cluster_frontends", "cluster_names", "ansible_host"),
    *(name for variables in (CLIENT, BALANCER, SERVER) for names in variables.values() for name in names),
)
Change = tuple[str, str, Any]  # host, or nothing for all; variable; value


def changed(changes: list[Change]) -> dict[str, Any]:
    """Return the listing of an inventory with some variables changed."""
    hosts = {name: SHARED | own for name, own in HOSTS.items()}
    for where, variable, value in changes:
        for name in [where] if where else hosts:
            hosts[name] = hosts[name] | {variable: value}
    return listed(hosts)


def listed(hosts: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return it as `ansible-inventory --list` gives it, by way of JSON."""
    listing = {group: {"hosts": members} for group, members in MEMBERS.items()} | {"_meta": {"hostvars": hosts}}
    parsed: dict[str, Any] = json.loads(json.dumps(listing))
    return parsed


def refusal(use: Callable[[dict[str, Any]], object], listing: dict[str, Any]) -> str:
    """Do something with an inventory; return why it is refused, if it is."""
    try:
        with in_time():
            use(listing)
    except LbcheckError as error:
        return sentence(error)
    return ""


def understood(listing: dict[str, Any]) -> Question:
    """Read all of it."""
    question = understand(listing, "hosts.yml")
    return replace(question, cluster=with_capacity(question.cluster, InventoryReader(listing, "hosts.yml")))


def all_of_it(listing: dict[str, Any]) -> None:
    """Do all that is done with an inventory before anything is sent."""
    question = understand(listing, "hosts.yml")
    assert isinstance(question.lab, bool)
    topology_as_text.render(question.topology)
    assert samples_file.read(samples_file.first_line(question)).question == question
    plan = pipeline.plan(pipeline.chosen(question, []), question, Options(token="t0k3n"))
    plan_as_text.render(plan)
    report = pipeline.predict(understood(listing).cluster, dict.fromkeys(GROWTHS, 1))
    written(report)


changes = st.lists(
    st.tuples(st.just(""), st.sampled_from(WHOLE), values)
    | st.tuples(st.sampled_from(["", *HOSTS]), st.sampled_from(OF_A_HOST), values),
    min_size=1,
    max_size=3,
)


@given(changes)
def test_any_value_of_any_variable(those: list[Change]) -> None:
    """Null, numbers, lists, mappings, text: each is of the variable's type, or a sentence."""
    note(str(those))
    refusal(all_of_it, changed(those))


@given(damaged({name: SHARED | own for name, own in HOSTS.items()}))
def test_an_inventory_that_is_nearly_right(hosts: Any) -> None:
    """A value inside of a variable, a variable too many, a host without any."""
    refusal(all_of_it, listed({name: own for name, own in hosts.items() if isinstance(own, dict)}))


@given(st.sampled_from(OF_A_HOST), values, st.sampled_from(tuple(HOSTS)))
def test_a_fleets_own_name_for_a_variable_is_in_the_sentence(variable: str, value: Any, host: str) -> None:
    """Whoever called the weight `haproxy_weight` is not told about `cluster_weight`."""
    hosts = {name: SHARED | own | {"lbcheck_vars": {variable: "its_own"}} for name, own in HOSTS.items()}
    for own in hosts.values():
        if variable in own:
            own["its_own"] = own.pop(variable)
    hosts[host]["its_own"] = value
    listing = listed(hosts)
    assert not re.search(rf"\b{variable}\b", refusal(understood, listing))


@pytest.mark.parametrize("path", sorted(CORPUS.glob("variables/*.json")), ids=lambda path: path.stem)
def test_what_once_broke(path: Path) -> None:
    """A list of changes, as JSON."""
    refusal(all_of_it, changed(json.loads(path.read_text())))


def test_the_inventory_itself_is_understood() -> None:
    """Else the changes try nothing."""
    assert not refusal(all_of_it, listed({name: SHARED | own for name, own in HOSTS.items()}))
    assert set(MEMBERS) < set(GROUPS)
