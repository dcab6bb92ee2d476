"""Observations of each frontend, with every server and balancer under its name in answers.

What cannot be recognised for certain is not heard, and the observations say why.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from typing import Any

from lbcheck.analysis.counter_deltas import Difference, differences, of_backend
from lbcheck.analysis.matching import Fit
from lbcheck.checks.spread import balancer_names, configurations, names, server_lines
from lbcheck.checks.spread.backends import Answered, Candidate, Choice, choose
from lbcheck.checks.spread.names import Told
from lbcheck.checks.spread.observations import Observations, gather, without_cleared
from lbcheck.model.cluster import Backend, Cluster
from lbcheck.model.configuration import Configured
from lbcheck.model.counters import BackendCounters, Counters, ServerCounters
from lbcheck.model.question import Question
from lbcheck.model.requests import Answers
from lbcheck.model.step import ErrorKind, Sample

_NAMELESS = (ErrorKind.STATUS, ErrorKind.UNIDENTIFIED)  # answers, from somebody


def observed(question: Question, samples: Sequence[Sample]) -> list[Observations]:
    """Return what the samples say about each frontend that was asked; of several backends that share it, of each."""
    readings = [sample for sample in samples if isinstance(sample, Counters)]
    counters = configurations.completed(readings, [one for one in samples if isinstance(one, Configured)])
    found = (gather(question, frontend, samples) for frontend in question.cluster.web)
    parts = (part for seen in found if seen.answers for part in recognised(seen, counters))
    return [without_cleared(part) for part in parts]


def recognised(seen: Observations, counters: Sequence[Counters]) -> list[Observations]:
    """Return the observations of each backend that answered, under the names in answers.

    `counters`: the readings of all balancers.
    """
    told = Told(server_lines.spelled_out(seen.asked.names, counters), seen.backend.servers, seen.identify)
    answered = {count.server for answers in seen.answers for count in answers.counts}
    counters = [server_lines.as_one(reading, told.pairs, answered) for reading in counters]
    seen, counters = _balancers(seen, counters, told)
    processes = differences(counters)
    choice = choose(_candidates(seen, processes, told, _through(seen, counters)), seen.backend.name)
    if not choice.backends:
        blank = [replace(reading, backends=()) for reading in counters]
        why = [choice.why] if any(process.backends for process in processes) else []
        return [_met(replace(seen, processes=tuple(differences(blank)), unheard=(*seen.unheard, *why)))]
    missing = _missing(seen, processes)
    seen = replace(seen, processes=tuple(processes))
    parts = (_part(seen, counters, told, choice, place) for place in range(len(choice.backends)))
    return [replace(part, missing=missing) for part in parts]


def _missing(seen: Observations, processes: Sequence[Difference]) -> str:
    """Return that no balancer has a backend of the user's name for it, a sentence; empty: one has, or none was read."""
    there = sorted({name for process in processes for name in process.backends})
    if not seen.named or not there or seen.backend.name in there:
        return ""
    who = next((process.product for process in processes if process.product), "the balancer")
    return f"{who} has no backend '{seen.backend.name}'; it has {', '.join(there)}"


def _balancers(seen: Observations, counters: Sequence[Counters], told: Told) -> tuple[Observations, Sequence[Counters]]:
    """Return both with each balancer under its name in answers, if that is certain."""
    answered = {count.balancer for answers in seen.answers for count in answers.counts} - {""}

    def fit(balancer: str, name: str) -> Fit:
        processes = differences(reading for reading in counters if reading.balancer == balancer)
        return max((one.fit for one in _candidates(seen, processes, told, {name})), default=Fit.NO)

    pairs, doubt = balancer_names.in_answers(seen.cluster.balancers, answered, told.pairs, fit)
    renamed = [replace(reading, balancer=pairs.get(reading.balancer, reading.balancer)) for reading in counters]
    unheard = (doubt,) if doubt else ()
    return replace(seen, cluster=_cluster(seen.cluster, pairs), unheard=unheard, died=_died(renamed)), renamed


