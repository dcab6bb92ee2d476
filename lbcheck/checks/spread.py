"""Who answers: counted by the client, the balancer and the servers, and held to what the algorithm owes."""

from collections.abc import Iterator, Mapping, Sequence

from lbcheck.analysis import algorithms, sampling, witnesses
from lbcheck.analysis.algorithms import Judgement, Tally
from lbcheck.analysis.counters import Difference, ServerDelta
from lbcheck.analysis.scene import ASSUMED, Scene, gather
from lbcheck.model.address import family
from lbcheck.model.plan import CountLogLines, Options, Plan, ReadHaproxy, ReadStubStatus, Request, Stage, Step, When
from lbcheck.model.sample import Sample
from lbcheck.model.topology import HERE, Backend, Server, Topology
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

NAME = "spread"
GENTLE_RATE = 50.0  # requests a second towards a fleet that is not a lab
ALPHA = sampling.FALSE_ALARM / 2  # the other half is dns's
TOLERATED_LOSS = 0.01  # of the requests; more is a fault of its own
LAB_REQUESTS = 2000
FEWEST_REQUESTS = 200
LIKELY_WEIGHTS = ({"a": 1, "b": 1}, {"a": 1, "b": 1, "c": 2})  # planned for where nobody says
FEWEST_TESTS = 20  # the error rate is shared out among at least so many


def supports(topology: Topology) -> str:
    """Return why this topology cannot be checked, or nothing where it can."""
    return "" if topology.web else "no frontends that speak HTTP: set cluster_frontends"


# --- plan ---


def plan(topology: Topology, options: Options) -> Plan:
    """Return three stages: counters, traffic from every client to every address, counters again."""
    return Plan(
        (
            Stage("before", tuple(_counters(topology, options, "before"))),
            Stage("traffic", tuple(_traffic(topology, options))),
            Stage("after", (*_counters(topology, options, "after"), *_logs(topology, options))),
        )
    )


def _may_run(topology: Topology, host: str) -> bool:
    return host in (HERE, *topology.reachable)


def _counters(topology: Topology, options: Options, when: When) -> Iterator[Step]:
    for balancer in topology.balancers:
        for uri in balancer.stats:
            # Pages and TCP sockets can be read from here; a unix socket only where it is.
            at = balancer.name if uri.startswith("unix:") and topology.reachable else HERE
            if _may_run(topology, at):
                yield ReadHaproxy(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=options.timeout_s)
    for server in _servers(topology):
        if server.stub_status and _may_run(topology, server.name):
            url = server.stub_status
            yield ReadStubStatus(at=server.name, server=server.name, url=url, when=when, timeout_s=options.timeout_s)


def _logs(topology: Topology, options: Options) -> Iterator[Step]:
    for server in _servers(topology):
        if server.log and options.token and _may_run(topology, server.name):
            yield CountLogLines(at=server.name, server=server.name, path=server.log, token=options.token)


def _servers(topology: Topology) -> tuple[Server, ...]:
    used = [topology.backend(frontend.backend) for frontend in topology.web]
    return tuple({server.name: server for backend in used for server in backend.servers}.values())


def _traffic(topology: Topology, options: Options) -> Iterator[Step]:
    clients = tuple(c.name for c in topology.clients if c.name in topology.reachable) or (HERE,)
    routes = [
        (frontend, client, source, address)
        for frontend in topology.web
        for client in clients
        for source in options.sources or ("",)
        for address in frontend.addresses or ("",)
        if not (source and address) or family(source) == family(address)
    ]
    if not routes:
        return
    rate = options.rate if options.rate is not None else (0.0 if topology.lab else GENTLE_RATE)
    total = options.requests or _enough(topology)
    for number, (frontend, client, source, address) in enumerate(routes):
        requests = total // len(routes) + (number < total % len(routes))
        if requests:
            keep_alive = topology.backend(frontend.backend).mode != "tcp"
            yield Request(
                at=client,
                url=frontend.url,
                address=address,
                requests=requests,
                concurrency=options.concurrency,
                keep_alive=keep_alive if options.keep_alive is None else options.keep_alive,
                identify=topology.identify,
                identify_balancer=topology.identify_balancer,
                token=options.token,
                source=source,
                rate=rate / len(clients),
                timeout_s=options.timeout_s,
                verify=options.verify,
            )


