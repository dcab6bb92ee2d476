"""What a fill is owed, and what is made of what came."""

import json
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from lbcheck.checks.fill import WHY, Ground, judge, predict, taken
from lbcheck.model.address import Endpoint, PortRange
from lbcheck.model.fill import Fill, Filled, StopKind, explicit
from lbcheck.model.opening import BindingMode
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.model.verdict import Outcome, Report, Verdict

from .shown import as_json, as_text

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
A, B, SIX = Endpoint("127.0.0.1", 80), Endpoint("127.0.0.2", 80), Endpoint("::1", 80)
P = PortRange(40000, 40099)
GROUND = Ground(ephemeral=P, routed=("127.0.0.1", "127.0.0.1"))


def asked(*endpoints: Endpoint, **words: Any) -> Fill:
    """Return a fill, of 100 explicit ports unless it says otherwise."""
    if explicit(words.get("binding", BindingMode.EXPLICIT)):
        words = {"ports": P, **words}
    return Fill(endpoints=endpoints or (A,), **words)


@pytest.mark.parametrize(
    ("binding", "sources", "predicted"),
    [
        (BindingMode.EXPLICIT, ("127.1.0.1", "127.1.0.2"), 400),
        (BindingMode.EXPLICIT_EXCLUSIVE, ("127.1.0.1", "127.1.0.2"), 200),
        (BindingMode.NO_PORT, ("127.1.0.1", "127.1.0.2"), 400),
        (BindingMode.ANY_PORT, ("127.1.0.1", "127.1.0.2"), 200),
        (BindingMode.NONE, (), 200),
        (BindingMode.EXPLICIT, (), 200),
        (BindingMode.ANY_PORT, (), 100),
    ],
)
def test_a_fill_is_owed_what_its_binding_mode_multiplies(
    binding: BindingMode, sources: tuple[str, ...], predicted: int
) -> None:
    """A hundred ports towards two endpoints, from two sources or from the one of the route."""
    assert predict(asked(A, B, binding=binding, sources=sources), GROUND) == predicted


@pytest.mark.parametrize(("limit", "predicted"), [(1, 1), (99, 99), (100, 100), (101, 101), (250, 250), (10_000, 400)])
def test_a_limit_is_owed_if_there_are_tuples_for_it(limit: int, predicted: int) -> None:
    """Not more than the limit, and not more than there is."""
    assert predict(asked(A, B, sources=("127.1.0.1", "127.1.0.2"), limit=limit), GROUND) == predicted


def test_a_limit_is_used_up_by_attempts_that_must_fail() -> None:
    """Exclusive binds: the second endpoint's attempts use the limit up and hold nothing."""
    sources, binding = ("127.1.0.1", "127.1.0.2"), BindingMode.EXPLICIT_EXCLUSIVE
    assert predict(asked(A, B, sources=sources, binding=binding, limit=250), GROUND) == 150


@pytest.mark.parametrize("where", ["0.0.0.0", "127.1.0.1"])  # noqa: S104
@pytest.mark.parametrize("binding", list(BindingMode))
def test_a_listener_takes_its_port_from_every_mode(where: str, binding: BindingMode) -> None:
    """On the wildcard or on the source address, one port fewer; and it is named."""
    ground = Ground(ephemeral=P, listening=frozenset({(where, 40050), (where, 80)}), routed=("127.1.0.1",))
    fill = asked(binding=binding)
    assert predict(fill, ground) == 99
    assert taken(fill, ground) == (40050,)


def test_a_listener_on_another_address_takes_nothing() -> None:
    """Its port is free on the source's own address."""
    ground = Ground(ephemeral=P, listening=frozenset({("127.9.9.9", 40050)}), routed=("127.1.0.1",))
    assert predict(asked(), ground) == 100
    assert taken(asked(), ground) == ()


@pytest.mark.parametrize(("port", "predicted"), [(40004, 9), (40050, 10)])
def test_a_limit_in_the_explicit_modes_means_the_first_ports(port: int, predicted: int) -> None:
    """A listener costs a connection only if its port is among those that are tried."""
    ground = Ground(ephemeral=P, listening=frozenset({("0.0.0.0", port)}), routed=("127.1.0.1",))  # noqa: S104
    assert predict(asked(limit=10), ground) == predicted


def test_reserved_ports_are_missing_where_the_kernel_picks() -> None:
    """ip_local_reserved_ports keeps the kernel from ten ports, and a program from none."""
    ground = Ground(ephemeral=P, reserved=(PortRange(40090, 50000),), routed=("127.1.0.1",))
    assert predict(asked(binding=BindingMode.NONE), ground) == 90
    assert predict(asked(), ground) == 100


