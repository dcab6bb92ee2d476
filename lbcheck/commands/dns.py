"""`lbcheck dns NAME`: whether its addresses rotate, at each layer."""

import argparse

from lbcheck.commands import arguments as take
from lbcheck.commands import output
from lbcheck.loaders.command_line import of_name
from lbcheck.model.address import is_loopback
from lbcheck.model.dns_queries import RecordType
from lbcheck.model.plan import Options
from lbcheck.model.step import TIMEOUT_S
from lbcheck.model.url import refuse_no_name

TYPES: dict[str, tuple[RecordType, ...]] = {"A": ("A",), "AAAA": ("AAAA",), "both": ("A", "AAAA")}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--server", action="append", default=[], metavar="ADDR[:PORT]", help="ask this one; repeatable")
    parser.add_argument("--type", choices=TYPES, default="both")
    parser.add_argument("--queries", type=take.count, metavar="N", help="to each server, for each type")
    take.probe(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    refuse_no_name(options.name)
    servers = tuple(take.endpoint("--server", server, 53) for server in options.server)
    local = bool(servers) and all(is_loopback(server.address) for server in servers)
    named = {} if servers or options.plan else _authoritative(options)
    question = of_name(options.name, servers=named, lab=local)
    asked = Options(
        queries=options.queries,
        servers=servers,
        types=TYPES[options.type],
        **output.asked(options, lab=False, loopback=local),
    )
    return output.measure(options, question, asked, checks=["dns"])


def _authoritative(options: argparse.Namespace) -> dict[str, tuple[str, ...]]:
    """Return the name's authoritative servers, and their addresses."""
    from lbcheck.probing.dns.delegation import authoritative_for  # noqa: PLC0415 (a plan needs no DNS library)

    return authoritative_for(options.name, options.timeout or TIMEOUT_S)
