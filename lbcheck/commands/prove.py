"""`lbcheck prove`: the whole tuple argument, predicted beside measured, in namespaces of its own."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice

from lbcheck import __version__
from lbcheck.analysis import argument
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.model.fill import Filled
from lbcheck.model.verdict import Outcome, Report, Verdict
from lbcheck.probing import namespace, small_cgn, stage
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.engine import prepare
from lbcheck.wire import jsonl

CONNECTIONS = 200_000  # three times what one address has, in seconds, and in 1.4 GB


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument(
        "--connections", type=take.count, default=CONNECTIONS, metavar="N", help=f"to one port ({CONNECTIONS:,})"
    )
    parser.add_argument(
        "--accept", action="store_true", help="a server that accepts them (else they wait in its queue: less memory)"
    )
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    addresses = argument.CgnAddresses(
        small_cgn.SUBSCRIBERS, small_cgn.SUBSCRIBER_6, small_cgn.SERVICE, small_cgn.SERVICE_6
    )
    sections = argument.sections(options.connections, addresses, accept=options.accept)
    started, clock = datetime.now(UTC), time.monotonic()
    sys.stderr.write(f"lbcheck: {_needed(sections)}\n")
    samples: list[Filled] = []
    about = _measure(sections, samples)
    left = iter(samples)
    verdicts = [argument.judge(section, list(islice(left, len(section.rows)))) for section in sections]
    moment = started.isoformat(timespec="seconds").replace("+00:00", "Z")
    report = Report(moment, round(time.monotonic() - clock, 3), __version__, (*verdicts, about))
    output.render(options, report)
    return report.outcome.exit_status


def _needed(sections: Sequence[argument.Section]) -> str:
    """Say what the largest of all fills takes, and what there is."""
    largest = max(
        (scene for section in sections for scene in section.scenes), key=lambda scene: scene.rows[0].predicted
    )
    prepared = prepare(largest.rows[0].fill, stage.pair_bytes(accept=largest.accept))
    return needs.sentence(prepared.needs, prepared.room)


def _measure(sections: Sequence[argument.Section], samples: list[Filled]) -> Verdict:
    """Measure all, keep the samples as they come, and say where that was and whether it came to its end."""
    plays = [
        stage.Play(tuple(row.fill for row in scene.rows), scene.ephemeral, scene.pool, scene.accept)
        for section in sections
        for scene in section.scenes
    ]

    def work(say: namespace.Say) -> None:
        stage.perform(plays, lambda sample: say(jsonl.line(sample)))

    try:
        with namespace.inside(work) as (kind, lines):
            for line in lines:
                samples.append(jsonl.parse(Filled, line))
                _progress(len(samples), sum(len(play.fills) for play in plays))
    except KeyboardInterrupt:
        return _run(Outcome.UNMEASURED, "interrupted: judged by what was seen until then")
    if len(samples) < sum(len(play.fills) for play in plays):
        return _run(Outcome.UNMEASURED, "it was killed: judged by what was seen until then")
    return _run(Outcome.PASS, f"in {kind}")


def _progress(done: int, of: int) -> None:
    """Tell a person who waits how far it is; it goes again in the end."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\rlbcheck: measured {done} of {of}" if done < of else f"\r{'':<40}\r")
        sys.stderr.flush()


def _run(outcome: Outcome, sentence: str) -> Verdict:
    return Verdict("run", "the whole run", outcome, sentence)
