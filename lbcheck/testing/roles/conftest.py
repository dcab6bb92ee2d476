"""Fixtures of the roles' tests: each host of a group in turn, of the inventories that pytest was given."""

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.testing.fleet import Fleet, HostView

# A test that takes one of these runs on each host of the group.
GROUPS = {
    "dns_server": "dns_servers",
    "resolver": "resolvers",
    "load_balancer": "load_balancers",
    "backend": "backends",
    "nat_gateway": "nat_gateways",
    "client": "clients",
    "any_host": "all",
}
_FLEET = pytest.StashKey[Fleet]()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on each host of its group; of those that --hosts names, where it does."""
    for fixture, group in GROUPS.items():
        if fixture in metafunc.fixturenames:
            try:
                found = fleet_of(metafunc.config).hosts(group)
            except LbcheckError as error:  # said once, not for each file
                metafunc.definition.session.shouldstop = str(error)
                return
            wanted = [
                host.rpartition("/")[2] for host in (metafunc.config.getoption("--hosts") or "").split(",") if host
            ]
            hosts = [host for host in found if not wanted or host in wanted]
            metafunc.parametrize(fixture, hosts, indirect=True, scope="session")


def fleet_of(config: pytest.Config) -> Fleet:
    """Return the fleet of --lbcheck-inventory, or of testinfra's --ansible-inventory."""
    if _FLEET not in config.stash:
        ours = config.getoption("--lbcheck-inventory") or config.getini("lbcheck_inventory")
        given = ours or [config.getoption("--ansible-inventory") or ""]
        if not given[0]:
            raise LbcheckError("no inventory: give --lbcheck-inventory INVENTORY")
        config.stash[_FLEET] = Fleet(tuple(given), sudo=bool(config.getoption("--sudo")))
    return config.stash[_FLEET]


@pytest.fixture(scope="session")
def fleet(pytestconfig: pytest.Config) -> Fleet:
    """Everything that the inventories describe."""
    return fleet_of(pytestconfig)


def _seen(fleet: Fleet, request: pytest.FixtureRequest) -> HostView:
    return fleet.seen(request.param)


dns_server, resolver, load_balancer, backend, nat_gateway, client, any_host = (
    pytest.fixture(_seen, name=name, scope="session") for name in GROUPS
)
