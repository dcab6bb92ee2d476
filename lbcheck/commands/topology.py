"""`lbcheck topology -i INVENTORY`: what lbcheck understood, and what it did not."""

import argparse

from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.loaders.ansible_inventory import load
from lbcheck.reporters import topology as as_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    take.inventory(parser)
    take.output(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    topology = load(options.inventory, options.limit).topology
    formats = {"text": as_text.render, "json": output.document}
    output.write(options, output.rendered(topology, options.format, formats))
    return 0
