"""Who runs Ansible for us and sees to its end: a process of its own, so that nothing stays whatever becomes of us.

It plays one playbook and passes on its events. When we say so, it has hosts stop what they do and tidied, by one more
play, while the first one brings what they have seen. When we are gone, even by SIGKILL, it ends the first one and
tidies. What is still untidied at the end it tidies, and says where that failed.
"""

import ctypes
import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lbcheck import ansible_cli
from lbcheck.errors import MeasurementError
from lbcheck.probing import child
from lbcheck.probing.stopping import ENDINGS, Interrupted, Stopped

Event = dict[str, Any]  # as the callback writes it

LOOK_S = 0.1  # how often to ask whether to stop
STOP_S = 2.0  # for hosts to report what they have, once they were told to stop
END_S = 1.5  # for Ansible to end after a signal; it takes well below one
TIDY_S = 60.0  # for hosts to be tidied: several timeouts of ssh
ALONE_S = 8.0  # the same once we are gone: within 10 s nothing runs here
# The tasks that put something on a host, have it stop there, and take it away.
CARRY, STOP, TIDY = "carry", "stop", "tidy"
ITSELF = "itself"  # the play and the task that add this machine; nothing has begun by it
STAGE = "stage "  # and a number: a task that runs steps
HERE = "here"  # the folder without which steps on this machine do not go on
_TOLD = b"s"
_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER (linux/prctl.h)


@dataclass(frozen=True)
class Work:
    """What to play, and how to tidy after it."""

    folder: Path  # ours, on this machine; it goes with the keeper
    plays: Sequence[Mapping[str, Any]]
    inventories: Sequence[str]
    environment: Mapping[str, str]
    mark: str  # begins each line that the callback writes; others are Ansible's, and may repeat what a host said
    hosts: Sequence[str]  # where something lies in the end that is ours
    tidy: Callable[[Sequence[str], Path], Sequence[Mapping[str, Any]]]  # hosts, a file that says: all else is over


def events(work: Work, stop: Stopped) -> Generator[Event, None, None]:
    """Play, and yield every event as it comes; once `stop` says so, what hosts have seen until then, and no more."""
    keeper = child.fork(lambda channel: _keep(work, channel))
    try:
        for line in _lines(keeper.channel, stop):
            yield _checked(json.loads(line))
    except Interrupted:  # who insists does not wait: the keeper sees to the rest alone
        keeper.dismiss()
        raise
    except BaseException:
        keeper.dismiss()
        keeper.bury()
        raise
    keeper.dismiss()
    keeper.bury()


def _lines(channel: socket.socket, stop: Stopped) -> Iterator[bytes]:
    """Yield what the keeper says until it is gone; tell it to stop when that is asked for."""
    told, text = False, b""
    channel.settimeout(LOOK_S)
    while True:
        if not told and stop():
            told = True
            with suppress(OSError):
                channel.send(_TOLD)
        try:
            part = channel.recv(1 << 16)
        except TimeoutError:
            continue
        except ConnectionError:
            return
        if not part:
            return
        *lines, text = (text + part).split(b"\n")
        yield from lines


def _checked(event: Event) -> Event:
    if "error" in event:
        raise MeasurementError(event["error"])
    return event


# --- in the keeper's process ---


def _keep(work: Work, channel: socket.socket) -> None:
    os.setsid()  # out of reach of what is sent to our process group
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # who waits for the end of our output must not wait for the keeper
        os.dup2(nowhere, stream)
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)  # orphans of Ansible's come to us, and not to init
    for number in ENDINGS:
        signal.signal(number, lambda *_: None)  # not ignored: whatever is started would inherit that
    try:
        _Keeper(work, channel).run()
    except FileNotFoundError:
        child.say(channel, {"error": str(ansible_cli.not_installed("ansible-playbook"))})
    finally:
        shutil.rmtree(work.folder, ignore_errors=True)


