"""Role nat_gateway between real networks: what it forwards, and what it does not, whoever asks for it."""

from itertools import product

import pytest

from tests.rendering import rendered
from tests.socket.counter_servers import needed
from tests.socket.fill_world import alone
from tests.socket.gateway_world import INSIDE, INSIDE_6, NETWORKS, POOL, address, standing

BOTH = pytest.mark.parametrize("version", [4, 6])
HOSTS = (*NETWORKS, "gateway")
FORGED = {
    4: "100.64.0.9",
    6: "2001:2:0:64::9",
}  # an inside address that the inside host does not have until it writes it

Seen = dict[str, str]  # "HERE THERE VERSION" → who the host there says a connection came from; empty: there was none


def seen(*asking: str, **variables: str) -> Seen:
    """Return what becomes of connections from some hosts to all others, through a gateway with the role's rules."""
    needed("nft")
    given = {"nat_gateway_inside": INSIDE, "nat_gateway_addresses": POOL, "nat_gateway_ports": "40000-40063"}
    [rules] = rendered([("nat_gateway", "ruleset.nft.j2", given | variables)])

    def work() -> Seen:
        with standing(rules) as world:
            opened = {
                f"{here} {there} {version}": world.connect(here, there, version)
                for here, there, version in product(asking, HOSTS, (4, 6))
                if here != there
            }
            sent = {
                f"{here} third {version} forged": world.send(here, "third", version, FORGED[version])
                for here, version in product(asking, (4, 6))
                if here != "third"
            }
            return opened | sent

    found: Seen = alone(work)
    return found


@pytest.fixture(scope="module")
def both_families() -> Seen:
    """A gateway that is told of an inside network of each family."""
    return seen(*NETWORKS, nat_gateway_inside_ipv6=INSIDE_6)


@BOTH
@pytest.mark.parametrize("there", ["outside", "third"])
def test_the_inside_reaches_every_network_and_is_answered(both_families: Seen, version: int, there: str) -> None:
    """IPv4 comes from the pool, IPv6 from the host's own address."""
    allowed = {4: POOL, 6: [address("inside", 6)]}[version]
    assert both_families[f"inside {there} {version}"] in allowed


@BOTH
@pytest.mark.parametrize(("here", "there"), [("outside", "inside"), ("outside", "third"), ("third", "outside")])
def test_nobody_else_is_forwarded(both_families: Seen, version: int, here: str, there: str) -> None:
    """A host that routes through the gateway reaches neither the inside nor another network."""
    assert both_families[f"{here} {there} {version}"] == ""


@BOTH
def test_an_inside_address_counts_on_the_inside_only(both_families: Seen, version: int) -> None:
    """An outside host that writes an inside source is not forwarded; the inside host that has it is."""
    assert both_families[f"outside third {version} forged"] == ""
    assert both_families[f"inside third {version} forged"] in {4: POOL, 6: [FORGED[6]]}[version]


@BOTH
@pytest.mark.parametrize("here", NETWORKS)
def test_what_arrives_at_the_gateway_itself_is_not_filtered(both_families: Seen, version: int, here: str) -> None:
    """Everyone reaches its own listeners, as without the role."""
    assert both_families[f"{here} gateway {version}"] == address(here, version)


def test_without_an_inside_network_of_ipv6_none_is_forwarded() -> None:
    """Not even what the inside opens."""
    ipv4_only = seen("inside")
    assert ipv4_only["inside outside 6"] == ""
    assert ipv4_only["inside outside 4"] in POOL
