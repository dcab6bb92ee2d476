"""What went by between two readings of a balancer."""

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from lbcheck.analysis.counter_deltas import Difference, differences, of_backend
from lbcheck.model.counters import (
    SERVER_COUNTS,
    BackendCounters,
    Counters,
    FrontendCounters,
    ServerCounters,
    ServerState,
)
from lbcheck.model.step import ErrorKind, Failure

from .scenes import backend, counted, fair, readings

BEFORE, AFTER = readings("lb1", fair(400))


def between(before: Counters = BEFORE, after: Counters = AFTER) -> Difference:
    """Return the one difference."""
    (found,) = differences([before, after])
    return found


def one(server: ServerCounters, later: ServerCounters) -> ServerCounters:
    """Return what one server did in between."""
    difference = between(replace(BEFORE, backends=backend(server)), replace(AFTER, backends=backend(later)))
    (found,) = difference.backends["web"].servers
    return found


@pytest.mark.parametrize("count", SERVER_COUNTS)
def test_each_count_is_what_went_by(count: str) -> None:
    """The earlier reading is taken off; what was not told stays untold, what was told first now began after it."""
    base = counted("web1", 0, requests=None, connections=None)
    told = [replace(base, **{count: number}) for number in (5, 12)]
    assert getattr(one(told[0], told[1]), count) == 7
    assert getattr(one(base, told[1]), count) == 12
    assert getattr(one(told[0], base), count) is None


def test_answers_by_class_are_what_went_by() -> None:
    """A class that only one of the readings has is subtracted all the same, and one that stood still is left out."""
    before = counted("web1", 1, statuses={"1xx": 1, "2xx": 5, "4xx": 2})
    after = counted("web1", 1, statuses={"2xx": 9, "4xx": 2, "5xx": 3})
    assert one(before, after).statuses == {"1xx": -1, "2xx": 4, "5xx": 3}


def test_a_backend_and_a_frontend_count_what_went_by() -> None:
    """Their requests, refusals and answers by class are those between the readings; a new one began at nothing."""
    told = [
        replace(
            reading,
            backends=backend(counted("web1", 0), requests=n, connections=n, denied=n, statuses={"5xx": n}),
            frontends=(FrontendCounters(name="www", requests=n, denied=n, invalid=n, statuses={"2xx": n}),),
        )
        for reading, n in ((BEFORE, 3), (AFTER, 10))
    ]
    found = between(told[0], told[1])
    assert found.frontends == {
        "www": FrontendCounters(name="www", requests=7, denied=7, invalid=7, statuses={"2xx": 7})
    }
    web = found.backends["web"]
    assert (web.requests, web.connections, web.denied, web.statuses) == (7, 7, 7, {"5xx": 7})
    assert between(replace(told[0], frontends=()), told[1]).frontends["www"].requests == 10


def test_what_is_no_count_is_as_it_was_told_last() -> None:
    """State, words and weight are the later reading's."""
    later = counted("web1", 9, state=ServerState.DOWN, status="DOWN", since_s=3, weight=7)
    assert one(counted("web1", 4), later) == replace(later, requests=5, connections=5)


def test_a_new_server_has_counted_from_nothing() -> None:
    """A server that the earlier reading did not have brings all its counts."""
    assert between(replace(BEFORE, backends=())).servers("web")["web3"].requests == 1200


@pytest.mark.parametrize(
    ("earlier", "later", "restarted"),
    [
        ({}, {}, False),
        ({}, {"process": "8"}, True),
        ({}, {"uptime_s": 99}, True),
        ({}, {"uptime_s": None}, False),
        ({}, {"uptime_s": 100}, False),  # both readings within a second
        ({"process": None}, {"process": None, "uptime_s": 1}, False),  # a page that hides which process counted
        ({"process": None}, {}, False),
    ],
)
def test_another_incarnation_makes_the_difference_void(
    earlier: dict[str, object], later: dict[str, object], restarted: bool
) -> None:
    """Another process, or one that is younger than it was, has other counters; what is not told shows nothing."""
    found = between(replace(BEFORE, **earlier), replace(AFTER, **later))  # type: ignore[arg-type]
    assert found.void == ("HAProxy on lb1 was reloaded or restarted during the run" if restarted else "")


def test_counts_that_went_back_make_the_difference_void() -> None:
    """Nothing else shows that a process without a name was started again, at the first reading or at the second."""
    for names in ((None, None), ("7", None), (None, "7")):
        hidden = [replace(reading, process=name) for reading, name in zip((AFTER, BEFORE), names, strict=True)]
        found = between(replace(hidden[0], when="before"), replace(hidden[1], when="after"))
        assert found.void == "HAProxy's counters on lb1 went back during the run: a reload?"


