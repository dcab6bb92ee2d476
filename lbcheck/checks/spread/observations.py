"""What clients, balancers and servers counted for one frontend, and sums over it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from lbcheck.analysis.counter_deltas import Difference, cleared, over
from lbcheck.checks.spread import budget, each_balancer
from lbcheck.checks.spread.kept import Kept, kept
from lbcheck.checks.spread.silences import Silences, silences
from lbcheck.checks.spread.witnesses import Ledger
from lbcheck.model import schemes
from lbcheck.model.asked import Asked, Unit
from lbcheck.model.cluster import Backend, Cluster, Frontend
from lbcheck.model.configuration import Configured
from lbcheck.model.counters import BackendCounters, ServerCounters
from lbcheck.model.log_lines import LogLines
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers
from lbcheck.model.step import Sample
from lbcheck.model.stub_status import StubStatus
from lbcheck.model.told_by import ToldBy


@dataclass(frozen=True)
class Observations:
    """What the clients, the balancers and the servers counted for one frontend.

    Servers and balancers are called as the answers call them (recognising.py).
    """

    cluster: Cluster
    identify: str  # where an answer names its server: header:NAME, cookie:NAME or body:REGEX
    frontend: Frontend
    backend: Backend  # as the user gave it, by the balancer's name for it; no name: it is not known
    answers: tuple[Answers, ...]
    processes: tuple[Difference, ...] = ()
    asked: Asked = field(default_factory=Asked)
    logs: Mapping[str, LogLines] = field(default_factory=dict)
    statuses: tuple[StubStatus, ...] = ()
    configured: tuple[Configured, ...] = ()
    identities: Mapping[str, str] = field(default_factory=dict)  # server's name in answers → at the balancer
    unheard: tuple[str, ...] = ()  # why counters are not heard, a sentence each
    remarks: tuple[str, ...] = ()  # what else a reader should know of who answered
    died: frozenset[str] = frozenset()  # balancers whose counters could be read before, and not any more
    missing: str = ""  # that no balancer has the backend that the user named, a sentence
    unmet: tuple[str, ...] = ()  # servers that the user listed, if no name in answers is one of theirs
    kept: Kept = field(default_factory=Kept)  # what kept connections show, over all rounds and backends
    parts: int = 1  # backends that share the frontend's requests; these are the observations of one of them

    @property
    def named(self) -> bool:
        """Whether the user named the backend."""
        return bool(self.frontend.backend)

    @property
    def subject(self) -> str:
        """What a verdict is about: the backend by the user's name for it, else by the balancer's, if it is known."""
        return f"backend {self.frontend.backend or self.backend.name}".rstrip()

    @property
    def unit(self) -> Literal["request", "connection"]:
        """What the balancer chooses a server for: each request, or in mode tcp each connection."""
        return self._unit[0]

    @property
    def unit_told_by(self) -> ToldBy:
        """Who told the unit; nobody: it is taken to be the request."""
        return self._unit[1]

    @cached_property
    def _unit(self) -> tuple[Literal["request", "connection"], ToldBy]:
        told = (backend.mode for process in self.processes if (backend := self.called(process)))
        sources = (
            (self.asked.unit, ToldBy.USER),
            (_unit_of(self.backend.mode), ToldBy.USER),
            (_unit_of(next(filter(None, told), "")), ToldBy.BALANCER),
            (self.kept.unit, ToldBy.INFERRED),
        )
        for unit, who in sources:
            if unit:
                return unit, who
        return "request", ToldBy.NOBODY

    @property
    def either_unit(self) -> bool:
        """Whether connections were kept, and nothing shows or tells whether a server is chosen for each of them."""
        return bool(self.kept.connections) and self.unit_told_by is ToldBy.NOBODY

    def client(self, balancer: str | None = None, rounds: int | None = None) -> Counter[str]:
        """Return server → answers that the clients counted, through one balancer or all; in mode tcp connections.

        It is kept, and not to be changed. `rounds`: in so many first rounds; None: in all.
        """
        after = self._by_look.get(balancer, [Counter()])
        return after[-1] if rounds is None else after[min(rounds, len(after) - 1)]

    @cached_property
    def _by_look(self) -> Mapping[str | None, Sequence[Counter[str]]]:
        """Balancer (None: all of them) → what the clients counted before the first round and after each, cumulative."""
        in_round: list[list[Answers]] = [[] for _ in range(self.rounds)]
        for answers in self.answers:
            in_round[answers.round].append(answers)
        of_connections = self.unit == "connection"
        found = {name: [Counter[str]()] for name in (None, *self.named_balancers)}
        for samples in in_round:
            for after in found.values():
                after.append(after[-1].copy())
            for name, counts in (part for answers in samples for part in each_balancer.counts(answers).items()):
                now = found[name][-1]
                for count in counts:
                    number = count.connections if of_connections else count.requests
                    now[count.server] = now.get(count.server, 0) + number
        return found

    def deltas(self, process: Difference) -> Mapping[str, ServerCounters]:
        """Return server → what one balancer process counted between its readings, in this frontend's backend."""
        backend = self.called(process)
        return {server.name: server for server in backend.servers} if backend else {}

    def heard(self, balancer: str | None = None) -> list[Difference]:
        """Return the processes of one balancer or of all."""
        return [self.processes[place] for place in self.places.get(balancer, ())]

    @cached_property
    def places(self) -> Mapping[str | None, Sequence[int]]:
        """Balancer (None: all of them) → where its processes are among all."""
        found: dict[str | None, list[int]] = {None: [*range(len(self.processes))]}
        for place, process in enumerate(self.processes):
            found.setdefault(process.balancer, []).append(place)
        return found

    def called(self, process: Difference) -> BackendCounters | None:
        """Return what one process counted for this frontend's backend; None: it has no such backend."""
        return process.backends.get(self.backend.name)

    def counted(self, balancer: str | None = None) -> Counter[str] | None:
        """Return server → answers (in mode tcp connections) that the balancers counted, at one balancer or all.

        None: no process was read, one of them has no count or was reloaded, or they did not count all answers.
        """
        return None if self.short(balancer) else self._counted(balancer)

    def _counted(self, balancer: str | None) -> Counter[str] | None:
        return self._counts.get(balancer)

    @cached_property
    def _counts(self) -> Mapping[str | None, Counter[str] | None]:
        return {name: self._counts_of(name) for name in (None, *(process.balancer for process in self.processes))}

    def _counts_of(self, balancer: str | None) -> Counter[str] | None:
        processes = self.heard(balancer)
        if not processes or any(p.failure or p.void for p in processes):
            return None
        total: Counter[str] = Counter()
        for process in processes:
            for name, delta in self.deltas(process).items():
                count = delta.connections if self.unit == "connection" else delta.requests
                if count is None:
                    return None
                total[name] += count
        return total

    def short(self, balancer: str | None = None) -> str:
        """Return that the balancers' counters are not of all that answered, a sentence; empty: they may be.

        Of one balancer, only if the answers name it: else what its counters lack may be another's answers.
        """
        return self._short.get(balancer, "")

    @cached_property
    def _short(self) -> Mapping[str | None, str]:
        return {name: self._short_of(name) for name in (None, *(process.balancer for process in self.processes))}

    def _short_of(self, balancer: str | None) -> str:
        if balancer is None and (unread := self.unread):
            return f"the counters of {' and '.join(unread)} were not read"
        counted, answered = self._counted(balancer), self.client(balancer)
        if counted is None or not answered:
            return ""
        answered = Counter({name: count for name, count in answered.items() if name not in self.gone})
        who, slack = self.product or "the balancer", self.slack
        missing = answered.total() - counted.total()
        if missing > slack:
            return (
                f"{who} counted {counted.total():,} of {answered.total():,} {self.unit}s: other processes or balancers "
                "answer here, too; --stats of each of them would tell"
            )
        lacking = [name for name, number in answered.items() if name in counted and number > counted[name] + slack]
        if lacking and -missing > slack:
            name = lacking[0]
            return (
                f"{who} counted {counted[name]:,} answers of server {name}, and {answered[name]:,} answers name it; "
                "it counted requests of others, too, so other processes may answer here, or servers use each other's "
                "names"
            )
        return ""

    def others_answered_all(self, balancer: str) -> bool:
        """Return whether the other balancers of an inventory counted every answer; one of them may be in reserve."""
        others = [one.name for one in self.cluster.balancers if one.name != balancer and one.name not in one.stats]
        counted = [self._counted(name) for name in others]
        total = sum(count.total() for count in counted if count is not None)
        return bool(total) and total >= self.client().total() - self.slack

    @cached_property
    def gone(self) -> set[str]:
        """Names of servers that a balancer had before the run, or during it, and has no more: their counts went."""
        went = {c.server for p in self.processes for c in p.changes if c.field == "server" and c.after is None}
        return {name for name in went if not any(name in self.deltas(process) for process in self.processes)}

    @cached_property
    def unread(self) -> list[str]:
        """Names of balancers that answered, where others that answered were read and these were not."""
        named, read = self.named_balancers - {""}, self.places.keys()
        return sorted(named - read) if named & read else []

    @cached_property
    def named_balancers(self) -> Set[str]:
        """The names of balancers in answers; empty: an answer names none."""
        return {count.balancer for answers in self.answers for count in answers.counts}

    @cached_property
    def by_address(self) -> Mapping[str, Sequence[Answers]]:
        """Address → what came back from there."""
        found: dict[str, list[Answers]] = {}
        for answers in self.answers:
            found.setdefault(answers.address, []).append(answers)
        return found

    @cached_property
    def addresses(self) -> Mapping[str, Sequence[str]]:
        """Balancer → the addresses that are its own while nothing has failed; each once."""
        found: dict[str, dict[str, None]] = {}
        for vip in self.cluster.vips:
            found.setdefault(vip.home, {})[vip.address] = None
        return {home: list(own) for home, own in found.items()}

    @cached_property
    def slack(self) -> int:
        """Requests by which witnesses may differ: those that failed, and those that the balancers tried again."""
        return self.errors.total() + self.disturbances

    @cached_property
    def rounds(self) -> int:
        """Number of rounds of requests."""
        return 1 + max((answers.round for answers in self.answers), default=-1)

    @cached_property
    def product(self) -> str:
        """The make of the balancers that counted, for sentences; empty: several makes, or none counted."""
        products = {process.product for process in self.processes}
        return products.pop() if len(products) == 1 else ""

    @cached_property
    def connection_each(self) -> bool:
        """Whether each request had a connection of its own, which another worker of the balancer may have taken."""
        return all(answers.connections >= answers.sent for answers in self.answers)

    @cached_property
    def errors(self) -> Counter[str]:
        """Kind of error → requests that failed with it, over all clients."""
        lost: Counter[str] = Counter()
        for answers in self.answers:
            lost.update(answers.errors)
        return lost

    @cached_property
    def sent(self) -> int:
        """Number of requests that all clients sent."""
        return sum(answers.sent for answers in self.answers)

    @cached_property
    def by_key(self) -> Mapping[str | None, Mapping[str, Mapping[str, int]]]:
        """Balancer (None: all of them) → key of a hash → server → answers."""
        return each_balancer.by_key(self.answers)

    @cached_property
    def orders(self) -> Mapping[str | None, Sequence[Sequence[str]]]:
        """Balancer (None: all of them) → for each route the servers in the order of answers.

        Nothing where the unit is the connection, whose order nobody knows; so it is with silences.
        """
        return each_balancer.by_route(self.answers) if self.unit == "request" else {}

    @cached_property
    def silences(self) -> Silences:
        """Balancer (None: all of them) → server that answered → answers by others since its last one, at least."""
        return silences(self.answers) if self.unit == "request" else {}

    @cached_property
    def picks(self) -> dict[str | None, Counter[str] | None]:
        """Balancer (None: all of them) → what its algorithm chose, as far as it was asked for (choices.py)."""
        return {}

    @cached_property
    def disturbances(self) -> int:
        """What the balancers tried again, or in vain: it explains that witnesses differ."""
        return sum(delta.disturbances for process in self.processes for delta in self.deltas(process).values())

    def complete(self, balancer: str | None = None) -> bool:
        """Return whether the balancers counted exactly the requests for which the algorithm chose a server.

        The algorithm does not choose for a returning client whose cookie names a server. If a balancer's statistics
        tell no algorithm, the answer is certain only if the probe was the only client.
        """
        if self.counted(balancer) is None or self._persistent:
            return False
        return self.alone(balancer) or self._algorithms_told

    @cached_property
    def _persistent(self) -> bool:
        """Whether returning clients keep their server at any balancer."""
        return any(backend.persistent for process in self.processes if (backend := self.called(process)))

    @cached_property
    def _algorithms_told(self) -> bool:
        """Whether every balancer tells its algorithm."""
        return all((backend := self.called(process)) and backend.algorithm for process in self.processes)

    def alone(self, balancer: str | None = None) -> bool:
        """Return whether the balancers counted the probe's requests only.

        Of a balancer that no answers name, it is known if all balancers together counted no others.
        """
        of = balancer if self.client(balancer) else None
        counted = self.counted(of)
        return counted is not None and abs(counted.total() - self.client(of).total()) <= self.slack

    @cached_property
    def by_round(self) -> tuple["Observations", ...]:
        """What was counted in each round; all of it as one if not every process was read after each of them."""
        if self.rounds < 2 or any(len(p.readings) != self.rounds + 1 for p in self.processes if not p.failure):
            return (self,)
        return tuple(self.part(number, number + 1) for number in range(self.rounds))

    def part(self, start: int, end: int) -> "Observations":
        """Return what was counted in the rounds from `start` to before `end` alone; logs tell no rounds.

        Every process that could be read must have been read before the first round and after each.
        """
        if (start, end) not in self._parts:
            self._parts[start, end] = self._part(start, end)
        return self._parts[start, end]

    @cached_property
    def _parts(self) -> dict[tuple[int, int], "Observations"]:
        return {}

    def _part(self, start: int, end: int) -> "Observations":
        asked = (replace(a, round=a.round - start) for a in self.answers if start <= a.round < end)
        processes = (p if p.failure else over(p.readings[start : end + 1]) for p in self.processes)
        cut = replace(self, answers=tuple(asked), processes=tuple(processes), logs={}, statuses=())
        return without_cleared(cut)

    @cached_property
    def told_apart(self) -> Sequence[str]:
        """Names of the balancers that have counts of their own, from answers or counters; empty: one at most."""
        named = sorted(self.named_balancers - {""})
        if not named and len(self.cluster.balancers) < 2:
            return []
        return list(dict.fromkeys([*(balancer.name for balancer in self.cluster.balancers), *named]))

    def ledgers(self, servers: Iterable[str], balancer: str | None = None) -> dict[str, Ledger]:
        """Return server → what the three witnesses counted, for `servers` and for every other one that answered.

        With a `balancer` there are no counts of logs: a log does not say which balancer sent a request.
        """
        client, counted = self.client(balancer), self.counted(balancer)
        logged = (
            {} if balancer is not None else {name: n for name, n in self.logged.items() if name not in self.distrusted}
        )
        return {
            name: Ledger(client.get(name, 0), counted.get(name, 0) if counted is not None else None, logged.get(name))
            for name in dict.fromkeys([*servers, *sorted(client)])
        }

    @cached_property
    def logged(self) -> dict[str, int]:
        """Server → lines of this run in its log. A journal does not tell how many there are."""
        if self.unit == "connection":
            return {}
        counting = (log for log in self.logs.items() if not log[1].failure)
        return {name: log.lines for name, log in counting if log.path.partition(":")[0] not in schemes.LOGS}

    @cached_property
    def distrusted(self) -> Mapping[str, int]:
        """Servers whose logs lack lines of this run, if no other server has them → how many lines they have.

        Such a log may be written later, or not say who asked. Lines that another server has are another matter.
        """
        client, logged = self.client(), self.logged
        more = {name: lines - client[name] for name, lines in logged.items()}
        elsewhere = sum(count for count in more.values() if count > self.slack)
        return {name: logged[name] for name, count in more.items() if elsewhere + self.slack < -count}


