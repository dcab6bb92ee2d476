"""What a host wrote of its steps → their samples, or why it is not believed. Its fault is that host's alone."""

import json
from collections.abc import Iterator, Sequence

from lbcheck.model.question import in_words
from lbcheck.model.step import ErrorKind, Failure, Sample, Step
from lbcheck.wire import jsonl
from lbcheck.wire.jsonl import WireError


def heard(steps: Sequence[Step], output: object, *, ended: bool) -> list[Sample]:
    """Return the samples of a host's first steps; all of them are failures where it wrote anything else.

    `ended`: its program came to its end; else its last line may be cut. Steps without a line have no sample here.
    """
    try:
        return list(_samples(steps, output, ended))
    except WireError as error:
        host = in_words(steps[0].at)
        failure = Failure(ErrorKind.PROTOCOL, f"{host}: what it wrote is not the samples of its steps: {error}")
        return [step.lost(failure) for step in steps]


def _samples(steps: Sequence[Step], output: object, ended: bool) -> Iterator[Sample]:
    if not isinstance(output, str):
        raise WireError("it is no text")
    lines = [line for line in output.split("\n") if line.strip()]
    if lines and not ended and not _is_json(lines[-1]):
        lines.pop()
    if len(lines) > len(steps):
        raise WireError(f"{len(lines):,} lines for {len(steps):,} steps")
    for number, (step, line) in enumerate(zip(steps, lines, strict=False), start=1):
        try:
            sample = jsonl.parse(Sample, line)
        except WireError as error:
            raise WireError(f"line {number}: {error}") from None
        if not step.gives(sample):
            raise WireError(f"line {number} is no sample of {type(step).__name__} at {in_words(step.at)}")
        yield sample


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
