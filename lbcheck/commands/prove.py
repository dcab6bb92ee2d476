"""`lbcheck prove`: the whole tuple argument, predicted beside measured, in namespaces of its own."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from lbcheck import streams
from lbcheck.checks import prove
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.model.fill import Filled
from lbcheck.model.verdict import Outcome, Verdict
from lbcheck.pipeline import Reporting
from lbcheck.probing import namespace, proof_stand, small_cgn, stopping
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.engine import prepare
from lbcheck.wire import jsonl

FEWEST = 65_536  # one more than there are ports
CONNECTIONS = 200_000  # three times what one address has, in seconds, and in 1.4 GB
ADDRESSES = prove.CgnAddresses(small_cgn.SUBSCRIBERS, small_cgn.SUBSCRIBER_6, small_cgn.SERVICE, small_cgn.SERVICE_6)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--connections", type=_connections, default=CONNECTIONS, metavar="N", help=f"to one port ({CONNECTIONS:,})"
    )
    parser.add_argument(
        "--accept", action="store_true", help="a server that accepts them (else they wait in its queue: less memory)"
    )
    parser.add_argument(
        "--require",
        action="append",
        default=[],
        choices=[section.key for section in prove.sections(CONNECTIONS, ADDRESSES)],
        help="a section that must be shown: exit status 4 where it cannot be; repeatable",
    )
    take.output(parser)


def _connections(text: str) -> int:
    """Read a number of connections that one client address cannot hold: fewer would show nothing."""
    number = take.count(text)
    if number < FEWEST:
        raise argparse.ArgumentTypeError(f"one client address can hold {number:,} connections; give {FEWEST:,} or more")
    return number


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    whole = prove.sections(options.connections, ADDRESSES, accept=options.accept)
    reporting = Reporting()
    obstacles = _obstacles(whole)
    sections = prove.plan(whole, obstacles, options.require)
    streams.say(_what_the_largest_takes(sections))
    samples: list[Filled] = []
    about = _measure(sections, samples)
    left = iter(samples)
    verdicts = [prove.judge(section, list(islice(left, len(section.rows)))) for section in sections]
    report = reporting.report([*verdicts, replace(about, summary=about.summary + prove.remark(obstacles))])
    output.render(options, report)
    return report.outcome.exit_status


def _obstacles(sections: Sequence[prove.Section]) -> dict[str, str]:
    """Try what each section is measured with, in namespaces that go again; return what cannot be had, by section."""

    def work(say: namespace.Say) -> None:
        for section in sections:
            # Its other setups differ from the first in numbers only.
            if reason := proof_stand.obstacle(_stand(section.setups[0])):
                say(f"{section.key} {reason}")

    with namespace.inside(work) as (_, lines):
        found = (line.rstrip("\n").partition(" ") for line in lines)
        return {key: reason for key, _, reason in found}


def _stand(setup: prove.Setup) -> proof_stand.Stand:
    return proof_stand.Stand(tuple(row.fill for row in setup.rows), setup.ephemeral, setup.pool, setup.accept)


def _what_the_largest_takes(sections: Sequence[prove.Section]) -> str:
    """Say what the largest of all fills takes, and what there is."""
    setups = [setup for section in sections for setup in section.setups]
    largest = max(setups, key=lambda setup: setup.rows[0].predicted)
    prepared = prepare(largest.rows[0].fill, proof_stand.pair_bytes(accept=largest.accept))
    return needs.sentence(prepared.needs, prepared.room)


def _measure(sections: Sequence[prove.Section], samples: list[Filled]) -> Verdict:
    """Measure all, keep the samples as they come, and say where that was and whether it came to its end."""
    stands = [_stand(setup) for section in sections for setup in section.setups]
    fills = sum(len(stand.fills) for stand in stands)

    def work(say: namespace.Say) -> None:
        proof_stand.measure(stands, lambda sample: say(jsonl.line(sample)))

    try:
        with namespace.inside(work) as (kind, lines):
            for line in lines:
                samples.append(jsonl.parse(Filled, line))
                _progress(len(samples), fills)
    except stopping.Interrupted:
        return _run(Outcome.UNMEASURED, "interrupted: judged by what was seen until then")
    if len(samples) < fills:
        return _run(Outcome.UNMEASURED, "it was killed: judged by what was seen until then")
    return _run(Outcome.PASS, f"in {kind}")


def _progress(done: int, of: int) -> None:
    """Tell a person who waits how far it is; it goes again in the end."""
    streams.say_over(f"measured {done} of {of}" if done < of else "")


def _run(outcome: Outcome, sentence: str) -> Verdict:
    return Verdict("run", "the whole run", outcome, sentence)
