"""`lbcheck report FILE`: a kept report in another format, or kept samples judged again."""

import argparse
from pathlib import Path

from lbcheck import streams
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.pipeline import reread


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", metavar="FILE.json|FILE.jsonl", help="a report, or samples to judge again")
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    report = reread(Path(options.file), streams.say)
    output.render(options, report)
    return report.outcome.exit_status
