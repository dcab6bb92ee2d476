"""A volley of connections: whom the kernel refuses, what becomes of the rest, and whether all are there."""

import os
import resource
import socket
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest

from lbcheck.model.address import Endpoint
from lbcheck.model.fill import StopKind
from lbcheck.model.opening import BindingMode
from lbcheck.probing.fill.listening import listening
from lbcheck.probing.fill.plan import FillBlock
from lbcheck.probing.fill.readiness import all_writable
from lbcheck.probing.fill.volley import Volley

from .fill_world import alone

SERVER = Endpoint("127.0.0.1", 80)
SOURCE = "127.1.0.1"
PORTS = range(40000, 40100)
OURS = FillBlock(SOURCE, SERVER, PORTS.start, len(PORTS))


def descriptors() -> set[int]:
    """Return this process's open files."""
    seen = list(Path("/proc/self/fd").iterdir())  # the folder's own among them, which is closed by now
    return {int(path.name) for path in seen if path.exists()}


def limit(files: int) -> int:
    """Return the limit under which so many more files can be opened: it is one of their numbers, not of how many."""
    taken = descriptors()
    return next(islice((fd for fd in count() if fd not in taken), files, None))


def volley(binding: BindingMode, block: FillBlock = OURS, *, taken: int = 0, files: int = 0) -> dict[str, Any]:
    """Start a volley in namespaces of its own; `taken` of its ports have listeners, `files` are left to open."""

    def work() -> dict[str, Any]:
        with listening((SERVER, *(Endpoint(SOURCE, port) for port in PORTS[:taken]))):
            before, limits = descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE)
            if files:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit(files), limits[1]))
            fds, refusals = Volley(binding, reset=True).start(block, block.ports)
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            there, opened = all_writable(fds), len(descriptors() - before)
            for fd in fds:
                os.close(fd)
            return {"fds": len(fds), "refusals": refusals, "there": there, "opened": opened}

    seen: dict[str, Any] = alone(work)
    assert seen["opened"] == seen["fds"], "whatever did not get on its way is closed"
    assert seen["there"], "on loopback the handshake is over when connect returns"
    return seen


def test_the_next_of_our_ports_may_be_free() -> None:
    """Three ports are taken: three refusals, and all the others are connected."""
    seen = volley(BindingMode.EXPLICIT, taken=3)
    assert (seen["fds"], seen["refusals"]) == (len(PORTS) - 3, [StopKind.IN_USE] * 3)


@pytest.mark.parametrize(
    ("binding", "refusal"), [(BindingMode.ANY_PORT, StopKind.IN_USE), (BindingMode.NO_PORT, StopKind.NO_PORT)]
)
def test_the_kernels_first_refusal_is_its_last_word(binding: BindingMode, refusal: StopKind) -> None:
    """Where the kernel picks the ports and refuses, at bind or at connect, nothing more is tried."""
    seen = volley(binding, FillBlock(SOURCE, SERVER, 0, 2 * len(PORTS)))
    assert (seen["fds"], seen["refusals"]) == (len(PORTS), [refusal])


def test_a_source_of_somebody_else_is_told_from_a_taken_port() -> None:
    """An address that this machine does not have: said so, for each port."""
    seen = volley(BindingMode.EXPLICIT, FillBlock("198.18.0.1", SERVER, 40000, 5))
    assert (seen["fds"], seen["refusals"]) == (0, [StopKind.NO_SOURCE] * 5)


@pytest.mark.parametrize("binding", list(BindingMode))
def test_what_has_a_descriptor_gets_on_its_way(binding: BindingMode) -> None:
    """Ten descriptors are left: ten connections, one refusal, and no more tries."""
    source = "" if binding is BindingMode.NONE else SOURCE
    explicit = binding in (BindingMode.EXPLICIT, BindingMode.EXPLICIT_EXCLUSIVE)
    seen = volley(binding, FillBlock(source, SERVER, PORTS.start if explicit else 0, 50), files=10)
    assert (seen["fds"], seen["refusals"]) == (10, [StopKind.DESCRIPTORS])


# --- whether all are there ---


def connecting(endpoint: tuple[str, int]) -> socket.socket:
    """Return a socket that has begun to connect."""
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    one.connect_ex(endpoint)
    return one


def test_one_that_is_missing_is_missed() -> None:
    """Two are there, and a third has no answer, or a refusal: not all are there."""

    def work() -> list[bool]:
        with socket.create_server(("127.0.0.1", 80), backlog=1) as server:
            there = [connecting(("127.0.0.1", 80)) for _ in range(2)]  # a queue holds one more than its backlog
            waiting, refused = connecting(("127.0.0.1", 80)), connecting(("127.0.0.1", 9))
            wholes = ([], there, [*there, waiting], [waiting, *there], [*there, refused])
            answers = [all_writable([one.fileno() for one in whole]) for whole in wholes]
            server.close()  # which resets whoever is in its queue
            answers.append(all_writable([one.fileno() for one in there]))
            for one in (*there, waiting, refused):
                one.close()
            return answers

    assert alone(work) == [True, True, False, False, False, False]
