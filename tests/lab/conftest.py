"""One lab for all tests here: stood up once, taken away at the end."""

from collections.abc import Iterator

import pytest
from testinfra.host import Host

from lbcheck.loaders.ansible_inventory import load

from .cluster import ROOT, Cluster
from .nspawn_backend import host_of

# A test that takes one of these fixtures runs on each host of the group, as testinfra sees it.
_LAB = load([str(ROOT / "inventory" / "lab")])
GROUPS = {
    "dns_server": _LAB.dns_servers,
    "resolver": _LAB.resolvers,
    "load_balancer": _LAB.balancers,
    "backend": _LAB.backends[0].servers,
    "nat_gateway": _LAB.nat_gateways,
    "client": _LAB.clients,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a standing lab be used, while one writes tests."""
    parser.addoption("--lab-instance", default="", help="use this standing lab instead of one of the tests' own")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """A converged, settled lab."""
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
    for group, hosts in GROUPS.items():
        if group in metafunc.fixturenames:
            metafunc.parametrize(group, [host.name for host in hosts], indirect=True)


def _enter(cluster: Cluster, request: pytest.FixtureRequest) -> Host:
    return host_of(cluster.instance, request.param)


dns_server, resolver, load_balancer, backend, nat_gateway, client = (
    pytest.fixture(_enter, name=group, scope="session") for group in GROUPS
)
