"""One lab for all tests here: stood up once, taken away at the end."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import pytest
from testinfra.host import Host

from lbcheck.loaders.ansible_inventory import load
from lbcheck.model.topology import Topology

from .cluster import ROOT, Cluster
from .machines import standing as standing_machines

# A test that takes one of these fixtures runs on each host of the group, as testinfra sees it.
GROUPS: dict[str, Callable[[Topology], Sequence[Any]]] = {
    "dns_server": lambda lab: lab.dns_servers,
    "resolver": lambda lab: lab.resolvers,
    "load_balancer": lambda lab: lab.balancers,
    "backend": lambda lab: lab.backends[0].servers,
    "nat_gateway": lambda lab: lab.nat_gateways,
    "client": lambda lab: lab.clients,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a standing lab be used, while one writes tests."""
    parser.addoption("--lab-instance", default="", help="use this standing lab instead of one of the tests' own")
    parser.addoption("--vagrant-layer", default="", help="use Vagrant's standing machines: .vagrant/lab.yml")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A converged, settled lab."""
    if layer := request.config.getoption("--vagrant-layer"):
        machines = standing_machines(layer)
        machines.settled()
        yield machines
        return
    standing = request.config.getoption("--lab-instance")
    lab = Cluster(standing or "test")
    try:
        if not standing:
            lab.done("python", "-m", "lab", "up")
            lab.converge()
        lab.settled()
        yield lab
    finally:
        if not standing:
            lab.done("python", "-m", "lab", "down")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a host of a group on each of them."""
    for group, hosts_of in GROUPS.items():
        if group in metafunc.fixturenames:
            hosts = hosts_of(_topology(metafunc.config.getoption("--vagrant-layer")))
            metafunc.parametrize(group, [host.name for host in hosts], indirect=True)


@cache
def _topology(layer: str) -> Topology:
    return load([str(ROOT / "inventory" / "lab"), *([layer] if layer else [])])


def _enter(cluster: Cluster, request: pytest.FixtureRequest) -> Host:
    return cluster.seen(request.param)


dns_server, resolver, load_balancer, backend, nat_gateway, client = (
    pytest.fixture(_enter, name=group, scope="session") for group in GROUPS
)
