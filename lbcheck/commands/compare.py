"""`lbcheck compare BEFORE.json AFTER.json…`: what changed, with the gain predicted and the gain measured."""

import argparse
from pathlib import Path

from lbcheck import streams
from lbcheck.checks.compare import compare
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.pipeline import Reporting, reread


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", nargs="+", metavar="REPORT", help="reports or samples, in order; two or more")
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    if len(options.file) < 2:
        raise LbcheckError("compare needs two reports or more: BEFORE.json AFTER.json")
    reporting = Reporting()
    verdicts = compare([(Path(name).stem, reread(Path(name), streams.say)) for name in options.file])
    report = reporting.report(verdicts)
    output.render(options, report)
    return report.outcome.exit_status
