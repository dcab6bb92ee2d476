"""`lbcheck capacity -i INVENTORY | --model FILE.yml`: how many connections each path holds, and what one more gains."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from lbcheck import pipeline
from lbcheck.analysis.tuples.growth import GROWTHS
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.loaders import ansible_inventory, model_file
from lbcheck.model.cluster import Cluster
from lbcheck.model.plan import Options

MOST_GROWTH = 10_000  # of one thing; each is added by itself


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("-i", "--inventory", action="append", help="as Ansible's; repeatable")
    source.add_argument("--model", metavar="FILE.yml", help="what the model needs, and nothing else (docs/capacity.md)")
    parser.add_argument(
        "--grow",
        action="append",
        type=_growth,
        default=[],
        metavar="WHAT=N",
        help=f"as if there were N more; repeatable: {', '.join(GROWTHS)} (ipv6 in per cent)",
    )
    parser.add_argument(
        "--measure", action="store_true", help="in a lab: fill each hop, and hold what it holds to the prediction"
    )
    take.allow_target(parser)
    take.probe(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    growth: dict[str, int] = {}
    for pair in options.grow:
        for what, number in pair:
            growth[what] = growth.get(what, 0) + number
    if options.allow_target and not options.measure:
        raise LbcheckError("--allow-target says what --measure may fill: give that, too")
    if options.measure:
        return _measure(options, growth)
    report = pipeline.predict(_cluster(options), growth)
    output.render(options, report)
    return report.outcome.exit_status


def _cluster(options: argparse.Namespace) -> Cluster:
    if options.model:
        return model_file.load(Path(options.model))
    return ansible_inventory.load(options.inventory, capacity=True).cluster


def _measure(options: argparse.Namespace, growth: Mapping[str, int]) -> int:
    if options.model:
        raise LbcheckError("--measure needs hosts to measure from: give an inventory (-i), not a model")
    if growth:
        raise LbcheckError("--measure measures what is there; what --grow adds is not there yet (make growth adds it)")
    question = replace(ansible_inventory.load(options.inventory, capacity=True), measures_capacity=True)
    asked = Options(allow=tuple(options.allow_target), **output.asked(options, lab=question.lab))
    return output.measure(options, question, asked, checks=["capacity"], inventories=options.inventory)


def _growth(text: str) -> list[tuple[str, int]]:
    """Read `WHAT=N`, or several, separated by commas."""
    found = []
    for part in text.split(","):
        what, _, number = part.partition("=")
        if what not in GROWTHS:
            near = get_close_matches(what, GROWTHS, 1, cutoff=0.0)[0]
            raise argparse.ArgumentTypeError(f"'{what}' cannot be added; the nearest that can is '{near}'")
        try:
            found.append((what, take.count(number, 100 if what == "ipv6" else MOST_GROWTH)))
        except argparse.ArgumentTypeError as error:
            raise argparse.ArgumentTypeError(f"'{part}' is not of the form WHAT=N: {error}") from None
    return found
