"""Which fills measure each path, and the counters before and after those that go through to the servers."""

from collections.abc import Iterator
from dataclasses import replace

from lbcheck.checks.capacity import fills
from lbcheck.checks.capacity.prediction import subjects
from lbcheck.errors import LbcheckError
from lbcheck.model import schemes
from lbcheck.model.cluster import Cluster, capacity_of
from lbcheck.model.counters import ReadCounters
from lbcheck.model.fill import Fill
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import HERE, Question
from lbcheck.model.step import Step, When

LOG_S = 20.0  # for a journal of any length


def plan(question: Question, options: Options) -> Plan:
    """Return counters, fills through each frontend in mode tcp, counters again; then fills up to the VIPs and the NATs.

    LbcheckError where it is no lab: filling somebody's tuples is an attack.
    """
    if not question.lab:
        raise LbcheckError("--measure uses up every port of a path: only in a lab (lbcheck_lab: true in the inventory)")
    cluster = question.cluster
    to_servers = [fill for _, fill in through(cluster, options.timeout_s) if isinstance(fill, Fill)]
    to_vips = [fill for subject in subjects(cluster) for fill in fills.up_to_vips(cluster, subject, options.timeout_s)]
    counting = [tuple(_counters(cluster, options, when)) if to_servers else () for when in ("before", "after")]
    stages = (
        Stage(StageName.BEFORE, counting[0]),
        Stage(StageName.TRAFFIC, tuple(to_servers)),
        Stage(StageName.AFTER, counting[1]),
        Stage(StageName.CLIENT_FILLS, tuple(to_vips)),
    )
    return Plan(
        tuple(Stage(stage.name, tuple(step for step in stage.steps if question.may_run(step.at))) for stage in stages)
    )


def _counters(cluster: Cluster, options: Options, when: When) -> Iterator[Step]:
    for balancer in cluster.balancers:
        for uri in balancer.stats:
            at = balancer.name if schemes.read_on_host(uri) else HERE
            yield ReadCounters(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=options.timeout_s)
        no_free_port = schemes.product_at(balancer.stats).no_free_port
        if balancer.log and no_free_port:
            log = CountLogLines(
                at=balancer.name, server=balancer.name, path=balancer.log, token=no_free_port, when=when
            )
            yield replace(log, timeout_s=LOG_S)


def through(cluster: Cluster, timeout_s: float) -> Iterator[tuple[str, Fill | str]]:
    """Give each frontend in mode tcp with servers, and what fills its balancers' source ports, or why nothing does."""
    for frontend in cluster.frontends:
        backend = cluster.balanced(frontend)
        if backend and capacity_of(frontend).mode == "tcp":
            yield frontend.name, fills.of_servers(cluster, frontend, backend, timeout_s)
