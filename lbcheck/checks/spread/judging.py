"""A verdict on all balancers together, and one on each apart."""

from collections.abc import Mapping, Sequence

from lbcheck.analysis import algorithms, sampling
from lbcheck.analysis.algorithms import Judgement, Tally
from lbcheck.analysis.counters import Difference
from lbcheck.analysis.scene import Scene, gather
from lbcheck.checks.spread import testimony
from lbcheck.model.sample import Sample
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

NAME = "spread"
ALPHA = sampling.FALSE_ALARM / 2  # the other half is dns's
FEWEST_TESTS = 20  # the error rate is shared out among at least so many


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
    findings = [*testimony.lost(scene), *testimony.agreement(scene), *testimony.of_servers(scene)]
    if not scene.told_apart:
        for balancer in scene.topology.balancers:
            findings += testimony.of_balancer(scene, balancer.name)
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
    findings = [*testimony.of_balancer(scene, name), *testimony.absent(scene, name)]
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
    if not algorithms.has_law(scene.backend.algorithm):
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
