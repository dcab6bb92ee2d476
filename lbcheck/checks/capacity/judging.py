"""What was measured of a path, compared with what was predicted: a difference of one connection is a finding."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from lbcheck.analysis.counter_deltas import differences
from lbcheck.analysis.tuples import server_hop
from lbcheck.checks.capacity import balancer_counts, far_end, fills, kernel_counts
from lbcheck.checks.capacity.fills import ServerFill
from lbcheck.checks.capacity.otherwise import otherwise
from lbcheck.checks.capacity.parts import Part, servers_label, through_label
from lbcheck.checks.capacity.planning import server_fills
from lbcheck.checks.capacity.prediction import Prediction, predicted
from lbcheck.checks.capacity.results import Result, Row
from lbcheck.model.cluster import Cluster
from lbcheck.model.counters import Counters
from lbcheck.model.fill import Filled
from lbcheck.model.log_lines import LogLines
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.model.verdict import Finding, Outcome, Verdict, gravest

# Judging asks what was to be filled, and fills nothing: whoever planned it was asked whether that may be.
SENDING_NOTHING = Options(allow=("0.0.0.0/0", "::/0"))


@dataclass(frozen=True)
class Measurements:
    """What was measured of all paths.

    `server_fills`: frontend → what was to use up its balancers' source ports.
    """

    filled: Sequence[Filled]
    at_balancers: far_end.FarEnd
    at_servers: far_end.FarEnd
    words: balancer_counts.Words
    server_fills: Mapping[str, ServerFill]

    def of(self, label: str) -> list[Filled]:
        """Return the samples of the fills with this label."""
        return [sample for sample in self.filled if sample.label == label]


def judge(question: Question, samples: Sequence[Sample]) -> list[Verdict]:
    """Return the prediction for each path with what was measured of it; a difference of one connection fails."""
    cluster = question.cluster
    measurements = Measurements(
        filled=[sample for sample in samples if isinstance(sample, Filled)],
        at_balancers=far_end.of(far_end.BALANCERS, samples),
        at_servers=far_end.of(far_end.SERVERS, samples),
        words=balancer_counts.Words(
            differences(sample for sample in samples if isinstance(sample, Counters)),
            _logged(samples),
            otherwise(cluster, samples),
        ),
        server_fills=server_fills(cluster, SENDING_NOTHING),
    )
    return [_verdict(prediction, cluster, measurements) for prediction in predicted(cluster, {})]


def _logged(samples: Sequence[Sample]) -> Mapping[str, bool]:
    """Return whether the fill added lines to each balancer's log; a log that could not be read is left out.

    How many it added is no evidence, because a log loses lines.
    """
    logs = [sample for sample in samples if isinstance(sample, LogLines)]
    unread = {log.server for log in logs if log.failure}
    # A journal tells when it had the line last, a file how often.
    before = {log.server: (log.newest_s, log.lines) for log in logs if log.when == "before"}
    after = {log.server: (log.newest_s, log.lines) for log in logs if log.when == "after"}
    return {
        balancer: lines > before[balancer]
        for balancer, lines in after.items()
        if balancer in before and balancer not in unread
    }


def _verdict(prediction: Prediction, cluster: Cluster, measurements: Measurements) -> Verdict:
    """Return the verdict with what was measured, and a finding wherever that is not what was predicted."""
    verdict = prediction.verdict
    rows: list[Row] = []
    findings = list(verdict.findings)
    unfilled: dict[str, str] = {}  # hop → why nothing fills it
    for part in prediction.parts:
        obstacle = _obstacle(cluster, part, measurements)
        if obstacle:
            unfilled[part.hop.name] = obstacle
            rows.append(part.row)
        else:
            result = _measured(cluster, part, measurements)
            rows.append(result.row)
            findings += result.findings
    findings += [Finding(Outcome.PASS, f"{hop}: not measured: {obstacle}") for hop, obstacle in unfilled.items()]
    return replace(
        verdict,
        outcome=gravest([verdict.outcome, *(finding.outcome for finding in findings)]),
        summary=f"{verdict.summary}; {_how_many_exact(rows)}",
        findings=tuple(findings),
        evidence=replace(prediction.evidence, steps=tuple(rows)),
    )


def _how_many_exact(rows: Sequence[Row]) -> str:
    measured = [row for row in rows if row.measured is not None]
    if not measured:
        return "nothing measured"
    exact = sum(row.exact for row in measured)
    return f"{exact} of {len(measured)} measured as predicted"


def _server_fill(part: Part, measurements: Measurements) -> ServerFill | None:
    """Return what fills the servers' side of a part; None: the part is filled from the clients."""
    if part.hop.name != server_hop.NAME:
        return None
    return measurements.server_fills.get(part.subject.frontend)


def _obstacle(cluster: Cluster, part: Part, measurements: Measurements) -> str:
    """Return why nothing fills a part; empty where something does."""
    server_fill = _server_fill(part, measurements)
    if server_fill:
        return server_fill.obstacle
    return fills.why_not(cluster, part.subject, part.hop)


def _measured(cluster: Cluster, part: Part, measurements: Measurements) -> Result:
    """Return what was measured of a part that something fills."""
    if not _server_fill(part, measurements):
        samples = [sample for label in _labels(cluster, part) for sample in measurements.of(label)]
        return kernel_counts.measured(cluster, part, samples, measurements.at_balancers, measurements.words.otherwise)
    samples = measurements.of(servers_label(part.subject))
    return balancer_counts.measured(cluster, part, samples, measurements.at_servers, measurements.words)


def _labels(cluster: Cluster, part: Part) -> Iterator[str]:
    """Give the labels of the fills of a part that is filled from the clients."""
    if not part.product.outside:
        yield part.label
        return
    behind = (client.behind for client in cluster.clients if client.name in part.product.who)
    yield from (through_label(part.subject, gateway) for gateway in dict.fromkeys(behind))
