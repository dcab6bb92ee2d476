"""Shows each phase while it runs, and the time it took: on a terminal with a spinner, elsewhere one line at its end."""

import itertools
import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
LABEL_WIDTH = 12


class Phase:
    """One phase; `say` what it is doing now. What it said last stands in its final line."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.text = ""
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        """Show `text` beside the phase's name."""
        self.text = text

    def line(self) -> str:
        """Return the phase's line, with the time since it started."""
        return f"{self.label:<{LABEL_WIDTH}} {self.text:<40} {time.monotonic() - self.started:6.1f} s"


@contextmanager
def phase(label: str) -> Iterator[Phase]:
    """Show a phase while the block runs."""
    current = Phase(label)
    stop = threading.Event()
    spinner = threading.Thread(target=_spin, args=(current, stop), daemon=True)
    if sys.stderr.isatty():
        spinner.start()
    try:
        yield current
    except BaseException as error:
        current.say("failed" if isinstance(error, Exception) else "interrupted")
        raise
    finally:
        stop.set()
        if spinner.is_alive():
            spinner.join()
        tell(current.line())
        keep(label, time.monotonic() - current.started)


def _spin(current: Phase, stop: threading.Event) -> None:
    for frame in itertools.cycle(FRAMES):
        width = shutil.get_terminal_size().columns - 3
        sys.stderr.write(f"\r\033[K{frame} {current.line()[:width]}")
        sys.stderr.flush()
        if stop.wait(0.1):
            sys.stderr.write("\r\033[K")
            return


def keep(label: str, seconds: float) -> None:
    """Add a phase's time to the file that LAB_TIMES names, if it names one."""
    if kept := os.environ.get("LAB_TIMES"):
        with Path(kept).open("a", encoding="utf-8") as file:
            file.write(f"{label}\t{seconds:.1f}\n")


def tell(text: str) -> None:
    """Write a line for the user to standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def summary(kept: Path) -> str:
    """Return the phases kept in a LAB_TIMES file as one line: `packages 0.1 s · venv 0.0 s · … · 31.2 s`."""
    rows = [line.split("\t") for line in kept.read_text(encoding="utf-8").splitlines()]
    total = sum(float(seconds) for _, seconds in rows)
    return " · ".join([f"{label} {seconds} s" for label, seconds in rows] + [f"together {total:.1f} s"])
