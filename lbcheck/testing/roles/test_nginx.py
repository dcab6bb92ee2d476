"""Role nginx: servers that say who they are and what connection they saw."""

import json
from urllib.parse import urlsplit

import pytest

from lbcheck.model.address import Endpoint
from lbcheck.model.cluster import Server, capacity_of
from lbcheck.testing.fleet import Fleet, HostView, listening, runs


def test_nginx_runs_now_and_at_each_boot(backend: HostView) -> None:
    """Nginx is running, enabled, and its configuration is what it accepts."""
    runs(backend, "nginx")
    assert backend.host.run("nginx -t").succeeded


def test_nginx_listens_on_every_backends_port(backend: HostView, fleet: Fleet) -> None:
    """A server of two backends has a port for each."""
    servers = [server for group in fleet.cluster.backends for server in group.servers if server.name == backend.name]
    assert {port for server in servers for port in capacity_of(server).ports} <= listening(backend)


def pooled(fleet: Fleet, name: str) -> Server:
    """Return a server as its first backend has it; skip where no backend has it."""
    found = next((s for backend in fleet.cluster.backends for s in backend.servers if s.name == name), None)
    return found or pytest.skip(f"{name} is a server of no backend")


def test_an_answer_names_its_server_and_the_connection(backend: HostView, fleet: Fleet) -> None:
    """The header and the body carry the server's name, and the body the 4-tuple that it saw."""
    kind, _, header = fleet.question.identify.partition(":")
    server = pooled(fleet, backend.name)
    endpoint = Endpoint(capacity_of(server).address, capacity_of(server).ports[0])
    answer = backend.host.check_output(f"curl --silent --include http://{endpoint}/")
    assert kind != "header" or f"{header}: {backend.name}" in answer.lower()
    seen = json.loads(answer.splitlines()[-1])
    assert seen["server"] == backend.name
    assert seen["connection"]["destination"] == str(endpoint)


def test_behind_a_balancer_the_clients_connection_is_told_too(client: HostView, fleet: Fleet) -> None:
    """Through a VIP the body has two connections: the balancer's, from one of its sources, and the client's."""
    sources = {source for balancer in fleet.cluster.balancers for source in capacity_of(balancer).sources}
    nginx = fleet.hosts("backends")
    for frontend in fleet.cluster.web:
        if any(server.name not in nginx for server in fleet.cluster.backend(frontend.backend).servers):
            continue  # somebody's own servers say what they say
        # At its address, whether or not this host can resolve the name: that is the role client's to do.
        vip = Endpoint(frontend.addresses[0], capacity_of(frontend).ports[0])
        seen = json.loads(client.host.check_output(f"curl --silent --insecure --connect-to ::{vip} {frontend.url}"))
        assert seen["connection"]["source"].rpartition(":")[0].strip("[]") in sources
        assert int(seen["client"]["destination"].rpartition(":")[2]) in capacity_of(frontend).ports


def test_stub_status_is_for_the_host_itself(backend: HostView, client: HostView, fleet: Fleet) -> None:
    """Nobody else reads a server's counters."""
    server = pooled(fleet, backend.name)
    assert "Active connections" in backend.host.check_output(f"curl --silent {server.stub_status}")
    public = fleet.reader.addresses(backend.name, fleet.reader.public(backend.name))
    if not public:
        pytest.skip(f"{backend.name} is in no client's reach")
    port = urlsplit(server.stub_status).port or 80
    elsewhere = server.stub_status.replace(f"127.0.0.1:{port}", str(Endpoint(public[0], port)))
    status = client.host.check_output("curl --silent --output /dev/null --write-out '%{http_code}' " + elsewhere)
    assert status == "403"
