"""The argument of `lbcheck prove`: its predictions, and what is made of what was measured."""

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files

import jsonschema
import pytest

from lbcheck.checks import prove
from lbcheck.checks.prove import CgnAddresses, Section, claims
from lbcheck.checks.prove.rows import Row
from lbcheck.errors import MeasurementError
from lbcheck.model.fill import Filled, StopKind
from lbcheck.model.opening import BindingMode
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.model.verdict import Outcome, Report

from .shown import as_json, as_text

SCHEMA = json.loads(files("lbcheck.reporters").joinpath("report.schema.json").read_text())
CGN = CgnAddresses(
    tuple(f"100.64.0.{host}" for host in range(10, 18)), "2001:2:0:100::10", "198.18.0.50", "2001:2:0:1::50"
)
ALL = prove.sections(200_000, CGN)


def seen(row: Row) -> Filled:
    """Return the sample that holds exactly what the row predicts."""
    stops = {row.refusal: 1} if row.refusal else {}
    return Filled(at="here", binding=row.fill.binding, held=row.predicted, stops=stops)


def predicted(section: Section) -> dict[str, int]:
    """Return what each row of a section predicts."""
    return {row.what: row.predicted for row in section.rows}


@pytest.mark.parametrize(
    ("connections", "addresses"), [(1, 1), (64_512, 1), (64_513, 2), (1_000_000, 16), (2_300_000, 36)]
)
def test_so_many_connections_take_so_many_client_addresses(connections: int, addresses: int) -> None:
    """64,512 ports an address, and as many addresses as it takes."""
    *_, last = claims.one_port(connections).rows
    assert (last.predicted, len(last.fill.sources), len(set(last.fill.sources))) == (connections, addresses, addresses)


def test_the_ceiling_of_one_address_is_shown_first() -> None:
    """All its ports, and not one more."""
    full, more, _ = claims.one_port(200_000).rows
    assert (full.predicted, more.predicted, more.refusal) == (64_512, 0, StopKind.NO_PORT)


def test_the_claim_says_whether_the_server_accepted() -> None:
    """In the queue and accepted are two different claims."""
    assert "in the listener's queue" in claims.one_port(10).claim
    assert "accepted by the server" in claims.one_port(10, accept=True).claim
    assert all(setup.accept for setup in claims.one_port(10, accept=True).setups)


@pytest.mark.parametrize(
    ("mode", "held"),
    [
        (BindingMode.EXPLICIT, (100, 200, 600, 200, 400, 1200)),
        (BindingMode.EXPLICIT_EXCLUSIVE, (100, 100, 100, 200, 200, 200)),
        (BindingMode.NO_PORT, (100, 200, 600, 200, 400, 1200)),
        (BindingMode.ANY_PORT, (100, 100, 100, 200, 200, 200)),
        (BindingMode.NONE, (100, 200, 600, 100, 200, 600)),
    ],
)
def test_each_binding_mode_is_shown_at_its_limits(mode: BindingMode, held: tuple[int, ...]) -> None:
    """One and two sources, one, two and six endpoints, a hundred ports: as measured in the field."""
    assert tuple(row.predicted for row in claims.binding_modes().rows if row.fill.binding is mode) == held


def test_what_is_added_multiplies() -> None:
    """The gains are the differences between the rows."""
    section = claims.gains()
    assert list(predicted(section).values()) == [1000, 2000, 4000, 8000]
    assert [number for _, number in section.gains] == [1000, 2000, 4000]


def test_both_families_are_held_together() -> None:
    """One scene: IPv4 is still full while IPv6 is opened."""
    [setup] = claims.both_families().setups
    assert [row.predicted for row in setup.rows] == [1000, 1000]


def test_the_small_cgn_runs_dry_and_gains_by_an_address_and_by_ipv6() -> None:
    """64 to each endpoint, 128 from two addresses, none more for a single subscriber, IPv6 past it."""
    section = claims.small_cgn(CGN)
    assert list(predicted(section).values()) == [64, 96, 128, 128, 64]
    assert dict(section.gains) == {"one outside address": 64, "IPv6": 96}


def test_where_nothing_is_in_the_way_all_is_planned() -> None:
    """Every section, in its order, and nothing is remarked."""
    assert prove.plan(ALL, {}, ["nat", "gains"]) == ALL
    assert prove.remark({}) == ""


def test_a_section_with_an_obstacle_is_not_planned() -> None:
    """It is left out, and the remark names it, each reason once."""
    obstacles = {"both-families": "IPv6 is off", "nat": "IPv6 is off"}
    assert [section.key for section in prove.plan(ALL, obstacles)] == ["one-port", "binding-modes", "gains"]
    assert prove.remark(obstacles) == "; not shown here: both-families, nat: IPv6 is off"


def test_a_required_section_with_an_obstacle_ends_the_run() -> None:
    """The reason is said for what was required, not for the others."""
    obstacles = {"both-families": "IPv6 is off", "nat": "no nft"}
    with pytest.raises(MeasurementError, match=r"^what --require names cannot be shown here: nat: no nft$"):
        prove.plan(ALL, obstacles, ["gains", "nat"])


