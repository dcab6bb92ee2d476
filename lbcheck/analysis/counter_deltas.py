"""What HAProxy's counters say went by between two readings."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lbcheck.model.counters import HaproxyCounters
from lbcheck.model.step import ErrorKind, Failure

SERVER = 2  # the CSV's `type` of a server row: 0 frontend, 1 backend, 3 listener
# Not hrsp_1xx: an interim answer (100, 103) is followed by a final one, which counts again.
_RESPONSES = ("hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other")
# A server that is reached from several sources has a line for each (haproxy #1520), named so by the role haproxy.
_LINE = re.compile(r"\.source[0-9]+$")
_RETRIES = ("econ", "wretr", "wredis", "eresp")


@dataclass(frozen=True)
class ServerDelta:
    """One server of one HAProxy process, between two readings."""

    requests: int  # answers, Σ hrsp_*: server rows have no req_tot
    sessions: int  # stot, the unit in mode tcp
    retries: int  # econ + wretr + wredis + eresp: what explains that witnesses differ
    weight: int  # of each of its lines, where they agree
    status: str
    check: str = ""
    refused: int = 0  # econ: attempts to connect that failed
    lines: int = 1

    @property
    def serves(self) -> bool:
        """Whether the balancer gives it new sessions."""
        return self.status.startswith(("UP", "no check"))


@dataclass(frozen=True)
class Difference:
    """One HAProxy process: backend → server → delta. `void` says why the difference means nothing."""

    balancer: str
    backends: Mapping[str, Mapping[str, ServerDelta]] = field(default_factory=dict)
    algorithms: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    persistent: frozenset[str] = frozenset()  # backends with a cookie: returning clients are not balanced
    failure: Failure | None = None
    void: str = ""


def differences(samples: Iterable[HaproxyCounters]) -> list[Difference]:
    """Pair the readings of each process by its URI and return what happened between them."""
    pairs: dict[tuple[str, str, str], dict[str, HaproxyCounters]] = {}
    for sample in samples:
        pairs.setdefault((sample.balancer, sample.at, sample.uri), {})[sample.when] = sample
    return [_difference(balancer, pair) for (balancer, _, _), pair in pairs.items()]


def _difference(balancer: str, pair: Mapping[str, HaproxyCounters]) -> Difference:
    failure = next((sample.failure for sample in pair.values() if sample.failure), None)
    if failure:
        return Difference(balancer, failure=failure)
    if set(pair) != {"before", "after"}:
        return Difference(balancer, failure=Failure(ErrorKind.INTERNAL, f"{balancer}: only one reading was taken"))
    before, after = pair["before"], pair["after"]
    if _restarted(before, after):
        return Difference(balancer, void=f"HAProxy on {balancer} was reloaded or restarted during the run")
    earlier = {(row["pxname"], row["svname"]): row for row in _servers(before.rows)}
    backends: dict[str, dict[str, ServerDelta]] = {}
    for row in _servers(after.rows):
        delta = _delta(earlier.get((row["pxname"], row["svname"]), {}), row)
        if min(delta.requests, delta.sessions) < 0:
            return Difference(balancer, void=f"HAProxy's counters on {balancer} went back during the run: a reload?")
        servers, name = backends.setdefault(str(row["pxname"]), {}), _LINE.sub("", str(row["svname"]))
        servers[name] = _together(servers[name], delta) if name in servers else delta
    proxies = [row for row in after.rows if row.get("svname") == "BACKEND"]
    return Difference(
        balancer,
        backends,
        {str(row["pxname"]): str(row.get("algo", "")) for row in proxies},
        {str(row["pxname"]): str(row.get("mode", "")) for row in proxies},
        frozenset(str(row["pxname"]) for row in proxies if row.get("cookie")),
    )


def _restarted(before: HaproxyCounters, after: HaproxyCounters) -> bool:
    """Whether another process counted in between; one that hides its pid is known by counters that went back only."""
    known = before.pid and after.pid
    return bool(known and (before.pid != after.pid or after.uptime_s < before.uptime_s))


def _servers(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for row in rows if row.get("type") == SERVER]


def _sum(row: Mapping[str, Any], columns: Iterable[str]) -> int:
    return sum(row[column] for column in columns if isinstance(row.get(column), int))


def _delta(before: Mapping[str, Any], after: Mapping[str, Any]) -> ServerDelta:
    return ServerDelta(
        requests=_sum(after, _RESPONSES) - _sum(before, _RESPONSES),
        sessions=_sum(after, ("stot",)) - _sum(before, ("stot",)),
        retries=_sum(after, _RETRIES) - _sum(before, _RETRIES),
        weight=_sum(after, ("weight",)),
        status=str(after.get("status", "")),
        check=str(after.get("check_status", "")),
        refused=_sum(after, ("econ",)) - _sum(before, ("econ",)),
    )


def _together(one: ServerDelta, other: ServerDelta) -> ServerDelta:
    """Return what two lines of one server did. It serves if one of them does; lines that differ in weight show it."""
    worse = other if one.serves else one
    return ServerDelta(
        one.requests + other.requests,
        one.sessions + other.sessions,
        one.retries + other.retries,
        one.weight if one.weight == other.weight else one.weight + other.weight,
        one.status if one.status == other.status else worse.status,
        one.check if one.status == other.status else worse.check,
        one.refused + other.refused,
        one.lines + other.lines,
    )


def backend_called(difference: Difference, name: str, answered: Iterable[str]) -> str:
    """Return the backend of this process that is meant: by its name, else the busiest that has all who answered."""
    if name in difference.backends:
        return name
    who = set(answered)
    able = [backend for backend, servers in difference.backends.items() if who <= set(servers)]
    return max(able, key=lambda b: sum(s.requests for s in difference.backends[b].values()), default="")