def _died(counters: Sequence[Counters]) -> frozenset[str]:
    """Return the balancers whose counters could be read before the requests, and not after them."""
    there = {_process(reading) for reading in counters if reading.when == "before" and not reading.failure}
    gone = (reading for reading in counters if reading.when == "after" and reading.failure)
    return frozenset(reading.balancer for reading in gone if _process(reading) in there)


def _cluster(cluster: Cluster, pairs: Mapping[str, str]) -> Cluster:
    balancers = tuple(replace(one, name=pairs.get(one.name, one.name)) for one in cluster.balancers)
    vips = tuple(replace(vip, home=pairs.get(vip.home, vip.home)) for vip in cluster.vips)
    return replace(cluster, balancers=balancers, vips=vips)


def _through(seen: Observations, counters: Sequence[Counters]) -> set[str] | None:
    """Return the balancers whose answers the counters can hold; None: any, for answers name none that was read."""
    named = {count.balancer for answers in seen.answers for count in answers.counts}
    return named & {reading.balancer for reading in counters} or None


def _candidates(
    seen: Observations, processes: Sequence[Difference], told: Told, through: set[str] | None
) -> list[Candidate]:
    """Return each backend that any of the processes has, beside the answers that came through these balancers."""
    answers = _answered(seen.answers, through)
    changed = [change for process in processes for change in process.changes]
    gone = {change.server for change in changed if change.field == "server" and change.after is None}
    answers = answers.among(name for name in answers.requests if name not in gone)
    found: dict[str, dict[int, BackendCounters]] = {}
    certain: dict[str, set[str]] = {}
    for place, process in enumerate(processes):
        for backend in process.backends.values():
            pairs = names.in_answers(backend, answers.requests, told)
            found.setdefault(backend.name, {})[place] = _as_named(backend, pairs)
            certain.setdefault(backend.name, set()).update(pairs.values())
    lost, mode = seen.errors.total(), seen.backend.mode
    return [Candidate(name, those, answers, frozenset(certain[name]), lost, mode) for name, those in found.items()]


def _answered(answers: Sequence[Answers], through: set[str] | None) -> Answered:
    requests, connections = Counter[str](), Counter[str]()
    for count in (count for one in answers for count in one.counts if through is None or count.balancer in through):
        requests[count.server] += count.requests
        connections[count.server] += count.connections
    return Answered(requests, connections, sum(one.errors.get(kind, 0) for one in answers for kind in _NAMELESS))


def _as_named(backend: BackendCounters, pairs: Mapping[str, str]) -> BackendCounters:
    """Return a backend with its servers under other names. One that would share a name keeps its own in full."""
    if all(name == alias for name, alias in pairs.items()):
        return backend
    taken = set(pairs.values())
    called = {server.name: f"{backend.name}/{server.name}" for server in backend.servers if server.name in taken}
    called.update(pairs)
    if all(called.get(server.name, server.name) == server.name for server in backend.servers):
        return backend
    servers = (replace(server, name=called.get(server.name, server.name)) for server in backend.servers)
    return replace(backend, servers=tuple(servers))


@dataclass(frozen=True)
class _Who:
    """Who is who in one backend, and what that is good for.

    `pairs`: a server as the candidate calls it → its name in answers. `counts`: whether its counts can be held against
    the clients'. `settings`: whether it is known which weight and state each server in answers has.
    """

    pairs: Mapping[str, str] = field(default_factory=dict)
    counts: bool = True
    settings: bool = True
    doubt: str = ""


def _who(one: Candidate) -> _Who:
    way = one.way
    if way.found is None and one.idle and not one.alone:
        # Counted by nobody else, a name that nobody has would be a stranger.
        called = " or ".join(list(one.strangers)[:3])
        doubt = f"counts do not tell which server of backend {one.name} answers call {called}: --names would tell"
        return _Who(counts=False, settings=False, doubt=doubt)
    if not way.found:
        return _Who()
    pairs = {server: name for name, server in way.found.items()}
    if way.certain:
        return _Who(pairs)
    doubt = f"counts fit the answers' names in more than one way: {names.two_ways(way.found, way.other)}"
    return _Who(pairs, counts=False, settings=_alike(one), doubt=doubt)


