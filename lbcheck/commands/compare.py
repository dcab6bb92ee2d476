"""`lbcheck compare BEFORE.json AFTER.json…`: what changed, with the gain predicted and the gain measured."""

import argparse
import time
from datetime import UTC, datetime
from pathlib import Path

from lbcheck import __version__
from lbcheck.analysis.comparing import compare
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.model.verdict import Report
from lbcheck.run import reread


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", nargs="+", metavar="REPORT", help="reports or samples, in order; two or more")
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    if len(options.file) < 2:
        raise LbcheckError("compare needs two reports or more: BEFORE.json AFTER.json")
    started, clock = datetime.now(UTC), time.monotonic()
    verdicts = compare([(Path(name).stem, reread(Path(name))) for name in options.file])
    moment = started.isoformat(timespec="seconds").replace("+00:00", "Z")
    report = Report(moment, round(time.monotonic() - clock, 3), __version__, tuple(verdicts))
    output.render(options, report)
    return report.outcome.exit_status