def test_families_are_counted_apart() -> None:
    """A source of IPv6 has its ports towards the endpoints of IPv6 alone."""
    assert predict(asked(A, B, SIX, sources=("127.1.0.1", "::1")), GROUND) == 300


# --- what came ---


def judged(predicted: int = 100, **seen: Any) -> Verdict:
    """Return the verdict on a sample; unless said otherwise, a hundred were planned, opened and held."""
    facts = {"opened": 100, "held": 100, "held_after": 100, "workers": 1, "seconds": 0.1, "sources": 1}
    sample = Filled(at="here", binding=BindingMode.EXPLICIT, ports=100, endpoints=1, **{**facts, **seen})
    return judge(asked(), sample, predicted)


def test_as_many_as_owed_pass() -> None:
    """The kernel counts a hundred of a hundred: pass, in one sentence."""
    verdict = judged()
    assert (verdict.outcome, verdict.findings) == (Outcome.PASS, ())
    assert verdict.summary.startswith("100 connections held of 100, by the kernel's count; opened in 0.1 s (1,000/s")


def test_refusals_beyond_what_is_owed_are_how_a_limit_is_seen() -> None:
    """All that was owed is held, then the kernel refused: pass, and who refused is said."""
    verdict = judged(stops={StopKind.NO_PORT: 1})
    assert verdict.outcome is Outcome.PASS
    assert verdict.findings[0].message.startswith("EADDRNOTAVAIL 1 times: connect: no port is left")
    assert verdict.evidence["steps"][0]["stopped_by"] == "EADDRNOTAVAIL"


@pytest.mark.parametrize("kind", [StopKind.RESET, StopKind.SILENCE, StopKind.REFUSED, StopKind.CLOSED])
def test_fewer_than_owed_fail_and_say_who_said_no(kind: StopKind) -> None:
    """Sixty of a hundred: fail, with how often, and what that means."""
    verdict = judged(held=60, held_after=60, stops={kind: 40})
    assert verdict.outcome is Outcome.FAIL
    assert verdict.findings[0].message == f"{kind} 40 times: {WHY[kind]}"


@pytest.mark.parametrize("kind", [StopKind.LOW_MEMORY, StopKind.KILLED, StopKind.INTERRUPTED])
def test_what_we_ended_ourselves_is_no_result(kind: StopKind) -> None:
    """An interrupted, killed or cautious fill says nothing about the other side: unmeasured, never fail or pass."""
    assert judged(held=60, held_after=60, stops={kind: 1}).outcome is Outcome.UNMEASURED


def test_fewer_than_owed_and_nobody_said_no_fails() -> None:
    """What is missing without a refusal is a fault all the same."""
    verdict = judged(held=99, held_after=99)
    assert verdict.outcome is Outcome.FAIL
    assert "counts 99 connections where 100 are owed, and nobody said no" in verdict.findings[0].message


def test_what_is_lost_during_the_hold_fails() -> None:
    """A hundred at first and ninety at the end: the other side closed ten."""
    verdict = judged(held_after=90, stops={StopKind.CLOSED: 10})
    assert verdict.outcome is Outcome.FAIL
    assert [f.message for f in verdict.findings if "at the end of the hold" in f.message] == [
        "of 100 connections 90 were there at the end of the hold"
    ]


def test_what_was_there_before_is_said() -> None:
    """Connections of others and TIME_WAIT are remarks."""
    verdict = judged(before=7, time_wait=3)
    assert verdict.outcome is Outcome.PASS
    assert [f.message.split(" to ")[0] for f in verdict.findings] == ["7 connections", "3 connections"]


def test_a_fill_that_could_not_be_is_unmeasured() -> None:
    """The reason is the summary."""
    verdict = judged(failure=Failure(ErrorKind.DENIED, "the kernel does not count"))
    assert (verdict.outcome, verdict.summary) == (Outcome.UNMEASURED, "the kernel does not count")


def test_every_stop_has_its_sentence() -> None:
    """Nobody is left with a bare name."""
    assert set(WHY) == set(StopKind)


def test_the_report_keeps_to_the_schema_and_can_be_read() -> None:
    """Numbers for programs, a bar for people."""
    report = Report("2026-01-02T03:04:05Z", 1.0, "0.1.0", (judged(stops={StopKind.IN_USE: 2}),))
    jsonschema.validate(json.loads(as_json(report)), SCHEMA)
    assert "100 =        100  ████████████████████████████████  EADDRINUSE" in as_text(report)
