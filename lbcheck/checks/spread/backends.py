"""Which of a balancer's backends the answers came from, and which of its servers is who.

The user names the backend, or it is the one whose servers counted what the clients saw. Two backends may have servers
of the same names: if the counts fit several, it is not known which one is meant.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from lbcheck.analysis.matching import Fit, Matching, Stretches, fitting, match_counts
from lbcheck.model.counters import BackendCounters, ServerCounters


@dataclass(frozen=True)
class Answered:
    """What the clients counted: server, by its name in answers → requests and connections; answers without a name."""

    requests: Mapping[str, int]
    connections: Mapping[str, int]
    nameless: int = 0

    def among(self, names: Iterable[str]) -> "Answered":
        """Return the answers that these names gave."""
        wanted = set(names)
        requests, connections = (
            {name: count for name, count in counts.items() if name in wanted}
            for counts in (self.requests, self.connections)
        )
        return Answered(requests, connections, self.nameless)


@dataclass(frozen=True)
class Candidate:
    """One backend, as all processes that have it know it, beside the answers.

    `found`: place of the process → its backend, with each server under its name in answers if that is certain.
    `told`: names of servers that are certain. `lost`: requests that failed, which explain a difference.
    """

    name: str
    found: Mapping[int, BackendCounters]
    answers: Answered
    told: frozenset[str] = frozenset()
    lost: int = 0
    mode: str = ""  # as the user gave it; empty: as the balancer tells

    @cached_property
    def of_connections(self) -> bool:
        """Whether a server is chosen for each connection, and not for each request."""
        modes = [self.mode, *(backend.mode for backend in self.found.values())]
        return next(filter(None, modes), "") == "tcp"

    @cached_property
    def seen(self) -> Mapping[str, int]:
        """Server, by its name in answers → what the clients counted."""
        return self.answers.connections if self.of_connections else self.answers.requests

    @cached_property
    def counts(self) -> Mapping[str, int] | None:
        """Server → what the balancers counted; None: a product does not tell."""
        total: Counter[str] = Counter()
        for server in self._servers:
            count = server.connections if self.of_connections else server.requests
            if count is None:
                return None
            total[server.name] += count
        return total

    @property
    def _servers(self) -> list[ServerCounters]:
        return [server for backend in self.found.values() for server in backend.servers]

    @cached_property
    def names(self) -> frozenset[str]:
        """Names of its servers."""
        return frozenset(server.name for server in self._servers)

    @cached_property
    def slack(self) -> int:
        """Requests by which counts may differ: those that failed, and those that the balancer tried again."""
        return self.lost + sum(server.disturbances for server in self._servers)

    @property
    def alone(self) -> bool:
        """Whether its servers counted as many requests as the clients saw."""
        total = sum((self.counts or {}).values())
        return abs(total - sum(self.seen.values())) <= self.slack

    @cached_property
    def strangers(self) -> Mapping[str, int]:
        """The names in answers that are not known as those of its servers, with their answers."""
        return {name: number for name, number in self.seen.items() if name not in self.names}

    @cached_property
    def idle(self) -> Mapping[str, int]:
        """The servers that no answer is known to name, with their counts."""
        named = {*self.seen, *self.told}
        return {name: count for name, count in (self.counts or {}).items() if name not in named}

    @cached_property
    def fits(self) -> Stretches:
        """The idle servers that each stranger may be, by counts."""
        return fitting(self.strangers, self.idle, self.slack, alone=self.alone)

    @cached_property
    def way(self) -> Matching:
        """Who the strangers are, by counts."""
        return match_counts(self.fits)

    @cached_property
    def fit(self) -> Fit:
        """How well the counts fit those of the clients."""
        if self.counts is None:
            return Fit.NO
        if not self.seen:
            return self._fit_of_nameless()
        known = {name: self.counts[name] - number for name, number in self.seen.items() if name in self.names}
        if any(more < -self.slack for more in known.values()) or self.way.found is None:
            return Fit.NO
        exact = self.alone and all(more <= self.slack for more in known.values())
        return Fit.EQUAL if exact else Fit.COVERS

    def _fit_of_nameless(self) -> Fit:
        """Return the fit where no answer named a server: by the requests that reached the backend."""
        reached = sum(backend.requests or 0 for backend in self.found.values())
        if not self.answers.nameless or reached < self.answers.nameless:
            return Fit.NO
        return Fit.EQUAL if reached == self.answers.nameless else Fit.COVERS

    @property
    def moved(self) -> bool:
        """Whether any of its servers counted something, as far as is told."""
        return self.counts is None or any(self.counts.values())

    def covers(self, name: str) -> bool:
        """Return whether a name in answers is that of a server which counted as many, or more."""
        counts = self.counts or {}
        return name in counts and counts[name] >= self.seen.get(name, 0) - self.slack


@dataclass(frozen=True)
class Choice:
    """The backends that answered, mostly one. None: it is not known which, and `why`.

    `elsewhere`: other backends than the one that is meant, which gave some of the answers → how many. `instead`: the
    backend whose counts fit the answers, where the one that is meant counted nothing.
    """

    backends: tuple[Candidate, ...] = ()
    why: str = ""
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    instead: str = ""


def choose(candidates: Sequence[Candidate], named: str) -> Choice:
    """Return the backend that the user named, if a balancer has it, or else the one that the counts tell."""
    meant = next((one for one in candidates if one.name == named), None)
    if meant is None:
        return _by_counts(candidates)
    others = [one for one in candidates if one is not meant]
    owners = {name: [one.name for one in others if one.covers(name)] for name in meant.strangers}
    elsewhere = Counter[str]()
    for name, having in owners.items():
        if len(having) == 1:
            elsewhere[having[0]] += meant.seen[name]
    own = [name for name in meant.seen if len(owners.get(name, ())) != 1]
    if elsewhere:
        return Choice((_with(meant, own),), elsewhere=elsewhere)
    instead = [] if meant.moved else [one.name for one in others if one.fit is not Fit.NO]
    return Choice((meant,), instead=instead[0] if len(instead) == 1 else "")


def _by_counts(candidates: Sequence[Candidate]) -> Choice:
    covering = [one for one in candidates if one.fit is not Fit.NO]
    equal = [one for one in covering if one.fit is Fit.EQUAL]
    for group in (covering, equal):
        if len(group) == 1:
            return Choice((group[0],))
    if covering:
        return Choice(why=_several(covering))
    if shared := _shared(candidates):
        return Choice(shared)
    return _by_names(candidates)


def _several(candidates: Sequence[Candidate]) -> str:
    names = " and ".join(one.name for one in candidates)
    return f"the counts of backends {names} fit the answers, and nobody told which one is meant: --backend would tell"


def _by_names(candidates: Sequence[Candidate]) -> Choice:
    """Choose where no counts fit: the only backend that has the names in the answers, or those of most answers."""
    having = [one for one in candidates if one.seen and not one.strangers]
    mostly = [one for one in candidates if 2 * sum(one.strangers.values()) < sum(one.seen.values())]
    for group in (having, mostly):
        moved = [one for one in group if one.moved]
        if len(moved) == 1 or (not moved and len(group) == 1):
            return Choice(((moved or group)[0],))
        if group:
            return Choice(why=_several(moved or group))
    if len(candidates) == 1 and not candidates[0].seen:
        return Choice((candidates[0],))
    return Choice(why="no backend has servers whose names or counts fit the answers: --backend or --names would tell")


def _shared(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the backends that gave the answers together, each with its own.

    None unless each name is that of a server in one backend alone, or fits in one backend alone by counts.
    """
    seen = dict.fromkeys(name for one in candidates for name in one.seen)
    owners = {name: [one.name for one in candidates if one.covers(name)] for name in seen}
    left = [name for name, having in owners.items() if not having]
    if any(len(having) > 1 for having in owners.values()) or len(left) == len(owners):
        return ()
    parts = {one.name: [name for name, having in owners.items() if having == [one.name]] for one in candidates}
    if left:
        able = [one for one in candidates if _with(one, [*parts[one.name], *left]).fit is not Fit.NO]
        if len(able) != 1:
            return ()
        parts[able[0].name] += left
    return tuple(_with(one, parts[one.name]) for one in candidates if parts[one.name])


def _with(one: Candidate, names: Sequence[str]) -> Candidate:
    """Return a candidate beside the answers of these names only."""
    return replace(one, answers=one.answers.among(names))