def _alike(one: Candidate) -> bool:
    """Return whether all servers that a stranger may be have the same weight and state, for each stranger."""
    settings: dict[str, set[tuple[object, ...]]] = {}
    for server in (server for backend in one.found.values() for server in backend.servers):
        settings.setdefault(server.name, set()).add((server.present_weight, server.serves, server.backup))
    known = [settings[server] for server in one.fits.things]
    changes = [0, *accumulate(one != other for one, other in pairwise(known))]  # up to each server
    return all(
        start < end and len(known[start]) == 1 and changes[start] == changes[end - 1]
        for start, end in one.fits.ends.values()
    )


def _part(seen: Observations, counters: Sequence[Counters], told: Told, choice: Choice, place: int) -> Observations:
    """Return the observations of one of the backends that answered."""
    one, processes = choice.backends[place], seen.processes
    who = _who(one)
    pairs = {at: _pairs(processes[at].backends[one.name], own, who) for at, own in one.found.items()}
    listed = {at: names.of_given(processes[at].backends[one.name], told) for at in pairs}
    backend = _with_given(replace(seen.backend, name=one.name), pairs, listed, set(one.seen))
    of_process = {process: pairs.get(at, {}) for at, process in enumerate(dict.fromkeys(map(_process, counters)))}
    readings = [_heard(reading, one.name, of_process[_process(reading)], who) for reading in counters]
    as_read = all(map(_as_read, counters, readings))
    part = replace(
        seen,
        backend=_only_own(backend, one, choice),
        answers=_answers(seen.answers, choice, place),
        **_of_servers(seen, backend),
        processes=tuple(of_backend(process, one.name) for process in processes)
        if as_read
        else tuple(differences(readings)),
        identities=_identities(pairs.values()) if who.counts else {},
        unheard=(*seen.unheard, *([who.doubt] if who.doubt else [])),
        remarks=_shared(choice, one),
        parts=len(choice.backends),
    )
    return _met(part)


def _met(seen: Observations) -> Observations:
    """Return the observations without the user's servers if answers name none of them: who is who is not known."""
    listed = seen.backend.weights
    answered = (count.server for answers in seen.answers for count in answers.counts)
    if not listed or any(name in listed for name in answered) or not any(answers.counts for answers in seen.answers):
        return seen
    return replace(seen, backend=replace(seen.backend, servers=(), weights_given=True), unmet=tuple(listed))


def _of_servers(seen: Observations, backend: Backend) -> dict[str, Any]:
    """Return what the servers themselves counted, under the names in answers."""
    names_now = zip(seen.backend.servers, backend.servers, strict=True)
    called = {before.name: now.name for before, now in names_now}
    logs = {called.get(server, server): log for server, log in seen.logs.items()}
    statuses = (replace(status, server=called.get(status.server, status.server)) for status in seen.statuses)
    return {"logs": logs, "statuses": tuple(statuses)}


def _process(reading: Counters) -> tuple[str, str, str]:
    """Return what tells one process from the others, as for differences."""
    return reading.balancer, reading.at, reading.uri


def _pairs(backend: BackendCounters, candidate: BackendCounters, who: _Who) -> dict[str, str]:
    """Return a server's name at the balancer → its name in answers; its own name where it is not known."""
    both = zip(backend.servers, candidate.servers, strict=True)
    return {server.name: who.pairs.get(known.name, known.name) for server, known in both}


def _with_given(
    given: Backend, pairs: Mapping[int, dict[str, str]], listed: Mapping[int, Mapping[str, str]], answered: set[str]
) -> Backend:
    """Return the backend as the user gave it, with its servers under the names in answers.

    A server that no answer names is called as the user called it; `pairs` are changed to say so.
    """
    in_answers: dict[str, str] = {}
    for at, those in listed.items():
        for name, user in those.items():
            if user not in answered and pairs[at][name] in answered:
                in_answers[user] = pairs[at][name]
            elif user not in answered:
                pairs[at][name] = user
    servers = tuple(replace(server, name=in_answers.get(server.name, server.name)) for server in given.servers)
    backend = replace(given, servers=servers)
    for known in pairs.values():
        known.update(_left_over(backend, known, answered))
    return backend


