"""How commands measure, and how they write what came of it."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, TypeVar

from lbcheck import pipeline, reporters, streams
from lbcheck.commands import files
from lbcheck.errors import LbcheckError
from lbcheck.model.exhibit import Style
from lbcheck.model.plan import Options, default_timeout_s
from lbcheck.model.question import Question
from lbcheck.model.verdict import Report
from lbcheck.reporters import plan as plan_as_text
from lbcheck.wire import jsonl

Thing = TypeVar("Thing")


LOOPBACK_RATE = 500.0  # requests or queries a second: `ssh -L` puts anything there


def asked(options: argparse.Namespace, *, lab: bool, loopback: bool = False) -> dict[str, Any]:
    """Return what every command that sends something was asked, for Options; what is near is waited for less long."""
    timeout_s = options.timeout or default_timeout_s(near=lab or loopback)
    rate = LOOPBACK_RATE if options.rate is None and loopback else options.rate
    return {"rate": rate, "timeout_s": timeout_s, "token": pipeline.new_token()}


def measure(
    options: argparse.Namespace,
    question: Question,
    wanted: Options,
    *,
    checks: Sequence[str],
    inventories: Sequence[str] = (),
) -> int:
    """Plan, probe, judge and write the report, or only the plan; return the exit status."""
    if options.plan:
        plan = pipeline.plan(pipeline.chosen(question, checks), question, wanted)
        write(options, rendered(plan, options.format, {"text": plan_as_text.render, "json": document}))
        return 0
    with ExitStack() as stack:
        keep = stack.enter_context(files.Lines("--samples", options.samples)) if options.samples else None
        report = pipeline.run(question, wanted, checks=checks, inventories=inventories, keep=keep)
    render(options, report)
    return report.outcome.exit_status


def rendered(thing: Thing, form: str, formats: Mapping[str, Callable[[Thing], str]]) -> str:
    """Return what is no report in the format asked for; LbcheckError where that is a format of reports alone."""
    if form not in formats:
        raise LbcheckError(f"--format {form} is for reports; this can be had as {' or '.join(formats)}")
    return formats[form](thing)


def document(value: object) -> str:
    """Return something of the model as a JSON document."""
    return jsonl.dumped(jsonl.to_json(value), indent=2) + "\n"


def render(options: argparse.Namespace, report: Report) -> None:
    """Write a report in the format asked for."""
    colour = not (options.no_color or options.output or "NO_COLOR" in os.environ) and sys.stdout.isatty()
    style = Style(colour=colour, verbose=bool(options.verbose))
    write(options, reporters.render(options.format, pipeline.shown(report), style))


def write(options: argparse.Namespace, text: str) -> None:
    """Write the result to standard output, or whole to the file asked for."""
    if not options.output:
        streams.give(text)
        return
    try:
        files.write(options.output, text.encode())
    except BrokenPipeError:
        return  # whoever reads there has enough
    except OSError as error:
        streams.give(text)
        raise LbcheckError(f"-o {options.output}: {error.strerror}; the result is on standard output") from None


def check_output(options: argparse.Namespace) -> None:
    """Raise LbcheckError where the result or the samples could not be written, before anything is sent for them."""
    kept = "" if getattr(options, "plan", False) else getattr(options, "samples", "")
    if kept:
        files.check("--samples", kept, new=True)
    if not options.output:
        return
    files.check("-o", options.output)
    if kept and files.same(options.output, kept):
        raise LbcheckError(f"-o {options.output} and --samples name the same file; give another name")
    if any(files.same(options.output, name) for name in _read(options)):
        raise LbcheckError(f"-o {options.output} would replace what is read; give another name")


def _read(options: argparse.Namespace) -> Iterator[str]:
    """Give the names of all files that the command reads."""
    for option in ("file", "inventory", "model", "cacert", "haproxy_config"):
        given = getattr(options, option, None) or ()
        yield from [given] if isinstance(given, str) else given