def _enough(topology: Topology) -> int:
    """Return how many requests settle every frontend, at each balancer apart, should clients be the only witness."""
    needed = max(_needed(topology.backend(frontend.backend)) for frontend in topology.web)
    floor = LAB_REQUESTS if topology.lab else FEWEST_REQUESTS
    return max(floor, len(topology.web) * max(1, len(topology.balancers)) * needed)


def _needed(backend: Backend) -> int:
    algorithm = backend.algorithm or ASSUMED
    if not _has_law(algorithm):
        return FEWEST_REQUESTS
    likely = (backend.weights,) if backend.servers else LIKELY_WEIGHTS
    tallies = [Tally({}, weights, complete=False) for weights in likely]
    return max(algorithms.judge(algorithm, tally, ALPHA / FEWEST_TESTS).needed for tally in tallies)


def _has_law(algorithm: str) -> bool:
    return algorithms.normal_name(algorithm) in algorithms.LAWS


# --- judge ---


def judge(topology: Topology, samples: Sequence[Sample]) -> list[Verdict]:
    """Return, for each frontend, a verdict on the witnesses and one on each balancer's spread."""
    scenes = [gather(topology, frontend, samples) for frontend in topology.web]
    scenes = [scene for scene in scenes if scene.answers]
    alpha = ALPHA / max(FEWEST_TESTS, sum(1 + len(scene.told_apart) for scene in scenes))
    verdicts = []
    for scene in scenes:
        verdicts.append(_of_backend(scene, alpha))
        verdicts += [_of_balancer(scene, name, alpha) for name in scene.told_apart]
    return verdicts


def _of_backend(scene: Scene, alpha: float) -> Verdict:
    """Judge all balancers together: lost requests, the witnesses, the spread."""
    judgement, answered = _judge_shares(scene, None, alpha), scene.client()
    findings = [*_lost(scene), *_testimony(scene), *_servers_say(scene)]
    if not scene.told_apart:
        for balancer in scene.topology.balancers:
            findings += _balancer_says(scene, balancer.name)
    findings += _shares(scene, judgement) if answered else []
    known = answered or scene.topology.clients  # a fleet that should answer has failed; a lone URL was not measured
    return Verdict(
        NAME,
        f"backend {scene.backend.name}",
        gravest(f.outcome for f in findings) if known else Outcome.UNMEASURED,
        f"{scene.sent:,} requests to {scene.frontend.url}: {_written(scene, answered)}",
        tuple(findings),
        _evidence(scene, judgement, None),
    )


def _of_balancer(scene: Scene, name: str, alpha: float) -> Verdict:
    """Judge one balancer apart: or one wrong weight of two would hide."""
    judgement, counts = _judge_shares(scene, name, alpha), scene.counted(name) or scene.client(name)
    findings = [*_balancer_says(scene, name), *_absent(scene, name)]
    if sum(counts.values()) or not findings:
        findings += _shares(scene, judgement)
    return Verdict(
        NAME,
        f"backend {scene.backend.name} at {name}",
        gravest(f.outcome for f in findings),
        f"{scene.backend.algorithm}, {sum(counts.values()):,} {scene.unit}s: {_written(scene, counts)}",
        tuple(findings),
        _evidence(scene, judgement, name),
    )


def _judge_shares(scene: Scene, balancer: str | None, alpha: float) -> Judgement | None:
    if not _has_law(scene.backend.algorithm):
        return None
    counted = scene.counted(balancer)
    complete = scene.complete(balancer)  # HAProxy's own count keeps the law whatever other traffic there is
    tally = Tally(
        counted if counted is not None and complete else scene.client(balancer),
        scene.backend.weights,
        complete=complete,
        processes=max(1, sum(_lines(scene, p) for p in scene.processes if balancer in (None, p.balancer))),
        by_key=scene.by_key(balancer),
    )
    return algorithms.judge(scene.backend.algorithm, tally, alpha)


