"""How Ansible's programs are called: the loader and the vantage do it alike."""

import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from lbcheck.errors import LbcheckError

# What makes ansible-playbook write each result as a line of JSON (vantage/callback).
EVENTS = {
    "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "vantage" / "callback"),
    "ANSIBLE_STDOUT_CALLBACK": "lbcheck_events",
    "ANSIBLE_RETRY_FILES_ENABLED": "false",
}

# What we read of Ansible's programs is what they are for: no colours, and nothing between that somebody asked them for.
_OUTPUT = {
    "ANSIBLE_LOCALHOST_WARNING": "false",
    "ANSIBLE_NOCOLOR": "true",
    "ANSIBLE_DEBUG": "false",
    "ANSIBLE_VERBOSITY": "0",
}


def command(name: str, inventories: Sequence[str], *arguments: str) -> list[str]:
    """Return a command line of one of Ansible's programs; the one beside this Python first (a virtual environment)."""
    beside = Path(sys.executable).with_name(name)
    words = [str(beside) if beside.exists() else name, *arguments]
    for inventory in inventories:
        words += ["-i", inventory]
    return words


def environment(inventories: Sequence[str], **more: str) -> dict[str, str]:
    """Return the environment for it: an ansible.cfg above the first inventory holds where none else is chosen."""
    found = dict(os.environ)
    if "ANSIBLE_CONFIG" not in found and not Path("ansible.cfg").exists() and inventories:
        above = (folder / "ansible.cfg" for folder in Path(inventories[0]).resolve().parents)
        config = next((path for path in above if path.exists()), None)
        found |= {"ANSIBLE_CONFIG": str(config)} if config else {}
    return found | _OUTPUT | more


def run(command: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run one of Ansible's programs to its end; if we are interrupted, have it clear up after itself."""
    with subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="surrogateescape",
    ) as process:
        try:
            output, errors = process.communicate()
        except BaseException:
            _end(process)
            raise
        finally:
            if (process.poll() or 0) < 0:
                _tidy(process.pid, environment)
    return subprocess.CompletedProcess(command, process.returncode, output, errors)


def _end(process: "subprocess.Popen[str]") -> None:
    """Wait a little, for Ctrl-C has reached it, too, and a second one breaks its clearing up off; then press it.

    An inventory's program is ended with it: Ansible would wait for that without end, and leave it behind when killed.
    """
    with _programs_of(process.pid) as programs:
        for number, seconds in ((0, 0.3), (signal.SIGINT, 1.4), (signal.SIGKILL, None)):  # all is to end within 2 s
            if number:
                _tell(programs, signal.SIGTERM)
            process.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(seconds)
                return


def _tidy(pid: int, environment: Mapping[str, str]) -> None:
    """Remove the folder of one that was killed: its name is Ansible's, its number, and eight letters by chance."""
    with suppress(RuntimeError, OSError):  # nobody's home, or no folder to look into
        folder = Path(environment.get("ANSIBLE_LOCAL_TEMP", "~/.ansible/tmp")).expanduser()
        for left in folder.glob(f"ansible-local-{pid}????????"):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _programs_of(pid: int) -> Iterator[Sequence[int]]:
    """Give descriptors of the processes under one; after the block none of them runs any longer."""
    with ExitStack() as stack:
        programs = []
        for below in _below(pid):
            with suppress(OSError):  # it has ended, or the kernel has no such descriptors
                programs.append(os.pidfd_open(below))
                stack.callback(os.close, programs[-1])
        try:
            yield programs
        finally:
            _tell(programs, signal.SIGTERM)
            for program in programs:
                select.select([program], [], [], 0.2 / len(programs))  # until it has cleared up
            _tell(programs, signal.SIGKILL)


def _below(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for child in map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()):
            yield child
            yield from _below(child)


def _tell(programs: Sequence[int], number: signal.Signals) -> None:
    for program in programs:
        with suppress(ProcessLookupError, PermissionError):
            signal.pidfd_send_signal(program, number)


def not_installed(name: str) -> LbcheckError:
    """Return the error for a program that is not there."""
    return LbcheckError(f"{name} is not installed; `pip install ansible-core` brings it")


def last_words_of(done: "subprocess.CompletedProcess[str]") -> str:
    """Return what matters of what a program said before it ended, or what ended it."""
    if done.returncode < 0 and not done.stderr.strip():
        return f"it was ended by {signal.Signals(-done.returncode).name}"
    return last_words(done.stderr)


def last_words(diagnostics: str) -> str:
    """Return what matters of Ansible's diagnostics: its last errors, on one line."""
    lines = [line.strip() for line in diagnostics.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line or "rror:" in line] or lines
    return " ".join(errors[-2:])[:500] or "it ended without a word"
