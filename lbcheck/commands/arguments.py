"""What several commands take on the command line, and how it is read."""

import argparse

from lbcheck.reporters import FORMATS


def inventory(parser: argparse.ArgumentParser) -> None:
    """Take inventories and a limit."""
    parser.add_argument("-i", "--inventory", action="append", required=True, help="as Ansible's; repeatable")
    parser.add_argument("--limit", default="", metavar="HOSTS", help="an Ansible pattern: the hosts where probes run")


def output(parser: argparse.ArgumentParser) -> None:
    """Take a format and where to write."""
    parser.add_argument("--format", choices=tuple(FORMATS), default="text")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the result there")
    parser.add_argument("-v", "--verbose", action="count", default=0, help="more words; -vv shows tracebacks")
    parser.add_argument("--no-color", action="store_true")


def probe(parser: argparse.ArgumentParser) -> None:
    """Take what every command that sends something takes."""
    output(parser)
    parser.add_argument("--samples", metavar="FILE", help="keep the raw samples there, as JSON Lines")
    parser.add_argument(
        "--rate", type=rate, metavar="R", help="a second, over all hosts; 0: no limit (labs, loopback); else 50"
    )
    parser.add_argument("--timeout", type=seconds, metavar="S", help="for one operation (5; in labs and on loopback 2)")
    parser.add_argument("--plan", action="store_true", help="print what would be sent, send nothing")


def count(text: str) -> int:
    """Read a number of 1 or more."""
    if not text.isdecimal() or not 1 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of 1 or more")
    return int(text)


def rate(text: str) -> float:
    """Read a number a second; 0 is no limit."""
    number = _number(text)
    if not 0 <= number < 1e9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a rate; write a number a second, 0 for no limit")
    return number


def seconds(text: str) -> float:
    """Read a time of up to an hour."""
    number = _number(text)
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError(f"'{text}' is not a time; write seconds, above 0 and up to 3600")
    return number


def weights(text: str) -> dict[str, int]:
    """Read `s1=1,s2=2`."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and weight.isdecimal() for name, _, weight in pairs):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form s1=1,s2=2")
    return {name: int(weight) for name, _, weight in pairs}


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0
