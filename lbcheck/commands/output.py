"""How commands measure, and how they write what came of it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TextIO, TypeVar

from lbcheck import pipeline
from lbcheck.errors import LbcheckError
from lbcheck.model.exhibit import Style
from lbcheck.model.plan import Options, default_timeout_s
from lbcheck.model.question import Question
from lbcheck.model.verdict import Report
from lbcheck.reporters import FORMATS
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
        keep = stack.enter_context(_new_file(options.samples)) if options.samples else None
        report = pipeline.run(question, wanted, checks=checks, inventories=inventories, keep=keep)
    render(options, report)
    return report.outcome.exit_status


def _new_file(name: str) -> TextIO:
    try:
        return Path(name).open("x", encoding="utf-8")
    except FileExistsError:
        raise LbcheckError(
            f"--samples {name} exists already; samples are only ever added to a file of their own"
        ) from None


def rendered(thing: Thing, form: str, formats: Mapping[str, Callable[[Thing], str]]) -> str:
    """Return what is no report in the format asked for; LbcheckError where that is a format of reports alone."""
    if form not in formats:
        raise LbcheckError(f"--format {form} is for reports; this can be had as {' or '.join(formats)}")
    return formats[form](thing)


def document(value: object) -> str:
    """Return something of the model as a JSON document."""
    return json.dumps(jsonl.to_json(value), indent=2, ensure_ascii=False) + "\n"


def render(options: argparse.Namespace, report: Report) -> None:
    """Write a report in the format asked for."""
    colour = not (options.no_color or options.output or "NO_COLOR" in os.environ) and sys.stdout.isatty()
    style = Style(colour=colour, verbose=bool(options.verbose))
    write(options, FORMATS[options.format](pipeline.shown(report), style))


def write(options: argparse.Namespace, text: str) -> None:
    """Write the result to standard output, or whole to the file asked for."""
    if options.output:
        _into(Path(options.output), text)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()


def _into(named: Path, text: str) -> None:
    """Write a file: a new one next to it first, then in its place, so that a full disk leaves the old one whole."""
    if named.exists() and (not named.is_file() or named.is_relative_to("/dev") or named.is_relative_to("/proc")):
        # A device, a pipe or what the shell has opened (/dev/stdout) is written to, never replaced.
        named.write_text(text, encoding="utf-8")
        return
    target = named.resolve()  # a link stays one, and what it leads to is written
    with NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False) as new:
        try:
            new.write(text)
            new.flush()
            mode = target.stat().st_mode if target.exists() else 0o666 & ~_umask()
            Path(new.name).chmod(mode & 0o777)
            Path(new.name).replace(target)
        except BaseException:
            Path(new.name).unlink()
            raise


def _umask() -> int:
    """Return what a new file's mode is without; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def check_output(options: argparse.Namespace) -> None:
    """Raise LbcheckError where the result could not be written, before anything is sent for it."""
    if not options.output:
        return
    target = Path(options.output)
    if target.is_dir():
        raise LbcheckError(f"-o {target}: it is a directory; give the name of a file")
    if not target.parent.is_dir():
        raise LbcheckError(f"-o {target}: there is no directory {target.parent}")
    read = getattr(options, "file", ())
    for name in (read,) if isinstance(read, str) else read:
        if target.is_file() and Path(name).is_file() and target.samefile(name):
            raise LbcheckError(f"-o {target} would replace what is read; give another name")
