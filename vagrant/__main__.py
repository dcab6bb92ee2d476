"""Makes the box and tries the virtual machines: `python -m vagrant box`, `world -- COMMAND`, `trial`."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from lab.errors import LabError, usage_error
from lab.progress import phase, tell
from lab.system import need_root
from vagrant import box, trial, world

INTERRUPTED = 130  # as a shell reports Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 it failed, 2 wrong usage or input, 130 interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        need_root()
        return command(options)
    except LabError as error:
        tell(f"vagrant: {error}")
        return error.status
    except OSError as error:
        tell(f"vagrant: {error}")
        return 1
    except KeyboardInterrupt:
        tell("vagrant: interrupted")
        return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vagrant", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=command)
        return added

    add("box", _box, "make the box, unless it is there already")
    add(
        "trial",
        lambda _: trial.trial(),
        "bring machines up, converge, check, break, find it, destroy; LAB_LIMIT says which",
    )
    add("trial-inside", lambda _: trial.inside(), "the same, in a world")
    for name, command in (("world", _world), ("inside", _inside)):
        one = add(name, command, "run a command beside a libvirt daemon of its own, without a way out")
        one.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    return parser


def _box(_options: argparse.Namespace) -> int:
    with phase("box") as current:
        box.ensure(current)
    return 0


def _world(options: argparse.Namespace) -> int:
    return world.enter(_words(options))


def _inside(options: argparse.Namespace) -> int:
    return world.inside(_words(options))


def _words(options: argparse.Namespace) -> list[str]:
    words: list[str] = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not words:
        raise usage_error("no command given")
    return words


if __name__ == "__main__":
    sys.exit(main())
