"""What a fill refuses before anything is opened, each in a sentence."""

from typing import Any

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.fill import Fill, Filled, StopKind, explicit, harmless
from lbcheck.model.opening import BindingMode
from lbcheck.wire import jsonl

FOUR, SIX = Endpoint("127.0.0.1", 80), Endpoint("::1", 80)
ELSEWHERE = Endpoint("192.0.2.1", 80)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"endpoints": ()}, "give at least one ADDR:PORT"),
        ({"endpoints": (Endpoint("127.0.0.1", 0),)}, "127.0.0.1 has no port to connect to"),
        ({"endpoints": (ELSEWHERE,)}, "192.0.2.1:80 is neither on loopback nor in the lab's ranges"),
        ({"endpoints": (ELSEWHERE,), "allow": ("192.0.2.2/32",)}, "--allow-target CIDR says so"),
        ({"endpoints": (ELSEWHERE,), "allow": ("192.0.2.1/24",)}, "'192.0.2.1/24' is no network"),
        ({"endpoints": (Endpoint("::ffff:192.0.2.1", 80),)}, "neither on loopback nor in the lab's ranges"),
        ({"endpoints": (FOUR,), "sources": ("::1",)}, "source ::1 is IPv6, and no endpoint is"),
        ({"endpoints": (FOUR, SIX), "sources": ("127.0.0.1",)}, "there are endpoints of IPv6 and no source of it"),
        ({"endpoints": (FOUR,), "sources": ("localhost",)}, "'localhost' is not an IP address"),
        ({"endpoints": (FOUR,), "sources": ("127.0.0.1",), "binding": BindingMode.NONE}, "--bind none takes no"),
        ({"endpoints": (FOUR,), "ports": PortRange(1, 9), "binding": BindingMode.NO_PORT}, "--bind no-port leaves the"),
    ],
)
def test_what_cannot_be_filled_is_refused_in_a_sentence(words: dict[str, Any], said: str) -> None:
    """Each refusal names what is wrong, and where it can be mended how."""
    with pytest.raises(LbcheckError) as refused:
        Fill(**words)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["50000-40000", "0-9", "1-65536", "40000", "a-b", "-5", ""])
def test_port_ranges_upside_down_or_beyond_are_refused(text: str) -> None:
    """A range of ports goes upwards, from 1 to 65535."""
    with pytest.raises(LbcheckError, match="port range"):
        PortRange.parse(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.255.0.1", True),
        ("::1", True),
        ("198.18.0.1", True),
        ("198.19.255.255", True),
        ("198.20.0.0", False),
        ("100.64.0.1", True),
        ("100.128.0.0", False),
        ("2001:2:0:1::50", True),
        ("2001:2:1::", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104
        ("8.8.8.8", False),
    ],
)
def test_only_loopback_and_test_ranges_are_harmless(address: str, *, expected: bool) -> None:
    """Private addresses, too, are somebody's: they are filled only if named."""
    assert harmless(address) is expected


def test_a_target_that_is_named_may_be_filled() -> None:
    """--allow-target opens a network, of either family."""
    Fill(endpoints=(ELSEWHERE, Endpoint("2001:db8::1", 443)), allow=("192.0.2.0/24", "2001:db8::/32"))


def test_the_program_picks_the_port_in_the_explicit_modes_alone() -> None:
    """Two of the five modes take --ports."""
    assert [mode for mode in BindingMode if explicit(mode)] == [BindingMode.EXPLICIT, BindingMode.EXPLICIT_EXCLUSIVE]


def test_the_most_frequent_refusal_is_what_ended_it() -> None:
    """Of several refusals the most frequent one is named; without any, the plan was full."""
    several = Filled(at="here", binding=BindingMode.NONE, stops={"reset": 2, "silence": 9})
    assert several.stopped_by is StopKind.SILENCE
    assert Filled(at="here", binding=BindingMode.NONE).stopped_by is None


def test_a_sample_read_back_is_the_same() -> None:
    """What a fill held survives the way through a line of JSON."""
    sample = Filled(at="here", binding=BindingMode.EXPLICIT, held=5, stops={"reset": 2}, by_endpoint={"[::1]:80": 5})
    assert jsonl.parse(Filled, jsonl.line(sample)) == sample
