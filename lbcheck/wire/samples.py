"""A file of samples: its first line says its version and what the run was about, each further line is a sample.

The last line says how the run ended. Where it is not there, the run was killed, the disk full, or the file cut.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lbcheck.errors import LbcheckError
from lbcheck.model.ended import Ended
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.wire import upgrade
from lbcheck.wire.jsonl import WireError, dumped, from_json, line, loads, reading, to_json
from lbcheck.wire.uncollected import uncollected

SCHEMA = "lbcheck.samples/2"  # it goes up when a file of today would be misread
_OLDER = (None, "lbcheck.samples/1")  # without a version; without a last line that says how the run ended
_BEGINNING = re.compile(r'\s*\{\s*"(class"|schema"\s*:\s*"lbcheck\.samples/)')


class NewerError(LbcheckError):
    """A file of a version that is not known here."""


@dataclass(frozen=True)
class Kept:
    """What stands in a file of samples."""

    question: Question
    samples: list[Sample]
    ended: Ended | None  # None: the file does not say; the samples may lack what the run saw last


def first_line(question: Question) -> str:
    """Return the first line of a new file, without the newline."""
    return dumped({"schema": SCHEMA, **to_json(question)}, separators=(",", ":"))


def last_line(ended: Ended) -> str:
    """Return the last line of a file whose run came to its end, without the newline."""
    return line(ended)


def begins(text: str) -> bool:
    """Return whether a file begins as samples do; else it is a report, or nothing that lbcheck wrote."""
    return bool(_BEGINNING.match(text))


def whole_lines(text: str) -> str:
    """Return a file without a last line that was cut: a run that was killed, or a full disk, costs that line alone."""
    before, end, last = text.rpartition("\n")
    return before + end if end and not _is_json(last) else text


def _is_json(line: str) -> bool:
    try:
        json.loads(line or "null")
    except (ValueError, RecursionError):
        return False
    return True


def read(text: str) -> Kept:
    """Read a file back; WireError says which line is wrong, NewerError that another lbcheck is needed."""
    first, *others = text.split("\n")  # and at no other line end: a message may hold one
    with _at_line(1), reading(first):
        about = loads(first)
        version = about.pop("schema", None) if isinstance(about, dict) else None
        if version not in (SCHEMA, *_OLDER):
            raise NewerError(f"was written by a newer lbcheck ({version!r:.40}; this one reads {SCHEMA}): use that one")
        question = _question(about)
    with uncollected():
        lines = list(_lines(others, old=version is None))
    samples = [line for line in lines if isinstance(line, Sample)]
    return Kept(question, samples, next((line for line in lines if isinstance(line, Ended)), _unsaid(version)))


def _unsaid(version: str | None) -> Ended | None:
    """Return how a run ended whose file does not say: before there was such a line, none was interrupted."""
    return Ended() if version in _OLDER else None


def _question(about: Any) -> Question:
    try:
        question: Question = from_json(Question, upgrade.question(about))
    except (AttributeError, KeyError, TypeError) as error:
        raise WireError(f"it does not say what the run was about: {error}") from None
    return question


def _lines(lines: Sequence[str], *, old: bool) -> Iterator[Sample | Ended]:
    over = False
    for number, text in enumerate(lines, start=2):
        if text.strip():
            with _at_line(number), reading(text):
                if over:
                    raise WireError("it comes after the line that says how the run ended")
                value = loads(text)
                over = isinstance(value, dict) and value.get("class") == Ended.__name__
                yield from_json(Ended if over else Sample, upgrade.sample(value) if old else value)


@contextmanager
def _at_line(number: int) -> Iterator[None]:
    try:
        yield
    except WireError as error:
        raise WireError(f"line {number}: {error}") from None
