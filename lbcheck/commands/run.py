"""`lbcheck run -i INVENTORY`: every check that the inventory supports."""

import argparse
from collections.abc import Iterator, Sequence

from lbcheck import pipeline, streams
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.model.plan import Options
from lbcheck.model.question import Question


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    take.inventory(parser)
    parser.add_argument("--check", action="append", default=[], metavar="NAME", help="only this check; repeatable")
    take.requests(parser)
    parser.add_argument("--queries", type=take.count, metavar="N", help="a name, type and server")
    take.probe(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    question = take.loaded(options)
    for note in question.cluster.notes if options.verbose else ():
        streams.say(note)
    asked = Options(
        requests=options.requests,
        queries=options.queries,
        silence_s=options.within,
        ca=take.trusted(options),
        **output.asked(options, lab=question.lab),
    )
    if not options.plan:
        streams.say(f"not checked: {', '.join(_not_checked(question, options.check))}")
    return output.measure(options, question, asked, checks=options.check, inventories=options.inventory)


def _not_checked(question: Question, names: Sequence[str]) -> Iterator[str]:
    """Give what a pass of these checks says nothing of: frontends that cannot be asked, and other checks."""
    used = {check.NAME for check in pipeline.chosen(question, names)}
    if "spread" in used:
        unasked = (frontend for frontend in question.cluster.frontends if not frontend.speaks_http)
        yield from (f"frontend {frontend.name} (no HTTP)" for frontend in unasked)
    yield from (name for name in pipeline.CHECKS if name not in used)
