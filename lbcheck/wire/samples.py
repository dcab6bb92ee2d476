"""A file of samples: its first line says its version and what the run was about, each further line is a sample."""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from lbcheck.errors import LbcheckError
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.wire import upgrade
from lbcheck.wire.jsonl import WireError, dumped, from_json, loads, reading, to_json
from lbcheck.wire.uncollected import uncollected

SCHEMA = "lbcheck.samples/1"  # it goes up when a file of today would be misread
_BEGINNING = re.compile(r'\s*\{\s*"(class"|schema"\s*:\s*"lbcheck\.samples/)')


class NewerError(LbcheckError):
    """A file of a version that is not known here."""


def first_line(question: Question) -> str:
    """Return the first line of a new file, without the newline."""
    return dumped({"schema": SCHEMA, **to_json(question)}, separators=(",", ":"))


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


def read(text: str) -> tuple[Question, list[Sample]]:
    """Read a file back; WireError says which line is wrong, NewerError that another lbcheck is needed."""
    first, *others = text.split("\n")  # and at no other line end: a message may hold one
    with _at_line(1), reading(first):
        about = loads(first)
        version = about.pop("schema", None) if isinstance(about, dict) else None
        if version not in (None, SCHEMA):
            raise NewerError(f"was written by a newer lbcheck ({version!r:.40}; this one reads {SCHEMA}): use that one")
        question = _question(about)
    with uncollected():
        return question, list(_samples(others, old=version is None))


def _question(about: Any) -> Question:
    try:
        question: Question = from_json(Question, upgrade.question(about))
    except (AttributeError, KeyError, TypeError) as error:
        raise WireError(f"it does not say what the run was about: {error}") from None
    return question


def _samples(lines: Sequence[str], *, old: bool) -> Iterator[Sample]:
    for number, line in enumerate(lines, start=2):
        if line.strip():
            with _at_line(number), reading(line):
                value = loads(line)
                yield from_json(Sample, upgrade.sample(value) if old and isinstance(value, dict) else value)


@contextmanager
def _at_line(number: int) -> Iterator[None]:
    try:
        yield
    except WireError as error:
        raise WireError(f"line {number}: {error}") from None