def test_a_proof_that_would_show_nothing_is_no_pass() -> None:
    """Where something is in the way of every section, that is said instead of an empty report."""
    with pytest.raises(MeasurementError, match=r"^nothing can be shown here: one-port, "):
        prove.plan(ALL, {section.key: "read-only" for section in ALL})


def test_as_predicted_passes() -> None:
    """Every section whose samples are what its rows say passes, and says how many were exact."""
    for section in ALL:
        verdict = prove.judge(section, [seen(row) for row in section.rows])
        assert (verdict.outcome, verdict.findings) == (Outcome.PASS, ())
        assert f"{len(section.rows)} of {len(section.rows)} measured as predicted" in verdict.summary


FAULTS: list[tuple[Callable[[Filled], Filled], Outcome, str]] = [
    (lambda s: replace(s, held=999), Outcome.FAIL, "one of each: 1,000 predicted, 999 held"),
    (lambda s: replace(s, held=1001), Outcome.FAIL, "1,000 predicted, 1,001 held"),
    (lambda s: replace(s, held=None), Outcome.FAIL, "1,000 predicted, 0 held"),
    (lambda s: replace(s, held=990, stops={"reset": 10}), Outcome.FAIL, "990 held; it ended by reset"),
    (lambda s: replace(s, stops={"reset": 1}), Outcome.FAIL, "one of each: reset said no where nobody should"),
    (lambda s: replace(s, time_wait=5), Outcome.FAIL, "one of each: 5 connections stayed in TIME_WAIT"),
    (
        lambda s: replace(s, held=None, failure=Failure(ErrorKind.DENIED, "no memory")),
        Outcome.UNMEASURED,
        "one of each: not measured: no memory",
    ),
    (lambda s: replace(s, held=10, stops={"killed": 1}), Outcome.UNMEASURED, "1,000 predicted, 10 held"),
]


@pytest.mark.parametrize(("fault", "outcome", "said"), FAULTS)
def test_what_is_off_is_said_with_its_row(fault: Callable[[Filled], Filled], outcome: Outcome, said: str) -> None:
    """A wrong count, a wrong refusal, something left: fail; what could not be measured is no fail."""
    section = claims.gains()
    first, *others = [seen(row) for row in section.rows]
    verdict = prove.judge(section, [fault(first), *others])
    assert verdict.outcome is outcome
    assert said in verdict.findings[0].message


def test_a_refusal_that_did_not_come_fails() -> None:
    """One more than an address has must be refused: that is the ceiling."""
    section = claims.one_port(70_000)
    samples = [replace(seen(row), stops={}) for row in section.rows]
    assert prove.judge(section, samples).findings[0].message.endswith("nobody said no where EADDRNOTAVAIL should")


def test_rows_that_were_not_reached_are_unmeasured() -> None:
    """What ran before the end is judged, the rest is counted."""
    section = claims.gains()
    verdict = prove.judge(section, [seen(section.rows[0])])
    assert verdict.outcome is Outcome.UNMEASURED
    assert [f.message for f in verdict.findings] == ["3 measurements not taken: the run ended before"]
    assert "1 of 4 measured as predicted" in verdict.summary


@pytest.mark.parametrize("measured", [True, False])
def test_the_whole_report_keeps_to_the_schema(*, measured: bool) -> None:
    """Measured or not, programs read the same document."""
    verdicts = tuple(prove.judge(s, [seen(row) for row in s.rows] if measured else []) for s in ALL)
    report = Report("2026-01-02T03:04:05Z", 1.0, "0.1.0", verdicts)
    jsonschema.validate(json.loads(as_json(report)), SCHEMA)


def test_the_text_has_a_chart() -> None:
    """Each row has a bar, the longest for the largest of its section; what was not measured has none."""
    section = claims.gains()
    verdict = prove.judge(section, [seen(row) for row in section.rows[:2]])
    lines = as_text(Report("2026-01-02T03:04:05Z", 1.0, "0.1.0", (verdict,))).splitlines()
    [one] = [line for line in lines if line.strip().startswith("one of each ")]
    assert one.endswith("1,000 =      1,000  ████")
    assert "who said no" not in "".join(lines)
    assert any(line.endswith("8,000            –") for line in lines)


def test_the_text_explains_its_words() -> None:
    """Each binding mode is said as what the program calls, each refusal as what it means."""
    section = claims.binding_modes()
    verdict = prove.judge(section, [seen(row) for row in section.rows])
    text = as_text(Report("2026-01-02T03:04:05Z", 1.0, "0.1.0", (verdict,)))
    assert "who said no to more" in text
    assert "any-port: bind((source, 0)): ports × sources" in text
    assert "EADDRNOTAVAIL: connect: no port is left from this source to this endpoint" in text
    assert set(claims.CALLS) == set(BindingMode)
