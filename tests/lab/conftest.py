"""One lab for all tests here: stood up once, taken away at the end."""

from collections.abc import Iterator

import pytest

from . import table
from .cluster import Cluster
from .machines import standing as standing_machines


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what was measured, where something was."""
    if rows := table.lines(config):
        terminalreporter.section("failover")
        for row in rows:
            terminalreporter.line(row)
