"""Which fills measure each path, who reads at the far end meanwhile, and the counters before and after."""

from collections.abc import Iterator, Mapping, Sequence

from lbcheck.checks import trust
from lbcheck.checks.capacity import far_end, fills
from lbcheck.checks.capacity.fills import ServerFill
from lbcheck.checks.capacity.prediction import subjects
from lbcheck.errors import LbcheckError
from lbcheck.model import schemes
from lbcheck.model.cluster import Cluster, capacity_of
from lbcheck.model.counters import ReadCounters
from lbcheck.model.log_lines import CountLogLines
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.port_range import ReadPortRange
from lbcheck.model.question import HERE, Question
from lbcheck.model.step import Step, When

LOG_S = 20.0  # for a journal of any length


def plan(question: Question, options: Options) -> Plan:
    """Return counters, fills through each frontend in mode tcp, counters again; then fills up to the VIPs and the NATs.

    At the far end of each fill hosts read meanwhile what they accepted. They stand first, so that they begin first.

    LbcheckError outside of a lab: using up the tuples of production hosts is an attack.
    """
    if not question.lab:
        raise LbcheckError("--measure uses up every port of a path: only in a lab (lbcheck_lab: true in the inventory)")
    cluster = question.cluster
    behind = {name: known.fill for name, known in server_fills(cluster, options).items() if known.fill}
    to_servers = list(fills.after_others_begin(list(behind.values())))
    up_to_vips = [fill for subject in subjects(cluster) for fill in fills.up_to_vips(cluster, subject, options)]
    to_vips = list(fills.after_others_begin(up_to_vips))
    frontends = [frontend for frontend in cluster.frontends if frontend.name in behind]
    before: list[Step] = []
    after: list[Step] = []
    if to_servers or to_vips:
        before += _counters(question, options, "before")
    if to_servers:
        after += _counters(question, options, "after")
    return Plan(
        (
            _stage(question, StageName.BEFORE, before),
            _stage(question, StageName.TRAFFIC, [*far_end.servers(cluster, frontends, to_servers), *to_servers]),
            _stage(question, StageName.AFTER, after),
            _stage(question, StageName.CLIENT_FILLS, [*far_end.balancers(cluster, to_vips), *to_vips]),
        )
    )


def _stage(question: Question, name: StageName, steps: Sequence[Step]) -> Stage:
    """Return a stage with the steps whose host may be used."""
    return Stage(name, tuple(step for step in steps if question.may_run(step.at)))


def _counters(question: Question, options: Options, when: When) -> Iterator[Step]:
    for balancer in question.cluster.balancers:
        if when == "before":
            yield ReadPortRange(at=balancer.name)
        for uri in balancer.stats:
            at = balancer.name if schemes.read_on_host(uri) else HERE
            ca, timeout_s = trust.ca(question, options, uri), options.timeout_s
            yield ReadCounters(at=at, balancer=balancer.name, uri=uri, when=when, timeout_s=timeout_s, ca=ca)
        no_free_port = schemes.product_at(balancer.stats).no_free_port
        if balancer.log and no_free_port:
            yield CountLogLines(
                at=balancer.name,
                server=balancer.name,
                path=balancer.log,
                token=no_free_port,
                when=when,
                timeout_s=LOG_S,
            )


def server_fills(cluster: Cluster, options: Options) -> Mapping[str, ServerFill]:
    """Return, for each frontend in mode tcp with servers, what uses up its balancers' source ports."""
    by_frontend = {}
    for frontend in cluster.frontends:
        backend = cluster.balanced(frontend)
        if backend and capacity_of(frontend).mode == "tcp":
            by_frontend[frontend.name] = fills.of_servers(cluster, frontend, backend, options)
    return by_frontend
