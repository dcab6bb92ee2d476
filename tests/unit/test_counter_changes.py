"""What became otherwise at a balancer between two readings."""

from dataclasses import replace

import pytest

from lbcheck.analysis.counter_changes import Change, Value, changes
from lbcheck.analysis.counter_deltas import differences
from lbcheck.model.counters import SERVER_COUNTS, Counters, ServerCounters, ServerState

from .scenes import backend, changed, fair, readings

BEFORE, AFTER = readings("lb1", fair(400))


def of_web1(field: str, before: Value, after: Value) -> list[Change]:
    """Return what differs when one field of web1 does, and no other server's."""
    told = changed(BEFORE, "web1", **{field: before}), changed(AFTER, "web1", **{field: after})
    found = list(changes(*told))
    assert {(change.backend, change.server) for change in found} <= {("web", "web1")}
    return found


def test_a_healthy_run_changes_nothing() -> None:
    """Counts that grow are no change."""
    assert changes(BEFORE, AFTER) == ()


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        ("weight", 1, 3),
        ("configured_weight", 1, 3),
        ("effective_weight", 1, 0),
        ("state", ServerState.SERVING, ServerState.DOWN),
        ("reason", "drain", "maintenance"),
        ("address", "192.0.2.1:80", "192.0.2.2:80"),
        ("backup", False, True),
        ("session_limit", 10, 20),
        ("slow_start", 0.25, 0.5),
        ("slow_start", 0.25, None),
        ("slow_start", None, 0.25),
    ],
)
def test_each_setting_that_changed_is_named(field: str, before: Value, after: Value) -> None:
    """Backend, server and field, with the values before and after."""
    assert of_web1(field, before, after) == [Change(field, before, after, "web", "web1")]


@pytest.mark.parametrize("field", ["weight", "address", "session_limit"])
def test_what_only_one_reading_tells_is_no_change(field: str) -> None:
    """A reading that lacks a field shows nothing about it."""
    assert of_web1(field, None, "192.0.2.1:80" if field == "address" else 5) == []


def test_the_weight_at_present_is_named_only_for_itself() -> None:
    """In a slow start and after a change of weight it follows from what is named already."""
    for cause in ({"slow_start": 0.5}, {"weight": 9}):
        before = changed(BEFORE, "web1", weight=4, effective_weight=4)
        after = changed(AFTER, "web1", **{"weight": 4, "effective_weight": 2} | cause)
        assert [change.field for change in changes(before, after)] == list(cause)


@pytest.mark.parametrize("field", [*SERVER_COUNTS, "sessions_max", "queued_max"])
def test_a_count_that_fell_was_cleared(field: str) -> None:
    """In one process only somebody who clears the counters makes them smaller."""
    assert of_web1(field, 7, 6) == [Change(field, 7, 6, "web", "web1")]
    assert of_web1(field, 7, 7) == []


def test_counts_of_another_process_say_nothing() -> None:
    """After a reload the process is named, and what is set otherwise; its counts began at 0, its states just now."""
    later = changed(replace(AFTER, process="8", uptime_s=1), "web1", requests=0, weight=5, since_s=0)
    found = changes(changed(BEFORE, since_s=50), later)
    assert found == (Change("process", "7", "8"), Change("weight", 1, 5, "web", "web1"))


def test_a_process_that_is_younger_than_it_was_is_another() -> None:
    """The same pid can be given again."""
    assert changes(BEFORE, replace(AFTER, uptime_s=3)) == (Change("uptime_s", 100, 3),)


@pytest.mark.parametrize(
    ("since_s", "uptime_s", "flapped"),
    [
        (55, 105, False),
        (54, 105, False),  # each time is cut to whole seconds
        (53, 105, True),
        (2, 105, True),
        (50, 101, False),
        (49, 100, True),
        (50, None, False),
        (49, None, True),
    ],
)
def test_a_state_that_came_back_shows_by_its_age(since_s: int, uptime_s: int | None, flapped: bool) -> None:
    """A server that was down for a moment is up again at both readings, and has been for too short a time."""
    after = replace(changed(AFTER, "web1", since_s=since_s), uptime_s=uptime_s)
    expected = (Change("since_s", 50, since_s, "web", "web1"),) if flapped else ()
    assert changes(changed(BEFORE, "web1", since_s=50), after) == expected


def test_servers_and_backends_come_and_go() -> None:
    """Each with its name on the side where it is."""
    servers = [ServerCounters(name=name) for name in ("web1", "web2", "web3")]
    before = replace(BEFORE, backends=(*backend(*servers[:2]), *backend(name="old")))
    after = replace(AFTER, backends=(*backend(*servers[1:]), *backend(name="new")))
    assert changes(before, after) == (
        Change("server", None, "web3", "web", "web3"),
        Change("server", "web1", None, "web", "web1"),
        Change("backend", None, "new", backend="new"),
        Change("backend", "old", None, backend="old"),
    )


def test_a_backend_that_is_set_otherwise_is_named() -> None:
    """Its algorithm, for instance; no server is."""
    after = replace(AFTER, backends=backend(*AFTER.backends[0].servers, algorithm="leastconn"))
    assert changes(BEFORE, after) == (Change("algorithm", "roundrobin", "leastconn", "web"),)


@pytest.mark.parametrize("later", [{"process": "8"}, {"process": None, "uptime_s": None}])
def test_a_void_difference_has_its_changes(later: dict[str, None]) -> None:
    """Why a difference is meaningless can be told from what changed."""
    before = replace(
        changed(BEFORE, "web1", weight=1, requests=2000, connections=2000), process=later["process"] and "7"
    )
    after: Counters = replace(changed(AFTER, "web1", weight=2), **later)  # type: ignore[arg-type]
    (found,) = differences([before, after])
    assert found.void
    assert Change("weight", 1, 2, "web", "web1") in found.changes
    assert (Change("requests", 2000, 1100, "web", "web1") in found.changes) == (later["process"] is None)
