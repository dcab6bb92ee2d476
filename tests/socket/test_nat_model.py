"""The model of a NAT against Linux's own: where nftables places subscribers, what each outside address carries."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

import pytest

from lbcheck.analysis.tuples import linux_hash, nat
from lbcheck.analysis.tuples.nat import Demand, Destinations
from lbcheck.model.address import PortRange
from lbcheck.model.cluster import NatGateway
from lbcheck.model.nat import NatCapacity


def ask(**question: Any) -> dict[str, Any]:
    """Return what a real NAT does, in a namespace that ends with it; skip where there can be none."""
    as_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    namespace = ["unshare", *as_user, "--net", "--pid", "--fork", "--kill-child"]
    if not all(shutil.which(program) for program in ("unshare", "ip", "nft")):
        pytest.skip("a NAT of our own needs unshare, ip and nft")
    if subprocess.run([*namespace, "nft", "add", "table", "ip", "world"], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces, or nftables in them, are not allowed here")
    command = [*namespace, sys.executable, "-m", "tests.socket.nat_world"]
    done = subprocess.run(command, input=json.dumps(question), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("size", [2, 3, 5])
def test_every_subscriber_is_placed_where_the_hash_says(size: int) -> None:
    """`snat to A1-An persistent` takes the outside address from the inside address alone: 32 of 32 predicted."""
    outside = [f"198.18.0.{41 + number}" for number in range(size)]
    subscribers = [f"100.64.{number % 4}.{7 * number + 2}" for number in range(32)]
    answer = ask(outside=outside, ports="40000-40063", subscribers=subscribers, destinations=1, each=1)
    assert answer["placed"] == {s: outside[linux_hash.linux_choice(s, size)] for s in subscribers}


@pytest.mark.parametrize(("subscribers", "each"), [(1, 100), (8, 8), (8, 24)])
def test_an_outside_address_carries_what_the_model_says(subscribers: int, each: int) -> None:
    """To each of three destinations: the ports of an address, or what is wanted there; to the connection."""
    outside, inside = ["198.18.0.41", "198.18.0.42"], [f"100.64.0.{number}" for number in range(2, 2 + subscribers)]
    answer = ask(outside=outside, ports="40000-40063", subscribers=inside, destinations=3, each=each)
    pool = NatGateway("nat", tuple(outside), PortRange(40000, 40063), holds=NatCapacity())
    predicted = nat.carry(pool, [Demand(s, 3 * each) for s in inside], Destinations(1, 3))
    for place in predicted:
        seen = [answer["held"].get(f"{place.address} {destination}", 0) for destination in range(3)]
        assert seen == [place.held // 3] * 3
