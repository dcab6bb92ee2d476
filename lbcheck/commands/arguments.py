"""What several commands take on the command line, and how it is read."""

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager

from lbcheck.errors import LbcheckError
from lbcheck.loaders import ansible_inventory, authorities
from lbcheck.model.address import Endpoint, parsed
from lbcheck.model.asked import LEAST_FAULT, MOST_SERVERS, STATUS
from lbcheck.model.question import Question
from lbcheck.model.step import SILENCE_S
from lbcheck.reporters import FORMATS
from lbcheck.wire.http.identifier import Identifier

MOST_COUNTED = 100_000_000  # requests, or whatever else is counted: hours at full speed
_COUNT = re.compile("[0-9]{1,12}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


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
        "--rate", type=rate, metavar="R", help="a second, over all hosts; 0: no limit (labs); 500 on loopback, else 50"
    )
    parser.add_argument("--timeout", type=seconds, metavar="S", help="for one operation (5; in labs and on loopback 2)")
    parser.add_argument("--plan", action="store_true", help="print what would be sent, send nothing")


def allow_target(parser: argparse.ArgumentParser) -> None:
    """Take the networks that may be filled."""
    parser.add_argument(
        "--allow-target",
        action="append",
        default=[],
        metavar="CIDR",
        help="fill addresses in it, too, besides loopback and the lab's ranges; repeatable",
    )


def requests(parser: argparse.ArgumentParser) -> None:
    """Take what every command that counts answers takes."""
    parser.add_argument("--requests", type=count, metavar="N", help="in all (as many as settle the question)")
    parser.add_argument(
        "--within", type=seconds, default=SILENCE_S, metavar="S",
        help=f"give up after so many seconds of failures and silence, in all ({SILENCE_S:g})",
    )  # fmt: skip
    parser.add_argument("--cacert", metavar="FILE", help="trust these authorities (PEM) beside the system's")


def trusted(options: argparse.Namespace) -> str:
    """Return the certificates of the authorities that the user trusts, in PEM."""
    return authorities.read(options.cacert, said_by="--cacert") if options.cacert else ""


def tells(said_by: str, text: str) -> str:
    """Return how answers name who gave them; refuse what is no way to tell that, with what may have been meant."""
    try:
        Identifier.parse(text)
    except LbcheckError as error:
        if ":" in text:
            raise LbcheckError(f"{said_by}: {error}") from None
        raise LbcheckError(f"{said_by}: '{text}' is no way to tell servers apart; try header:{text}") from None
    return text


def loaded(options: argparse.Namespace) -> Question:
    """Return the question of the inventories; refuse a way to tell servers apart that is none."""
    question = ansible_inventory.load(options.inventory, options.limit)
    tells("lbcheck_identify", question.identify)
    tells("lbcheck_identify_balancer", question.identify_balancer)
    return question


def count(text: str, most: int = MOST_COUNTED) -> int:
    """Read a number of 1 or more."""
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to {most:,}")
    return int(text)


def endpoint(said_by: str, text: str, default_port: int) -> Endpoint:
    """Read `ADDR[:PORT]`, IPv6 in brackets, where something can listen; a port of 0 is none."""
    with named(said_by):
        found = Endpoint.parse(text, default_port)
    if not found.port:
        raise LbcheckError(f"{said_by} {text} has no port to connect to; write ADDR:PORT, IPv6 in brackets")
    return found


def address(said_by: str, text: str) -> str:
    """Read an IP address."""
    with named(said_by):
        parsed(text)
    return text


@contextmanager
def named(said_by: str) -> Iterator[None]:
    """Say of a sentence where on the command line it belongs."""
    try:
        yield
    except LbcheckError as error:
        raise LbcheckError(f"{said_by}: {error}") from None


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
    if not all(name and weight.isascii() and weight.isdecimal() for name, _, weight in pairs):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form s1=1,s2=2")
    if len({name for name, _, _ in pairs}) < len(pairs):
        raise argparse.ArgumentTypeError(f"'{text}' gives a server two weights")
    return {name: int(weight) for name, _, weight in pairs}


def percent(text: str) -> float:
    """Read `50%` or `50`, above 0 and below 100; return it as a share."""
    number = _number(text.removesuffix("%"))
    if not 0 < number < 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a percentage above 0 and below 100")
    return number / 100


def fault(text: str) -> float:
    """Read by how much a weight is off that must be found, as a percentage of 1 or more; return it as a share."""
    share = percent(text)
    if share < LEAST_FAULT:
        raise argparse.ArgumentTypeError(f"'{text}' is below 1%, which takes millions of requests to see")
    return share


def statuses(text: str) -> tuple[str, ...]:
    """Read `2xx,301`: classes of HTTP statuses, and statuses."""
    found = tuple(part.strip().lower() for part in text.split(","))
    if not all(STATUS.fullmatch(part) for part in found):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form 2xx,301")
    return found


def names(text: str) -> dict[str, str]:
    """Read `alpha=web-1,beta=web-2`."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(name and other for name, _, other in pairs):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form NAME=OTHER,…")
    return {name: other for name, _, other in pairs}


def servers(text: str) -> int | tuple[str, ...]:
    """Read `4`, how many servers there are, or `web1,web2`, which."""
    if _NUMBER.fullmatch(text):  # a name would not look so: somebody gave a number that is none
        return count(text, MOST_SERVERS)
    found = tuple(part.strip() for part in text.split(","))
    if not all(found) or len(set(found)) < len(found):
        raise argparse.ArgumentTypeError(f"'{text}' is neither a number nor a list of different names")
    return found


def _number(text: str) -> float:
    return float(text) if _NUMBER.fullmatch(text) else -1.0  # float takes `1_0`, ` 5 ` and `١٢`, too
