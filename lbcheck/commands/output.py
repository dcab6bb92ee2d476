"""How commands measure, and how they write what came of it."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from lbcheck import pipeline
from lbcheck.errors import LbcheckError
from lbcheck.model.plan import Options, Plan, default_timeout_s
from lbcheck.model.topology import Topology
from lbcheck.model.verdict import Report
from lbcheck.reporters import json as as_json
from lbcheck.reporters import plan as plan_as_text
from lbcheck.reporters import text as as_text
from lbcheck.wire import jsonl


def asked(options: argparse.Namespace, *, lab: bool) -> dict[str, Any]:
    """Return what every command that sends something was asked, for Options; a lab need not be waited for so long."""
    timeout_s = options.timeout or default_timeout_s(near=lab)
    return {"rate": options.rate, "timeout_s": timeout_s, "token": pipeline.new_token()}


def measure(
    options: argparse.Namespace,
    topology: Topology,
    wanted: Options,
    *,
    checks: Sequence[str],
    inventories: Sequence[str] = (),
) -> int:
    """Plan, probe, judge and write the report, or only the plan; return the exit status."""
    if options.plan:
        write(options, _plan_text(pipeline.plan(pipeline.chosen(topology, checks), topology, wanted), options.format))
        return 0
    with ExitStack() as stack:
        keep = stack.enter_context(_new_file(options.samples)) if options.samples else None
        report = pipeline.run(topology, wanted, checks=checks, inventories=inventories, keep=keep)
    render(options, report)
    return report.outcome.exit_status


def _new_file(name: str) -> TextIO:
    try:
        return Path(name).open("x", encoding="utf-8")
    except FileExistsError:
        raise LbcheckError(
            f"--samples {name} exists already; samples are only ever added to a file of their own"
        ) from None


def _plan_text(plan: Plan, form: str) -> str:
    return plan_as_text.render(plan) if form == "text" else document(jsonl.to_json(plan))


def document(value: object) -> str:
    """Return a JSON document."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def render(options: argparse.Namespace, report: Report) -> None:
    """Write a report in the format asked for."""
    if options.format == "json":
        write(options, as_json.render(report))
    else:
        colour = not (options.no_color or options.output or "NO_COLOR" in os.environ) and sys.stdout.isatty()
        write(options, as_text.render(report, colour=colour, verbose=bool(options.verbose)))


def write(options: argparse.Namespace, text: str) -> None:
    """Write the result to standard output, or whole to the file asked for."""
    if options.output:
        target = Path(options.output)
        # Beside it first, then in its place: a full disk leaves the old file whole.
        beside = target.with_name(target.name + ".part")
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    else:
        sys.stdout.write(text)
        sys.stdout.flush()
