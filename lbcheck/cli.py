"""The command line: from words to a command, from an error to a sentence and an exit status."""

import argparse
import errno
import importlib
import sys
import traceback
from collections.abc import Sequence
from itertools import pairwise
from typing import NoReturn

from lbcheck import __version__, streams
from lbcheck.errors import LbcheckError
from lbcheck.model.login import refuse_password
from lbcheck.probing import stopping

EXIT_STATUS = "exit status: 0 pass, 1 fail, 2 usage or unreadable input, 3 inconclusive, 4 could not measure"
COMMANDS = {  # each a file in commands/, loaded when it is called: --help does not wait for the mathematics
    "run": "every check that an inventory's topology supports",
    "topology": "what lbcheck understood of an inventory, and what it did not",
    "dns": "whether a name's addresses rotate, at each layer",
    "spread": "who answers a URL, held to what the algorithm owes",
    "capacity": "how many connections each path holds, what binds first, and what one more of each thing gains",
    "failover": "how long clients are without an answer while something fails",
    "compare": "what changed between reports, with the gain predicted and the gain measured",
    "fill": "open connections from every source and port to every endpoint, and hold them",
    "prove": "how a service goes beyond 65,535 connections, predicted and measured in namespaces of its own",
    "report": "a kept report in another format, or kept samples judged again",
    "probe": "run a stage from standard input (what a vantage calls)",
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise LbcheckError(f"{message} ({self.prog} --help says more)")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    streams.prepare()
    try:
        with stopping.listening():
            return _run(given)
    except LbcheckError as error:
        return _complain(str(error), error.exit_status, given)
    except stopping.Interrupted as signal:
        return _complain(f"interrupted by {signal}: nothing was measured that could be judged", signal.exit_status, [])
    except OSError as error:
        return _complain(_of_system(error), 2, given)
    except MemoryError:
        return _complain("there is not enough memory here for that (ulimit -v, or what the machine has)", 4, given)
    except Exception as error:  # never a traceback, unless it is asked for
        return _complain(f"internal error: {type(error).__name__}: {error}; -vv shows where", 4, given)
    finally:
        streams.give("")  # what argparse wrote may still have to go, and fail


def _run(given: Sequence[str]) -> int:
    for word in given:
        refuse_password(word)
    _refuse_empty(given)
    parser = _Parser(
        prog="lbcheck", description="Verifies how load balancers and DNS spread traffic.", epilog=EXIT_STATUS
    )
    parser.add_argument("--version", action="version", version=f"lbcheck {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", dest="command", required=True)
    for name, about in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about.capitalize() + ".", epilog=EXIT_STATUS)
        if name in given:
            module = importlib.import_module(f"lbcheck.commands.{name}")
            module.arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(given)
    if "output" in options:
        importlib.import_module("lbcheck.commands.output").check_output(options)
    status: int = options.run(options)
    return status


def _refuse_empty(given: Sequence[str]) -> None:
    """Refuse what a variable that is not set leaves, as in `--cacert "$CA"`: nobody meant the default by it."""
    for before, word in pairwise(("", *given)):
        if word == "--":  # what follows is another program's
            return
        if not word or (word.startswith("--") and word.endswith("=")):
            where = f"after {before}" if not word else f"in {word}"
            raise LbcheckError(f"there is an empty argument {where}: give a value, or leave it out")


def _of_system(error: OSError) -> str:
    """Return what the system says, of which file, and what to do where that is known."""
    if error.errno == errno.ENOENT and not error.filename:  # what it asks of no file is where it is
        return "the working directory is not there any more: change to another"
    advice = {errno.EMFILE: "; raise `ulimit -n`", errno.EAGAIN: "; raise `ulimit -u`"}.get(error.errno or 0, "")
    return f"{error.filename or 'system'}: {error.strerror or error}{advice}"


def _complain(sentence: str, status: int, given: Sequence[str]) -> int:
    if "-vv" in given:
        streams.say_lines(traceback.format_exc())
    streams.say(sentence)
    return status
