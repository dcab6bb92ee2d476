"""Role nginx: servers that say who they are and what connection they saw."""

import json

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.lab


def test_nginx_runs_now_and_at_each_boot(backend: Host) -> None:
    """Nginx is running, enabled, and its configuration is what it accepts."""
    assert backend.service("nginx").is_running
    assert backend.service("nginx").is_enabled
    assert backend.run("nginx -t").succeeded


def test_an_answer_names_its_server_and_the_connection(backend: Host) -> None:
    """The header and the body carry the server's name, and the body the 4-tuple that it saw."""
    name = backend.check_output("hostname")
    answer = backend.check_output("curl --silent --include http://[::1]:8080/")
    assert f"x-served-by: {name}" in answer.lower()
    seen = json.loads(answer.splitlines()[-1])
    assert seen["server"] == name
    assert seen["connection"]["destination"] == "[::1]:8080"


def test_behind_a_balancer_the_clients_connection_is_told_too(client: Host) -> None:
    """Through a VIP the body has two connections: the balancer's, and the client's."""
    seen = json.loads(client.check_output("curl --silent http://www.lab.test/"))
    assert seen["connection"]["source"].startswith("198.19.0.2")
    assert seen["client"]["destination"].endswith(":80")


def test_stub_status_is_for_the_host_itself(backend: Host, client: Host) -> None:
    """Nobody else reads a server's counters."""
    assert "Active connections" in backend.check_output("curl --silent http://127.0.0.1:8081/stub_status")
    address = backend.check_output("ip -4 -o address show dev public").split()[3].partition("/")[0]
    status = client.check_output("curl --silent -o /dev/null -w '%%{http_code}' http://%s:8081/stub_status", address)
    assert status == "403"