def test_a_named_process_whose_counts_fall_was_cleared() -> None:
    """The same process as before did not begin anew: somebody cleared its counters."""
    found = between(replace(AFTER, when="before", uptime_s=100), replace(BEFORE, when="after", uptime_s=105))
    assert (found.void, found.backends) == ("HAProxy's counters on lb1 were cleared during the run", {})


def test_several_readings_count_from_the_first_to_the_last() -> None:
    """Readings after each round are one difference, with the changes between each two of them and each reading."""
    (web,) = BEFORE.backends
    heavy = replace(BEFORE, backends=(replace(web, servers=tuple(replace(s, weight=9) for s in web.servers)),))
    middle = replace(heavy, when="after", uptime_s=102)
    (found,) = differences([BEFORE, middle, AFTER])
    assert found.servers("web") == between(BEFORE, AFTER).servers("web")
    assert [(change.before, change.after) for change in found.changes if change.field == "weight"] == [
        *((server.weight, 9) for server in web.servers),
        *((9, server.weight) for server in web.servers),
    ]
    assert found.readings == (BEFORE, middle, AFTER)


def test_readings_with_a_restart_among_them_are_void() -> None:
    """A process that went and came back under its old number is void, although the first and the last look alike."""
    other = replace(BEFORE, when="after", process="8", uptime_s=1)
    (found,) = differences([BEFORE, other, AFTER])
    assert found.void == "HAProxy on lb1 was reloaded or restarted during the run"


def test_what_a_process_took_in_all_is_told_beside_its_servers() -> None:
    """None where one of two readings does not tell it."""
    assert between(replace(BEFORE, requests=10), replace(AFTER, requests=30)).requests == 20
    assert between(BEFORE, replace(AFTER, requests=30)).requests is None


def test_a_lone_reading_is_a_failure() -> None:
    """Nothing went by between one reading and none."""
    (found,) = differences([BEFORE])
    assert found.failure is not None
    assert (found.failure.message, found.product) == ("lb1: only one reading was taken", "HAProxy")


def test_a_backend_without_servers_is_none_that_is_meant() -> None:
    """A product's sums alone, or a page of statistics that is a backend too, serve nobody."""
    assert between(after=replace(AFTER, backends=(*AFTER.backends, *backend(name="stats")))).backends.keys() == {"web"}


BACKENDS = ("web", "api", "shop")


def some_readings(rng: random.Random) -> list[Counters]:
    """Return readings of one process of three backends; now and then something comes, goes, falls, changes or fails."""
    counts = {(name, server): rng.randrange(100) for name in BACKENDS for server in ("a", "b")}
    found = []
    for number in range(rng.choice((1, 2, 2, 3, 4))):
        if rng.random() < 0.1:
            counts[rng.choice(list(counts))] -= 5
        counts = {key: count + rng.randrange(9) for key, count in counts.items()}
        told = [_some_backend(name, counts, rng) for name in BACKENDS if rng.random() < 0.95]
        found.append(
            replace(
                AFTER if number else BEFORE,
                process=rng.choice(("7", "7", "7", "7", "7", "7", "7", "8", None)),
                uptime_s=100 + 5 * number,
                requests=rng.choice((None, sum(counts.values()))),
                failure=Failure(ErrorKind.TIMEOUT, "silent") if rng.random() < 0.03 else None,
                frontends=(FrontendCounters(name="www", requests=sum(counts.values())),),
                backends=tuple(told),
            )
        )
    return found


def _some_backend(name: str, counts: dict[tuple[str, str], int], rng: random.Random) -> BackendCounters:
    servers = [
        counted(server, count, weight=rng.choice((1, 1, 1, 1, 2)), since_s=rng.choice((None, 50, 3)))
        for (whose, server), count in counts.items()
        if whose == name and rng.random() < 0.95
    ]
    (found,) = backend(*servers, name=name, requests=sum(server.requests or 0 for server in servers))
    return found


def narrowed(readings: Sequence[Counters], name: str) -> list[Counters]:
    """Return readings that tell of one backend alone."""
    return [
        replace(reading, backends=tuple(one for one in reading.backends if one.name == name)) for reading in readings
    ]


def test_one_backend_of_a_difference_is_the_difference_of_that_backend() -> None:
    """Whether readings are narrowed to a backend before or after they are compared, the same went by."""
    for seed in range(300):
        told = some_readings(random.Random(seed))  # noqa: S311 (a simulation, no secret)
        (whole,) = differences(told)
        for name in BACKENDS:
            assert [of_backend(whole, name)] == differences(narrowed(told, name)), seed
