"""A host with one interface and a DNS server of its own, where the real getaddrinfo can be watched.

    unshare --net --mount python -m tests.socket.glibc_world SCENARIO    (JSON; see `Scenario`); prints a Lookup as JSON

getaddrinfo asks port 53 of what /etc/resolv.conf names: hence the namespaces. Nothing outside of them is touched.
"""

import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import dns.rcode

from lbcheck.model.address import Family
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.probing.dns.lookup import look_up
from tests.socket.name_servers import Behaviour, answering, name_server, saying, silent


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The host's addresses, and what its DNS server answers: orders in turn, an rcode, or nothing at all."""

    addresses: tuple[str, ...] = ()  # with prefix lengths
    ipv6: bool = True
    family: Family = 4
    orders: tuple[str, ...] = ()
    rcode: str = ""
    queries: int = 20
    stop: bool = False  # at the first query
    timeout_s: float = 5.0


def live(scenario: Scenario) -> Lookup:
    """Build the host, and look its one name up there."""
    with tempfile.TemporaryDirectory() as directory:
        _use("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", Path(directory))
        _use("/etc/nsswitch.conf", "hosts: dns\n", Path(directory))
        _interface(scenario)
        step = LookUp(
            name="www.example.", family=scenario.family, queries=scenario.queries, timeout_s=scenario.timeout_s
        )
        stop = threading.Event()
        answers = _behaviour(scenario)

        def behave(query: bytes) -> Iterable[bytes]:
            if scenario.stop:
                stop.set()
            return answers(query)

        with name_server(behave, port=53):
            return look_up(step, stop.is_set)


def _behaviour(scenario: Scenario) -> Behaviour:
    if scenario.rcode:
        return saying(dns.rcode.from_text(scenario.rcode))
    return answering(*scenario.orders, rdtype="A" if scenario.family == 4 else "AAAA") if scenario.orders else silent


def _use(path: str, text: str, directory: Path) -> None:
    """Put a file of our own in a system file's place, for this mount namespace."""
    if Path(path).exists():
        ours = directory / Path(path).name
        ours.write_text(text)
        subprocess.run(["mount", "--bind", ours, path], check=True)


def _interface(scenario: Scenario) -> None:
    if not scenario.ipv6:
        for scope in ("all", "default", "lo"):
            Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6").write_text("1")
    _ip("link set lo up", "link add eth0 type veth peer name wire", "link set wire up", "link set eth0 up")
    for address in scenario.addresses:
        _ip(f"address add {address} dev eth0" + (" nodad" if ":" in address else ""))
        _ip(f"{'-6' if ':' in address else '-4'} route replace default dev eth0")


def _ip(*commands: str) -> None:
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)


if __name__ == "__main__":
    json.dump(asdict(live(Scenario(**json.loads(sys.argv[1])))), sys.stdout)
