"""`lbcheck topology -i INVENTORY`: what lbcheck understood, and what it did not.

With --converge: whether the playbooks can converge it, and all that stands in the way.
"""

import argparse

from lbcheck import streams
from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.errors import LbcheckError
from lbcheck.loaders.ansible_inventory import load, written
from lbcheck.loaders.convergence import complaints
from lbcheck.reporters import topology as as_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    take.inventory(parser)
    parser.add_argument(
        "--converge", action="store_true", help="refuse, with every reason, what the playbooks cannot converge"
    )
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    found = complaints(written(options.inventory), ", ".join(options.inventory)) if options.converge else ()
    for complaint in found:
        streams.say(complaint)
    if found:
        return LbcheckError.exit_status
    topology = load(options.inventory, options.limit).topology
    formats = {"text": as_text.render, "json": output.document}
    output.write(options, output.rendered(topology, options.format, formats))
    return 0