def _left_over(given: Backend, pairs: Mapping[str, str], answered: set[str]) -> dict[str, str]:
    """Pair what is left on both sides, where names differ anyway and the user's weights are the same for each."""
    wanted, there = given.weights, set(pairs.values())
    left = [name for name in wanted if name not in there and name not in answered]
    servers = [name for name, known in pairs.items() if known not in wanted and known not in answered]
    differ = any(name != known for name, known in pairs.items())
    if not differ or len(left) != len(servers) or len({wanted[name] for name in left}) > 1:
        return {}
    return dict(zip(servers, left, strict=True))


def _only_own(given: Backend, one: Candidate, choice: Choice) -> Backend:
    """Return a backend without the servers that the user listed and that other backends have; without any if all are.

    Who is in none of them is missed in each that has some of the listed ones.
    """
    others: set[str] = set().union(*({*other.names, *other.seen} for other in choice.backends if other is not one))
    own = {*one.names, *one.seen} - others
    servers = tuple(server for server in given.servers if server.name not in others)
    return replace(given, servers=servers if own & {server.name for server in servers} or not others else ())


def _heard(reading: Counters, backend: str, pairs: Mapping[str, str], who: _Who) -> Counters:
    """Return a reading of the backend that is meant, under the names in answers, with what is known for certain."""
    own = [_as_named(one, pairs) for one in reading.backends if one.name == backend]
    if not who.settings:
        own = [replace(one, servers=()) for one in own]
    elif not who.counts:
        own = [replace(one, servers=tuple(map(_without_counts, one.servers))) for one in own]
    return replace(reading, backends=tuple(own))


def _as_read(reading: Counters, heard: Counters) -> bool:
    """Return whether what is heard of a reading is as it was read."""
    return all(any(one is other for other in reading.backends) for one in heard.backends)


def _without_counts(server: ServerCounters) -> ServerCounters:
    return replace(server, requests=None, connections=None, chosen=None)


def _identities(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Return a server's name in answers → its name at the balancer; nothing if all names are equal."""
    found = {known: name for those in pairs for name, known in those.items()}
    return found if any(name != known for known, name in found.items()) else {}


def _shared(choice: Choice, one: Candidate) -> tuple[str, ...]:
    """Return a sentence on the backends that gave the answers together, or on the one that gave them instead."""
    if choice.instead:
        return (f"backend {one.name} counted nothing; the counts of backend {choice.instead} fit the answers",)
    shares = {other.name: sum(other.seen.values()) for other in choice.backends} | {one.name: sum(one.seen.values())}
    shares |= choice.elsewhere
    if len(shares) == 1:
        return ()
    parts = " and ".join(f"{name} ({count:,} answers)" for name, count in shares.items())
    return (f"the requests are shared by backends {parts}; how many each of them gets is not judged",)


def _answers(answers: Sequence[Answers], choice: Choice, place: int) -> tuple[Answers, ...]:
    """Return the answers of one of the backends; requests that failed stand with the first."""
    if len(choice.backends) == 1 and not choice.elsewhere:
        return tuple(answers)
    return tuple(_own(one, set(choice.backends[place].seen), first=place == 0) for one in answers)


def _own(answers: Answers, servers: set[str], *, first: bool) -> Answers:
    places = [place for place, count in enumerate(answers.counts) if count.server in servers]
    counts = tuple(answers.counts[place] for place in places)
    others = answers.sent - sum(answers.errors.values()) - sum(count.requests for count in counts)
    order = tuple((places.index(place), length) for place, length in answers.order if place in places)
    part = replace(answers, counts=counts, order=order, sent=answers.sent - others)
    return part if first else replace(part, errors={}, statuses={}, unnamed={}, sent=sum(c.requests for c in counts))