def _lines(scene: Scene, process: Difference) -> int:
    """Return how many lines a server has at the most: each line's share is bound by itself."""
    return max((delta.lines for delta in scene.deltas(process).values()), default=1)


def _shares(scene: Scene, judgement: Judgement | None) -> list[Finding]:
    if judgement is None:
        return [Finding(Outcome.UNMEASURED, f"what '{scene.backend.algorithm}' owes is not known here")]
    if judgement.outcome is Outcome.INCONCLUSIVE:
        few = f"too few {scene.unit}s to tell; {judgement.needed:,} would do"
        return [Finding(Outcome.INCONCLUSIVE, few)]
    return [Finding(Outcome.FAIL, fault) for fault in judgement.faults] or [
        Finding(Outcome.PASS, f"as {scene.backend.algorithm} owes ({judgement.test})")
    ]


def _balancer_says(scene: Scene, name: str) -> Iterator[Finding]:
    """What one balancer's processes say of themselves and of their servers."""
    for process in (p for p in scene.processes if p.balancer == name):
        if process.failure:
            gone = process.failure.kind in ("refused", "not-found") and not scene.client(name)
            who = f"HAProxy on {name} is not running: " if gone else f"balancer {name}: "
            yield Finding(Outcome.FAIL if gone else Outcome.UNMEASURED, who + process.failure.message)
        elif process.void:
            yield Finding(Outcome.INCONCLUSIVE, f"{process.void}: run again")
        elif not scene.deltas(process):
            yield Finding(Outcome.FAIL, f"HAProxy on {name} has no backend '{scene.backend.name}'")
        else:
            wanted = scene.topology.backend(scene.frontend.backend).weights
            yield from _servers_at(name, scene.deltas(process), wanted)


def _servers_at(balancer: str, deltas: Mapping[str, ServerDelta], wanted: Mapping[str, int]) -> Iterator[Finding]:
    for name, weight in wanted.items():
        delta = deltas.get(name)
        if delta is None:
            yield Finding(Outcome.FAIL, f"{balancer} does not have server {name}, which the inventory has")
            continue
        if not delta.serves:
            check = f" ({delta.check})" if delta.check else ""
            yield Finding(Outcome.FAIL, f"{balancer} says server {name} is {_in_words(delta.status)}{check}")
        if delta.weight != weight and not delta.status.startswith("DRAIN"):
            sentence = f"{balancer} gives server {name} weight {delta.weight}; {weight} is expected"
            yield Finding(Outcome.FAIL, sentence)
    for name in sorted(set(deltas) - set(wanted)) if wanted else ():
        yield Finding(Outcome.FAIL, f"{balancer} has server {name}, which is not expected")


def _in_words(status: str) -> str:
    return {"DRAIN": "in drain (DRAIN)", "MAINT": "in maintenance (MAINT)"}.get(status, status)


def _absent(scene: Scene, name: str) -> Iterator[Finding]:
    """Say where a balancer answered nothing at its own VIPs, and who did."""
    own = {vip.address for vip in scene.topology.vips if vip.home == name}
    asked = [answers for answers in scene.answers if answers.address in own and answers.sent]
    who = sorted({count.balancer for answers in asked for count in answers.counts})
    if asked and name not in who and who != [""]:  # where answers name no balancer, this says nothing
        sent = sum(answers.sent for answers in asked)
        instead = f"{' and '.join(who)} answered instead" if who else "and nobody did"
        yield Finding(Outcome.FAIL, f"{name} answered none of {sent:,} requests to its VIPs, {instead}")


def _lost(scene: Scene) -> Iterator[Finding]:
    """Say which requests were not answered, where and why."""
    unasked = dict.fromkeys(answers.failure.message for answers in scene.answers if answers.failure)
    yield from (Finding(Outcome.UNMEASURED, f"{scene.frontend.url}: {message}") for message in unasked)
    for answers in scene.answers:
        route = f"{scene.frontend.url} at {answers.address or 'its own address'} from {answers.source or answers.at}"
        for kind, count in answers.errors.items():
            sentence = f"{route}: {count:,} of {answers.sent:,} requests failed: {kind}"
            if kind == "unidentified":
                sentence += f" (answers carry no {scene.topology.identify}; say how servers name themselves)"
            ours = kind in ("unidentified", "ports-exhausted", "internal", "denied")  # our own lack, not the fleet's
            grave = count > TOLERATED_LOSS * answers.sent
            yield Finding((Outcome.UNMEASURED if ours else Outcome.FAIL) if grave else Outcome.PASS, sentence)