class _Playing:
    """A playbook that is being played."""

    def __init__(self, work: Work, plays: Sequence[Mapping[str, Any]], name: str) -> None:
        playbook, self._diagnostics = work.folder / f"{name}.json", work.folder / f"{name}.txt"
        work.folder.mkdir(exist_ok=True)  # somebody may have cleared up /tmp: hosts are tidied all the same
        playbook.write_text(json.dumps(plays))
        command = ansible_cli.command("ansible-playbook", work.inventories, str(playbook))
        with self._diagnostics.open("w") as diagnostics:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=diagnostics, env=work.environment, start_new_session=True
            )
        self.play = ""  # that runs now
        self.over = False  # it says no more
        self._mark, self._text = work.mark.encode(), b""

    @property
    def fd(self) -> int:
        """Where it says what happens."""
        assert self._process.stdout  # noqa: S101 (a pipe, see above)
        return self._process.stdout.fileno()

    def read(self) -> Iterator[Event]:
        """Yield the events that have come."""
        part = os.read(self.fd, 1 << 16)
        self.over = not part
        *lines, self._text = (self._text + part).split(b"\n")
        for line in lines:
            if line.startswith(self._mark):
                event: Event = json.loads(line.removeprefix(self._mark))
                if event.get("play", ITSELF) != ITSELF:
                    self.play = event["play"]
                yield event

    def failure(self) -> str:
        """Return why it was not played; empty where it was, whatever came of it."""
        if self._process.wait() in (0, 2, 4):  # 2, 4: a host failed, or cannot be reached
            return ""
        said = self._diagnostics.read_text(encoding="utf-8", errors="replace")
        return f"ansible-playbook failed: {ansible_cli.last_words(said)}"

    def end(self) -> None:
        """End it as Ctrl-C would: Ansible's modules then clear up after themselves."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(timeout=END_S)


class _Keeper:
    """Plays, listens to us, and tidies."""

    def __init__(self, work: Work, channel: socket.socket) -> None:
        self._work, self._channel = work, channel
        self._over = work.folder / "over"
        self._untidied = dict.fromkeys(work.hosts)  # in order
        self._told_in: str | None = None  # the play that ran when we were told to stop
        self._alone = False  # nobody is there any more
        self._by = float("inf")  # when the tidying must have ended
        self._stopping: set[str] = set()  # hosts that are to stop
        self._stopped: set[str] = set()  # those that have heard it, or cannot
        self._selector = selectors.DefaultSelector()
        self._selector.register(channel, selectors.EVENT_READ)

    def run(self) -> None:
        """Do it all."""
        main = self._start(self._work.plays, "probe")
        tidying = self._follow(main)
        broken_off = not main.over
        if broken_off:
            self._break_off(main)
        elif failure := main.failure():
            self._say({"error": failure})
        if not main.play:
            self._untidied.clear()  # it had not begun
        self._over.touch()
        self._finish(tidying)
        if broken_off:
            _end_orphans()

    def _follow(self, main: _Playing) -> _Playing | None:
        """Pass on what is played, to its end or ours; once we are told to stop, return the play that has hosts stop."""
        tidying, enough = None, float("inf")
        while not main.over and not self._alone and time.monotonic() < min(enough, self._by):
            self._listen(main)
            if self._told_in is None or (main.play == TIDY and not tidying):
                continue
            if main.play != self._told_in or not main.play.startswith(STAGE):
                break  # every host has said what it had
            tidying = tidying or self._tidy()
            if enough == float("inf") and self._stopping <= self._stopped:
                enough = time.monotonic() + STOP_S
        return tidying

    def _break_off(self, main: _Playing) -> None:
        main.end()
        end = time.monotonic() + END_S
        while not main.over and time.monotonic() < end:
            self._listen(main)

    def _start(self, plays: Sequence[Mapping[str, Any]], name: str) -> _Playing:
        started = _Playing(self._work, plays, name)
        self._selector.register(started.fd, selectors.EVENT_READ, started)
        return started

    def _tidy(self) -> _Playing:
        shutil.rmtree(self._work.folder / HERE, ignore_errors=True)
        self._by, self._stopping = min(self._by, time.monotonic() + TIDY_S), set(self._untidied)
        return self._start(self._work.tidy(list(self._untidied), self._over), "tidy")

    def _finish(self, tidying: _Playing | None) -> None:
        """See the tidying to its end; begin it where something is left to tidy."""
        if not tidying and not self._untidied:
            return
        tidying = tidying or self._tidy()
        while not tidying.over and time.monotonic() < self._by:
            self._listen(tidying)
        tidying.end()

    def _listen(self, to: _Playing) -> None:
        """Wait a little for whatever comes: events, which are passed on, and our word."""
        for key, _ in self._selector.select(LOOK_S):
            if key.data is None:
                self._hear(to)
                continue
            for event in key.data.read():
                self._note(event)
                self._say(event)
            if key.data.over:
                self._selector.unregister(key.fd)

    def _hear(self, to: _Playing) -> None:
        word = b""
        with suppress(ConnectionError):
            word = self._channel.recv(1)
        if word:
            self._told_in = to.play
        else:
            self._alone, self._by = True, min(self._by, time.monotonic() + ALONE_S)
            self._selector.unregister(self._channel)

    def _note(self, event: Event) -> None:
        """Take note of hosts that stop, and of those that need no tidying: it is done, or nothing came to them."""
        if event.get("task") == STOP:
            self._stopped.add(event["host"])
        gone = event.get("task") == TIDY and event["event"] == "ok"
        if gone or (event.get("task") == CARRY and event["event"] == "unreachable"):
            self._untidied.pop(event["host"], None)

    def _say(self, event: Event) -> None:
        if not self._alone:
            with suppress(ConnectionError):
                child.say(self._channel, event)


def _end_orphans() -> None:
    """End what Ansible, broken off, has left running here."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + END_S / 3
        for pid in _children():
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        while _children() and time.monotonic() < end:
            time.sleep(LOOK_S / 10)


def _children() -> list[int]:
    """Return the processes whose parent this one is, after burying those that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return [int(pid) for pid in Path("/proc/self/task", str(os.getpid()), "children").read_text().split()]
