"""`lbcheck fill ADDR:PORT…`: open connections and hold them, until the plan is full or somebody says no."""

import argparse

from lbcheck import streams
from lbcheck.checks import fill as check
from lbcheck.checks.pace import GENTLE_RATE
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.model.address import PortRange, family, is_loopback
from lbcheck.model.fill import Fill, harmless, network
from lbcheck.model.opening import BindingMode
from lbcheck.model.plan import default_timeout_s
from lbcheck.pipeline import Reporting
from lbcheck.probing import sock_diag, stopping
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.engine import Prepared, fill, prepare, reserved_ports


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("endpoint", nargs="+", metavar="ADDR:PORT", help="IPv6 in brackets")
    parser.add_argument("--source", action="append", default=[], metavar="ADDR", help="bind to it; repeatable")
    parser.add_argument("--ports", metavar="LO-HI", help="source ports, of the explicit modes (the ephemeral range)")
    parser.add_argument("--limit", type=take.count, metavar="N", help="at most so many connections")
    parser.add_argument("--hold", type=take.seconds, default=0.0, metavar="SECONDS", help="count again after so long")
    parser.add_argument(
        "--bind",
        choices=[str(mode) for mode in BindingMode],
        default="explicit",
        help="how ports are chosen (explicit)",
    )
    take.allow_target(parser)
    parser.add_argument(
        "--rate", type=take.rate, metavar="R", help="connections a second; 0: no limit (labs, loopback); else 50"
    )
    parser.add_argument(
        "--timeout", type=take.seconds, metavar="S", help="when silence counts as a no (5; on loopback 2)"
    )
    parser.add_argument(
        "--plan", action="store_true", help="print what would be opened and what it takes, open nothing"
    )
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    step = _fill_of(options)
    prepared = prepare(step)
    predicted, about = _predicted(prepared)
    if options.plan:
        first = f"open {prepared.attempts:,} connections, {predicted:,} of which this machine has tuples for"
        formats = {"text": lambda _: "\n".join([first, *about, ""]), "json": output.document}
        output.write(options, output.rendered(step, options.format, formats))
        return 0
    for line in about:
        streams.say(line)
    prepared.check()
    reporting = Reporting()
    with stopping.asking() as stopped:
        filled = fill(step, stopped)
    report = reporting.report([check.judge(step, filled, predicted)])
    output.render(options, report)
    return report.outcome.exit_status


def _fill_of(options: argparse.Namespace) -> Fill:
    endpoints = tuple(dict.fromkeys(take.endpoint("endpoint", text, 0) for text in options.endpoint))
    for text in (*(endpoint.address for endpoint in endpoints), *options.source):
        if "%" in text:
            raise LbcheckError(f"'{text}' names an interface, where fill cannot count: give an address that needs none")
    near = all(is_loopback(endpoint.address) for endpoint in endpoints)
    gentle = not all(harmless(endpoint.address) for endpoint in endpoints)
    with take.named("--ports"):
        ports = PortRange.parse(options.ports) if options.ports else None
    with take.named("--allow-target"):
        for text in options.allow_target:
            network(text)
    return Fill(
        endpoints=endpoints,
        sources=tuple(dict.fromkeys(take.address("--source", text) for text in options.source)),
        ports=ports,
        binding=BindingMode(options.bind),
        limit=options.limit,
        hold_s=options.hold,
        rate=options.rate if options.rate is not None else GENTLE_RATE if gentle else 0.0,
        timeout_s=options.timeout or default_timeout_s(near=near),
        allow=tuple(options.allow_target),
    )


def _predicted(prepared: Prepared) -> tuple[int, list[str]]:
    """Return how many connections this machine has tuples for, and sentences about what that takes."""
    step = prepared.step
    ground = check.Ground(
        ephemeral=prepared.ephemeral,
        reserved=reserved_ports(),
        listening=frozenset().union(*(sock_diag.listeners(v) for v in {family(e.address) for e in step.endpoints})),
        routed=tuple(prepared.routed.values()),
    )
    about = [needs.sentence(prepared.needs, prepared.room)]
    if taken := check.taken(step, ground):
        named = ", ".join(map(str, taken[:5])) + (f" and {len(taken) - 5} more" if taken[5:] else "")
        about.append(f"source port {named}: somebody listens there on this machine, so it is not counted on")
    return check.predict(step, ground), about
