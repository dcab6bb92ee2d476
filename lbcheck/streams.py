"""Standard output and standard error. Closed, full, or of few letters: what is lost is characters, never an outcome."""

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import TextIO

from lbcheck.plain import json_escape, plain

LONGEST = 2000  # letters of a sentence; it may quote a word of the command line that has a million
_ESCAPES = "lbcheck.escapes"  # of letters that an encoding lacks, as JSON has them: a document stays one


def _escaped(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return json_escape(error.object[error.start : error.end]), error.end


codecs.register_error(_ESCAPES, _escaped)


def prepare() -> None:
    """Give what was closed (`>&-`) somewhere to go, lest a socket gets its number; and let every letter be written."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:  # the lowest free number is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (to the end)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 (to the end)
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=_ESCAPES)


def give(text: str) -> None:
    """Write a result to standard output."""
    if lost := _write(sys.stdout, text):
        say(f"standard output: {lost}")


def say(sentence: str) -> None:
    """Write a sentence for the user to standard error: one line, whatever is in it, and what to do stays at its end."""
    said = plain(sentence)
    if len(said) > LONGEST:
        said = f"{said[: LONGEST // 2]} … {said[-LONGEST // 2 :]}"
    _write(sys.stderr, f"lbcheck: {said}\n")


def say_lines(text: str) -> None:
    """Write lines of our own, as a traceback, to standard error."""
    _write(sys.stderr, "".join(f"{plain(line)}\n" for line in text.split("\n")))


def say_over(words: str) -> None:
    """Tell a person who waits at a terminal how far it is, in the place of what was said so before; none: it goes."""
    if sys.stderr.isatty():
        _write(sys.stderr, f"\rlbcheck: {plain(words)}" if words else f"\r{'':<40}\r")


def _write(stream: TextIO, text: str) -> str:
    """Write at once; return why that failed, empty where nobody reads any more. Nothing else goes there then."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        with suppress(OSError):  # what is left in the buffer must not fail again when the process ends
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return "" if isinstance(error, BrokenPipeError) else error.strerror or str(error)
    return ""
