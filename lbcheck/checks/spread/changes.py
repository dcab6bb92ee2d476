"""What changed at a balancer during the run, and the steady part over which its shares can be judged."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lbcheck.analysis.counter_changes import Change, Value
from lbcheck.analysis.counter_deltas import Difference
from lbcheck.checks.spread import comings
from lbcheck.checks.spread.observations import Observations
from lbcheck.checks.spread.states import warm_in_s, warming
from lbcheck.model.counters import Counters, ServerCounters, ServerState
from lbcheck.model.verdict import Finding, Outcome

_SERVE = (ServerState.SERVING, ServerState.UNCHECKED)
# Fields on which shares depend. Others are said, and change no share: where a server is, how many it may hold.
_OF_SHARES = ("weight", "effective_weight", "slow_start", "since_s", "backup", "server")
_OF_BACKEND = ("algorithm", "mode", "persistent", "all_backups", "backend")
_SAID = (*_OF_SHARES, "state", "address", "session_limit", "reason")


def findings(seen: Observations, balancer: str | None, place: int) -> Iterator[Finding]:
    """Say what changed during the run at the process in this place of `seen`.

    Inconclusive if it changed shares, and no round of one balancer, or of all, was without such a change.
    """
    parts = seen.by_round if _changed(seen.processes[place]) else ()
    judged = steady(seen, balancer) is not None
    for number, part in enumerate(parts, start=1):
        process = part.processes[place]
        when = f" in round {number} of {len(parts)}" if len(parts) > 1 else ""
        if process.void:
            yield _finding(f"{process.void}{when}", "run again", judged=judged)
        for change in _of_backend(part, process):
            sentence = _sentence(change, process.readings[0], process.readings[-1]) + when
            if _disturbs(part, process, change):
                yield _finding(sentence, _next(change, process.readings[-1]), judged=judged)
            elif change.field in _SAID:
                yield Finding(Outcome.PASS, sentence)
    yield from _failed_checks(seen, seen.processes[place])


def _finding(sentence: str, what_next: str, *, judged: bool) -> Finding:
    if judged:
        return Finding(Outcome.PASS, f"{sentence}; shares are judged over the rounds without a change")
    return Finding(Outcome.INCONCLUSIVE, f"{sentence}: {what_next}")


def disturbed(seen: Observations, balancer: str | None = None) -> bool:
    """Return whether anything changed during the run at one balancer, or at any, on which its shares depend."""
    return bool(_unsteady(seen, balancer))


def steady(seen: Observations, balancer: str | None = None) -> Observations | None:
    """Return what was counted in the longest row of rounds without a change at one balancer, or at any.

    All of it if nothing changed; None if something changed in every round.
    """
    unsteady = _unsteady(seen, balancer)
    if not unsteady:
        return seen
    edges = [-1, *sorted(unsteady), len(seen.by_round)]
    start, end = max(((a + 1, b) for a, b in pairwise(edges)), key=lambda rounds: _sent(seen, *rounds))
    return seen.part(start, end) if start < end else None


def _sent(seen: Observations, start: int, end: int) -> int:
    return sum(answers.sent for answers in seen.answers if start <= answers.round < end)


def _unsteady(seen: Observations, balancer: str | None) -> set[int]:
    """Return the numbers of the rounds in which something changed, counted from 0."""
    if not seen.processes:
        return comings.rounds(comings.comings(seen, balancer))
    if not any(_changed(process) for process in seen.heard(balancer)):
        return set()
    return {
        number
        for number, part in enumerate(seen.by_round)
        for process in part.heard(balancer)
        if process.void or any(_disturbs(part, process, change) for change in _of_backend(part, process))
    }


def _changed(process: Difference) -> bool:
    return bool(process.void or process.changes)


def _of_backend(seen: Observations, process: Difference) -> Sequence[Change]:
    """Return what changed in the backend that is judged; nothing if the process has none, or began anew."""
    backend = seen.called(process)
    found = [change for change in process.changes if backend and change.backend == backend.name]
    moved = {change.server for change in found if change.field == "state"}
    # What a server's state does to its effective weight, and why it has it, is said by the state.
    return [c for c in found if not (c.server in moved and c.field in ("effective_weight", "reason"))]


def _disturbs(seen: Observations, process: Difference, change: Change) -> bool:
    """Return whether shares are not the same before and after a change."""
    if change.field in _OF_BACKEND:
        return True
    backend = seen.called(process)
    server = next((one for one in backend.servers if one.name == change.server), None) if backend else None
    if server and server.backup and not server.requests and not server.connections:
        return False  # a backup that was given nothing
    if change.field == "state":
        return (change.before in _SERVE) != (change.after in _SERVE)
    if change.field == "since_s":
        return True
    return change.field in _OF_SHARES and (server is None or server.serves)


def _failed_checks(seen: Observations, process: Difference) -> Iterator[Finding]:
    for name, server in seen.deltas(process).items():
        if server.failed_checks:
            plural = "s" if server.failed_checks > 1 else ""
            sentence = f"{server.failed_checks:,} health check{plural} of server {name} failed during the run"
            yield Finding(Outcome.PASS, sentence)


def _sentence(change: Change, before: Counters, after: Counters) -> str:
    """Return what changed, and when, in words."""
    what = f"server {change.server}" if change.server else f"backend {change.backend}"
    if change.field in ("server", "backend"):
        return f"{what} {'came' if change.before is None else 'went'} during the run"
    earlier, later = _server(before, change), _server(after, change)
    if change.field == "state" and earlier and later:
        words = f"changed from {earlier.status or earlier.state} to {later.status or later.state}"
        return f"{what} {words}{_when(later)}"
    if change.field == "since_s" and later:
        return f"{what} left its state ({later.status or later.state}) and came back to it{_when(later)}"
    if change.field == "slow_start":
        return f"{what} went from {_share(change.before)} to {_share(change.after)} of its weight in its slowstart"
    field = "maxconn" if change.field == "session_limit" else change.field.replace("_", " ")
    return f"{field} of {what} changed from {change.before} to {change.after} during the run"


def _next(change: Change, after: Counters) -> str:
    server = _server(after, change)
    return f"run again in about {warm_in_s(server)} s" if server and warming(server) else "run again"


def _server(reading: Counters, change: Change) -> ServerCounters | None:
    """Return the server that a change is about, as one reading has it."""
    servers: Sequence[ServerCounters] = next((b.servers for b in reading.backends if b.name == change.backend), ())
    return next((server for server in servers if server.name == change.server), None)


def _when(server: ServerCounters) -> str:
    """Return how long before the later reading a state began, if that is told."""
    return " during the run" if server.since_s is None else f" {server.since_s:,} s before the end"


def _share(value: Value) -> str:
    return f"{value:.0%}" if isinstance(value, float) else "the whole"
