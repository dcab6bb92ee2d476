"""How whatever takes long is told to stop: by a signal. It asks, again and again, and ends early with what it has.

SIGINT, SIGTERM and SIGHUP mean the same. The first one while something is measured is a question that steps ask; what
does not ask in time is broken off. Any other ends the command at once.
"""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Stopped = Callable[[], bool]

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 1.5  # for a step to end with what it has, once it is asked: all is to end within 2 s
# A terminal that closes sends SIGHUP, and its shell one more; who stops a service may send two kinds at once.
ECHO_S = 0.5


def never() -> bool:
    """Nobody asks to stop."""
    return False


class Interrupted(KeyboardInterrupt):
    """A signal that ends the command; `exit_status` is what a shell gives for it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_status = 128 + number


class Hearing:
    """What was heard since the block began that asks whether to stop; called, it says whether to."""

    def __init__(self) -> None:
        self.number = 0  # of the first signal; 0: there was none
        self.patience_s: float | None = None  # how long what runs now may go on after it; None: it sees to itself

    def __call__(self) -> bool:
        """Return whether there was a signal."""
        return bool(self.number)

    def hear(self, number: int) -> None:
        """Take note of the first signal; raise Interrupted at the second, and where nobody would ask."""
        again, self.number = bool(self.number), self.number or number
        if again or self.patience_s == 0:
            raise Interrupted(number)
        if self.patience_s:
            signal.setitimer(signal.ITIMER_REAL, self.patience_s)

    @contextmanager
    def broken_off(self, after_s: float | None) -> Iterator[None]:
        """Raise Interrupted where this block goes on for `after_s` seconds after the signal; None: never."""
        self.patience_s = after_s
        try:
            if self.number and after_s is not None:
                raise Interrupted(self.number)
            yield
        finally:
            self.patience_s = None
            signal.setitimer(signal.ITIMER_REAL, 0.0)


class _Ear:
    """Who hears the signals of this process."""

    def __init__(self) -> None:
        self.hearing: Hearing | None = None  # None: nobody asks, and a signal ends the command
        self._last = float("-inf")

    def hear(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last < ECHO_S:
            return
        self._last = now
        if not self.hearing:
            raise Interrupted(number)
        self.hearing.hear(number)

    def insist(self, _number: int, _frame: FrameType | None) -> None:
        if self.hearing and self.hearing.patience_s is not None:
            raise Interrupted(self.hearing.number)


_ear = _Ear()


@contextmanager
def listening() -> Iterator[None]:
    """Hear every signal that ends a command. What this process was started to ignore, as by nohup, it ignores."""
    before = {number: signal.getsignal(number) for number in (*ENDINGS, signal.SIGALRM)}
    for number in ENDINGS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, _ear.hear)
    signal.signal(signal.SIGALRM, _ear.insist)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_to_parent() -> None:
    """Ignore what reaches every process of a terminal or of a service: the parent decides."""
    for number in ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@contextmanager
def asking() -> Iterator[Hearing]:
    """Turn the first signal into a question, until the block ends."""
    with listening():
        _ear.hearing, outer = Hearing(), _ear.hearing
        try:
            yield _ear.hearing
        finally:
            _ear.hearing = outer
