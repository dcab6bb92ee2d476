"""`lbcheck failover -i INVENTORY [-- COMMAND…]`: how long clients are without an answer while something fails."""

import argparse
import shutil
from dataclasses import replace

from lbcheck import streams
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.model.plan import Options

TIMEOUT_S = 0.5  # for one attempt; from 1 s on, a SYN sent during the outage and again after it counts as answered


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    take.inventory(parser)
    parser.add_argument(
        "words", nargs="*", metavar="-- COMMAND", help="run here, once, while clients watch: what makes something fail"
    )
    parser.add_argument(
        "--for", dest="watch", type=take.seconds, metavar="SECONDS",
        help="watch for so long: after COMMAND has ended 10, without one 30",
    )  # fmt: skip
    parser.add_argument(
        "--within", type=take.seconds, default=3.0, metavar="SECONDS", help="the longest gap that is allowed (3)"
    )
    parser.add_argument(
        "--lead", type=take.seconds, default=5.0, metavar="SECONDS",
        help="watch for so long before COMMAND (5); hosts that are slow to begin need more",
    )  # fmt: skip
    take.probe(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    command = tuple(options.words)
    if command and not shutil.which(command[0]):
        raise LbcheckError(f"command '{command[0]}' does not exist here, or cannot be executed; nothing was done")
    understood = take.loaded(options)
    question = replace(understood, watches_failover=True, longest_gap_s=options.within)
    watch_s = options.watch or (10.0 if command else 30.0)
    wanted = output.asked(options, lab=question.lab) | {"timeout_s": options.timeout or TIMEOUT_S}
    asked = Options(command=command, watch_s=watch_s, lead_s=options.lead, **wanted)
    if not options.plan:
        streams.say(_announced(command, options.lead, watch_s))
    return output.measure(options, question, asked, checks=["failover"], inventories=options.inventory)


def _announced(command: tuple[str, ...], lead_s: float, watch_s: float) -> str:
    if not command:
        return f"watching for {watch_s:g} s; nothing is broken by it"
    return f"'{' '.join(command)}' runs in about {lead_s:g} s; watching until it has ended, and for {watch_s:g} s more"