def _testimony(scene: Scene) -> list[Finding]:
    """Hold the three witnesses against each other."""
    ledgers = scene.ledgers()
    strangers = sorted(set(ledgers) - set(scene.backend.weights))
    found = [Finding(Outcome.FAIL, f"answers name '{name}', no server of the backend") for name in strangers]
    # Requests that failed, and the balancer's retries, explain a difference.
    slack = sum(scene.errors.values()) + scene.retries
    found += [Finding(Outcome.FAIL, sentence) for sentence in witnesses.disagreements(ledgers, slack)]
    if found:
        return found
    counted, logged = scene.counted(), [name for name, ledger in ledgers.items() if ledger.server is not None]
    heard = ["the clients", *["HAProxy"] * (counted is not None), *["the servers' logs"] * bool(logged)]
    if len(heard) == 1:
        return [Finding(Outcome.PASS, "the client is the only witness")]
    beside = sum((counted or scene.client()).values()) - sum(scene.client().values())
    other = f"; HAProxy counted {beside:,} more, other traffic beside the probe" if beside > slack else ""
    return [Finding(Outcome.PASS, f"the witnesses agree: {', '.join(heard)}{other}")]


def _servers_say(scene: Scene) -> Iterator[Finding]:
    """Say which of the servers' own counters could not be read, or count less than their log."""
    unread = {log.failure.message: server for server, log in scene.logs.items() if log.failure}
    yield from (Finding(Outcome.UNMEASURED, f"server {server}: {message}") for message, server in unread.items())
    for server in dict.fromkeys(status.server for status in scene.statuses):
        readings = {status.when: status for status in scene.statuses if status.server == server}
        failure = next((status.failure for status in readings.values() if status.failure), None)
        if failure and failure.message not in unread:
            gone = failure.kind == "refused"
            who = f"nginx on {server} is not running: " if gone else f"server {server}: "
            yield Finding(Outcome.FAIL if gone else Outcome.UNMEASURED, who + failure.message)
        elif not failure and len(readings) == 2 and server in scene.logs:
            served, lines = readings["after"].requests - readings["before"].requests, scene.logs[server].lines
            if 0 <= served < lines:  # below zero: nginx was restarted
                yield Finding(Outcome.FAIL, f"server {server} logged {lines:,} requests, stub_status only {served:,}")


def _written(scene: Scene, counts: Mapping[str, int]) -> str:
    names = dict.fromkeys([*scene.backend.weights, *sorted(counts)])
    return ", ".join(f"{name} {counts.get(name, 0):,}" for name in names) or "no answer"


def _evidence(scene: Scene, judgement: Judgement | None, balancer: str | None) -> Mapping[str, object]:
    whole, client = balancer is None, scene.client(balancer)
    owed = judgement.shares if judgement else {}
    apart = [name for name in scene.told_apart if whole or name == balancer]
    return {
        "algorithm": scene.backend.algorithm,
        "unit": scene.unit,
        "url": scene.frontend.url,
        "requests": scene.sent if whole else sum(client.values()),
        "errors": sum(scene.errors.values()) if whole else 0,
        "errors_by_kind": dict(scene.errors) if whole else {},
        "servers": {
            name: {
                "client": ledger.client,
                "balancer": ledger.balancer,
                "server": ledger.server,
                "expected_share": owed.get(name),
            }
            for name, ledger in scene.ledgers(balancer).items()
        },
        "balancers": {name: dict(scene.client(name) or scene.counted(name) or {}) for name in apart},
        "test": {
            "name": judgement.test if judgement else "none",
            "statistic": judgement.statistic if judgement else None,
            "p_value": judgement.p_value if judgement else None,
        },
        "needed_requests": judgement.needed if judgement else None,
    }
