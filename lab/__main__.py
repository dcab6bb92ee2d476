"""Stands the lab up on this machine and takes it away again: `python -m lab up`, `down`, `status`, `shell HOST`."""

import signal

signal.signal(signal.SIGINT, signal.SIG_DFL)  # until main() can answer for it: no traceback from half an import

import argparse
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from lab import host, inventory
from lab.command import run_quietly, run_through
from lab.down import down
from lab.errors import LabError, usage_error
from lab.progress import summary, tell
from lab.state import Instance, current_instance, locked
from lab.system import need_root
from lab.up import ending, up

INTERRUPTED = 130  # as a shell reports Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status: 0 done, 1 it failed, 2 wrong usage or input, 130 interrupted."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _as_interrupt)
    signal.signal(signal.SIGHUP, _as_interrupt)
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except LabError as error:
        tell(f"lab: {error}")
        return error.status
    except OSError as error:
        tell(f"lab: {error}")
        return 1
    except KeyboardInterrupt:
        tell("lab: interrupted")
        return INTERRUPTED


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lab", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], help_text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=help_text, description=help_text)
        added.set_defaults(command=command)
        return added

    stand = add("up", _up, "start what is missing of the lab, take away what is too much")
    stand.add_argument("-i", "--inventory", action="append", metavar="PATH", help="default: inventory/lab; repeatable")
    stand.add_argument("--plan", action="store_true", help="name the hosts that would be taken away; change nothing")
    add("down", _down, "take the lab away, with everything that belongs to it")
    add("status", _status, "say which hosts are up")
    shell = add("shell", _shell, "run a command, or a shell, in a host")
    shell.add_argument("host")
    shell.add_argument("argv", nargs=argparse.REMAINDER, metavar="COMMAND")
    add("console", _console, "show what a host wrote to its console").add_argument("host")
    run = add("run", _run, "run a command as a phase: quietly, with the time it takes, its output shown if it fails")
    run.add_argument("--through", action="store_true", help="do not hold its output back")
    run.add_argument("label")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    add("summary", _summary, "show the times that a LAB_TIMES file has").add_argument("file", type=Path)
    return parser


def _up(options: argparse.Namespace) -> int:
    need_root()
    wiring = inventory.load(options.inventory or ["inventory/lab"])
    instance = current_instance()
    with locked(instance):
        if options.plan:
            sys.stdout.writelines(f"{name}\n" for name in ending(instance, wiring))
        else:
            up(instance, wiring)
    return 0


def _down(_options: argparse.Namespace) -> int:
    need_root()
    instance = current_instance()
    with locked(instance):
        down(instance)
    return 0


def _status(_options: argparse.Namespace) -> int:
    instance = current_instance()
    names = instance.known_hosts()
    for name in names:
        sys.stdout.write(f"{name}\t{'up' if host.running(instance, name) else 'down'}\n")
    if not names:
        tell(f"nothing of '{instance.name}' is standing")
    return 0 if names and all(host.running(instance, name) for name in names) else 1


def _running_host(name: str) -> Instance:
    instance = current_instance()
    if name not in instance.known_hosts():
        known = ", ".join(instance.known_hosts()) or "none; `make lab-up` starts the lab"
        raise usage_error(f"there is no host '{name}' in the lab '{instance.name}' (hosts: {known})")
    return instance


def _shell(options: argparse.Namespace) -> int:
    need_root()
    instance = _running_host(options.host)
    if not host.running(instance, options.host):
        raise LabError(f"host {options.host} is not running: `make lab-up` starts it")
    argv = options.argv or ["bash", "--login"]
    if sys.stdin.isatty():  # this terminal is none of the host's: a shell without one of its own has no job control
        argv = ["script", "--quiet", "--return", "--command", shlex.join(argv), "/dev/null"]
    enter = str(host.folder(instance, options.host) / "enter")
    os.execv(enter, [enter, "sh", "-c", 'cd && exec "$@"', "sh", *argv])  # noqa: S606 - no shell is wanted here


def _console(options: argparse.Namespace) -> int:
    instance = _running_host(options.host)
    sys.stdout.write(host.console(instance, options.host).read_text(encoding="utf-8", errors="replace"))
    return 0


def _run(options: argparse.Namespace) -> int:
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise usage_error("run: no command given")
    if options.through:
        return run_through(options.label, argv)
    return run_quietly(options.label, argv, current_instance())


def _summary(options: argparse.Namespace) -> int:
    sys.stdout.write(summary(options.file) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
