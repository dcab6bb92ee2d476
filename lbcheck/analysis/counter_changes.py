"""What changed at a balancer between two readings, field by field: a law holds only over what stayed as it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TypeVar

from lbcheck.model.counters import SERVER_COUNTS, BackendCounters, Counters, ServerCounters

Value = str | int | float | bool | None
Known = TypeVar("Known", BackendCounters, ServerCounters)
Pairs = Sequence[tuple[str, Known | None, Known | None]]  # name, the earlier and the later of that name

# Fields that stay as they are unless somebody, or a health check, changes them.
_OF_SERVER = ("weight", "configured_weight", "state", "reason", "address", "backup", "session_limit")
_OF_BACKEND = ("algorithm", "mode", "persistent", "all_backups")
# Counts and highest values: they fall where somebody clears them (`clear counters`), or where a process began anew.
_NEVER_FALL = (*SERVER_COUNTS, "sessions_max", "queued_max")
_settings = itemgetter(*_OF_SERVER, "slow_start", "effective_weight")
# Four times in whole seconds are compared, each less than 1 s short of the true one: two of them may add up.
_ROUNDING_S = 1


@dataclass(frozen=True)
class Change:
    """One field that differs between two readings of a balancer, or a server or backend that came or went.

    `field`: as the model calls it (`weight`, `state`, `slow_start`, `process`, …), or `server` or `backend` where one
    of that name came (`before` is None) or went (`after` is None). A count is there only where it fell. `since_s` is
    there where a state is as it was, and was another in between.
    `backend`: empty for a change of the whole process. `server`: empty for a change of the backend.
    """

    field: str
    before: Value
    after: Value
    backend: str = ""
    server: str = ""


def restarted(before: Counters, after: Counters) -> bool:
    """Return whether the second reading is of another process; false if the product names no process."""
    if before.process is None or after.process is None:
        return False
    if before.process != after.process:
        return True
    return before.uptime_s is not None and after.uptime_s is not None and after.uptime_s < before.uptime_s


def changes(before: Counters, after: Counters) -> tuple[Change, ...]:
    """Return what differs between two readings of one URI, in the order of the later one."""
    return (*_of_process(before, after), *_of_backends(before, after))


def _of_process(before: Counters, after: Counters) -> Iterator[Change]:
    if restarted(before, after):
        field = "process" if before.process != after.process else "uptime_s"
        yield Change(field, getattr(before, field), getattr(after, field))


def _of_backends(before: Counters, after: Counters) -> Iterator[Change]:
    for name, earlier, later in _paired(before.backends, after.backends):
        if earlier is None or later is None:
            yield replace(_came_or_went("backend", name, came=earlier is None), backend=name)
            continue
        servers = list(_paired(earlier.servers, later.servers))
        found: list[Change] = [*_differing(earlier, later, _OF_BACKEND), *_of_servers(servers)]
        if not restarted(before, after):
            found += _of_counts(servers, _elapsed_s(before, after))
        yield from (replace(change, backend=name) for change in found)


def _of_servers(servers: Pairs[ServerCounters]) -> Iterator[Change]:
    for name, earlier, later in servers:
        if earlier is None or later is None:
            yield replace(_came_or_went("server", name, came=earlier is None), server=name)
        elif _settings(vars(earlier)) != _settings(vars(later)):  # of many servers, few changed
            yield from (replace(change, server=name) for change in _of_settings(earlier, later))


def _of_settings(before: ServerCounters, after: ServerCounters) -> Iterator[Change]:
    yield from _differing(before, after, _OF_SERVER)
    if before.slow_start != after.slow_start:  # None is told, too: it has not begun, or is over
        yield Change("slow_start", before.slow_start, after.slow_start)
    elif before.weight == after.weight:
        yield from _differing(before, after, ("effective_weight",))


def _of_counts(servers: Pairs[ServerCounters], elapsed_s: float | None) -> Iterator[Change]:
    """Yield what one process can only show if somebody cleared its counts, or if a state came and went."""
    both = [(name, earlier, later) for name, earlier, later in servers if earlier and later]
    told = [field for field in _NEVER_FALL if {earlier.__dict__[field] for _, earlier, _ in both} - {None}]
    for name, earlier, later in both:
        if _was_another(earlier, later, elapsed_s):
            yield Change("since_s", earlier.since_s, later.since_s, server=name)
        counts, later_counts = vars(earlier), vars(later)
        for field in told:
            was, now = counts[field], later_counts[field]
            if was is not None and now is not None and now < was:
                yield Change(field, was, now, server=name)


def _was_another(before: ServerCounters, after: ServerCounters, elapsed_s: float | None) -> bool:
    """Return whether a state is as it was, and younger than it would be had it lasted."""
    if before.since_s is None or after.since_s is None or before.state != after.state:
        return False
    passed_s = 0.0 if elapsed_s is None else max(0.0, elapsed_s - _ROUNDING_S)
    return after.since_s < before.since_s + passed_s


def _elapsed_s(before: Counters, after: Counters) -> float | None:
    return None if before.uptime_s is None or after.uptime_s is None else after.uptime_s - before.uptime_s


def _came_or_went(kind: str, name: str, *, came: bool) -> Change:
    return Change(kind, None if came else name, name if came else None)


def _paired(before: Sequence[Known], after: Sequence[Known]) -> Iterator[tuple[str, Known | None, Known | None]]:
    """Yield name, the earlier and the later of that name; None: there is none."""
    earlier = {one.name: one for one in before}
    yield from ((one.name, earlier.pop(one.name, None), one) for one in after)
    yield from ((name, one, None) for name, one in earlier.items())


def _differing(before: Known, after: Known, fields: Sequence[str]) -> Iterator[Change]:
    """Yield the fields that both readings tell, and tell otherwise."""
    for field in fields:
        was, now = getattr(before, field), getattr(after, field)
        if was != now and was is not None and now is not None:
            yield Change(field, was, now)
