"""A rehearsal, then the watch from every client at every address, with the command in parallel."""

from lbcheck.checks import pace
from lbcheck.errors import LbcheckError
from lbcheck.model.cluster import Cluster
from lbcheck.model.command import RunCommand
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.step import Step
from lbcheck.model.watch import Route, Watch

PACE_S = 0.05  # between two attempts at one address from one host, where nothing limits them
FASTEST_S = 0.01
REHEARSED = 2  # attempts at each address before the watch itself


def routes(cluster: Cluster) -> tuple[Route, ...]:
    """Return every published address of every frontend that speaks HTTP."""
    return tuple(Route(frontend.url, address) for frontend in cluster.web for address in frontend.addresses)


def plan(question: Question, options: Options) -> Plan:
    """Return a rehearsal, then the watch from every client at every address, with the command in parallel.

    LbcheckError where the rate is too low for a gap of the length in question to be seen.
    """
    allowed_s, clients = question.longest_gap_s, pace.clients(question)
    if options.watch_s <= allowed_s:
        raise LbcheckError(f"--for {options.watch_s:g} is too short to see a gap of {allowed_s:g} s (--within) end")
    watched = routes(question.cluster)
    interval_s = _interval_s(question, options, len(watched) * len(clients))
    if 2 * interval_s > allowed_s:
        enough = len(watched) * len(clients) * 4 / allowed_s
        raise LbcheckError(
            f"at this rate each address is asked every {interval_s:.2g} s, too seldom to tell {allowed_s:g} s; "
            f"--rate {enough:.0f} would do"
        )

    def watch(client: str, for_s: float, *, rehearsal: bool) -> Watch:
        return Watch(
            at=client,
            routes=watched,
            interval_s=interval_s,
            for_s=for_s,
            timeout_s=options.timeout_s,
            identify_balancer=question.identify_balancer,
            token=options.token,
            verify=options.verify,
            rehearsal=rehearsal,
        )

    whole_s = options.watch_s + (options.lead_s if options.command else 0.0)
    rehearsal = tuple(watch(client, interval_s * REHEARSED, rehearsal=True) for client in clients)
    traffic: list[Step] = [watch(client, whole_s, rehearsal=False) for client in clients]
    if options.command:
        traffic.append(RunCommand(words=options.command, after_s=options.lead_s))
    return Plan((Stage(StageName.BEFORE, rehearsal), Stage(StageName.TRAFFIC, tuple(traffic))))


def _interval_s(question: Question, options: Options, watched: int) -> float:
    rate = pace.rate(question, options)
    if not rate:
        return PACE_S
    return max(FASTEST_S, watched / rate) if options.rate is not None else max(PACE_S, watched / rate)
