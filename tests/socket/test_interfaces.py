"""Link-local addresses, which are those of one interface: fe80::1%eth0."""

import socket
import subprocess
from typing import Any

import pytest

from lbcheck.model.address import Endpoint
from lbcheck.model.step import ErrorKind
from lbcheck.model.watch import Route, Watch
from lbcheck.probing.http.engine import request
from lbcheck.probing.http.watch import watch
from tests.socket.asking import ask
from tests.socket.fill_world import alone
from tests.socket.http_servers import once, serving, step

HERE = "fe80::77%lo"


def with_link_local() -> None:
    """Give this namespace's loopback interface a link-local address."""
    subprocess.run(["ip", "address", "add", "fe80::77/64", "dev", "lo", "nodad"], check=True)


def test_a_resolver_at_an_interface_is_asked() -> None:
    """Home routers are in resolv.conf as `nameserver fe80::1%eth0`; without the interface the kernel refuses."""

    def asked() -> Any:
        with_link_local()
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as server:
            server.settimeout(5)
            server.bind(("::", 0))
            sample = ask(Endpoint(HERE, server.getsockname()[1]), 1, timeout_s=0.2)
            return len(server.recv(4096)) > 12, sample.errors

    assert alone(asked) == [True, {"timeout": 1}]


def test_requests_and_watches_go_out_at_an_interface() -> None:
    """To its address, and from one."""

    def asked() -> Any:
        with_link_local()
        with serving(once, "::") as server:
            url = f"http://[{HERE}]:{server.port}/"
            answers = request(step(server.port, 3, url=url, address="", source=HERE, timeout_s=5))
            route = Route(url=url, address=HERE)
            (seen,) = watch(Watch(routes=(route,), interval_s=0.05, for_s=0.1, timeout_s=5)).seen
            return answers.statuses, len(seen.gaps), server.clients[0]

    assert alone(asked) == [{"200": 3}, 0, "fe80::77"]


@pytest.mark.parametrize("zone", ["nobody0", "9" * 30])
def test_an_interface_that_is_not_here_is_named(zone: str) -> None:
    """Not as an error of a class of lbcheck's."""
    sample = ask(Endpoint(f"fe80::77%{zone}", 53), 1)
    assert sample.failure is not None
    assert sample.failure.kind is ErrorKind.UNREACHABLE
    assert sample.failure.message.startswith(f"[fe80::77%{zone}]:53 cannot be reached: ")
    lost = request(step(80, 1, url=f"http://[fe80::77%{zone}]/", address="")).failure
    assert lost is not None
    assert f"is '{zone}' an interface of this host" in lost.message
