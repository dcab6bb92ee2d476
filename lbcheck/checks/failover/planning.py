"""The plan: a rehearsal, then every client watches every address while the command runs."""

from dataclasses import replace

from lbcheck.checks import pace
from lbcheck.errors import LbcheckError
from lbcheck.model.cluster import Cluster
from lbcheck.model.command import RunCommand
from lbcheck.model.plan import Options, Plan, Stage, StageName
from lbcheck.model.question import Question
from lbcheck.model.step import Step
from lbcheck.model.watch import Route, Watch

PACE_S = 0.05  # between two attempts of one host at one address, if nothing limits the rate
FASTEST_S = 0.01  # the same, if the user sets a rate
REHEARSED = 2  # attempts at each address before the watch itself


def routes(cluster: Cluster) -> tuple[Route, ...]:
    """Return a route for each published address of each frontend that speaks HTTP."""
    return tuple(Route(frontend.url, address) for frontend in cluster.web for address in frontend.addresses)


def plan(question: Question, options: Options) -> Plan:
    """Return two stages: a rehearsal, then every client watches every address while the command runs.

    LbcheckError if the watch is too short, or the rate too low, to recognise a gap longer than the allowed one.
    """
    allowed_s = question.longest_gap_s
    if options.watch_s <= allowed_s:
        raise LbcheckError(f"--for {options.watch_s:g} is too short to see a gap of {allowed_s:g} s (--within) end")
    clients = question.senders
    pairs = len(routes(question.cluster)) * len(clients)
    interval_s = _interval_s(question, options, pairs)
    if 2 * interval_s > allowed_s:
        enough = pairs * 4 / allowed_s
        raise LbcheckError(
            f"at this rate each address is asked every {interval_s:.2g} s, too seldom to tell {allowed_s:g} s; "
            f"--rate {enough:.0f} would do"
        )
    watch = _watch(question, options, interval_s)
    rehearsal = replace(watch, for_s=interval_s * REHEARSED, rehearsal=True, until_told=False)
    traffic: list[Step] = [replace(watch, at=client) for client in clients]
    if options.command:
        traffic.append(RunCommand(words=options.command, after_s=options.lead_s, then_s=options.watch_s))
    return Plan(
        (
            Stage(StageName.BEFORE, tuple(replace(rehearsal, at=client) for client in clients)),
            Stage(StageName.TRAFFIC, tuple(traffic)),
        )
    )


def _watch(question: Question, options: Options, interval_s: float) -> Watch:
    """Return the watch of one client; with a command, it begins a lead before it, and ends after it has ended."""
    lead_s = options.lead_s if options.command else 0.0
    return Watch(
        routes=routes(question.cluster),
        interval_s=interval_s,
        for_s=options.watch_s + lead_s,
        until_told=bool(options.command),
        timeout_s=options.timeout_s,
        identify_balancer=question.identify_balancer,
        token=options.token,
        verify=options.verify,
        ca=question.ca + options.ca,
    )


def _interval_s(question: Question, options: Options, pairs: int) -> float:
    """Return the seconds between two attempts of one client at one address.

    `pairs`: number of pairs of a client and an address, which share the rate.
    """
    rate = pace.rate(question, options)
    if not rate:
        return PACE_S
    fastest_s = PACE_S if options.rate is None else FASTEST_S
    return max(fastest_s, pairs / rate)