def _unit_of(mode: str) -> Unit:
    """Return what a server is chosen for in a mode of a balancer; empty: nobody told the mode."""
    return "connection" if mode == "tcp" else "request" if mode else ""


def gather(question: Question, frontend: Frontend, samples: Sequence[Sample]) -> Observations:
    """Return what clients and servers say about one frontend; what balancers say is recognised only beside it."""
    answers = tuple(s for s in samples if isinstance(s, Answers) and s.url == frontend.url)
    return Observations(
        question.cluster,
        question.identify,
        frontend,
        question.cluster.backend(frontend.backend),
        answers,
        asked=question.asked,
        logs={s.server: s for s in samples if isinstance(s, LogLines) and _is_of(s, frontend, question.cluster)},
        statuses=tuple(s for s in samples if isinstance(s, StubStatus)),
        configured=tuple(s for s in samples if isinstance(s, Configured)),
        kept=kept(answers, budget.of_one_test(question)),
    )


def without_cleared(seen: Observations) -> Observations:
    """Return the observations without the counts of processes whose counters somebody cleared."""
    processes = tuple(_unless_cleared(seen, process) for process in seen.processes)
    same = all(now is before for now, before in zip(processes, seen.processes, strict=True))
    return seen if same else replace(seen, processes=processes)


def _unless_cleared(seen: Observations, process: Difference) -> Difference:
    """Return what a process counted; void if its frontends show fewer requests than clients got answers from it.

    If it took at least as many as that, somebody cleared its counters. The counts themselves do not always show it.
    """
    balancer = process.balancer if seen.told_apart else None
    processes, answered = seen.heard(balancer), seen.client(balancer).total()
    if seen.unit == "connection" or any(p.failure or p.void for p in processes):
        return process
    taken = sum(p.requests or 0 for p in processes)
    counted = sum(frontend.requests or 0 for p in processes for frontend in p.frontends.values())
    told = all(p.frontends for p in processes)
    if told and counted < answered <= taken:
        return replace(process, void=f"{process.product}{cleared(process.balancer)}", backends={}, frontends={})
    return process


def _is_of(log: LogLines, frontend: Frontend, cluster: Cluster) -> bool:
    """Return whether lines were counted of one frontend's requests alone: by its token, or no other has the server."""
    if log.frontend:
        return log.frontend == frontend.name
    users = [one for one in cluster.web if log.server in cluster.backend(one.backend).weights]
    return len(users) <= 1
