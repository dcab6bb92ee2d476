"""Simulate a fleet many times, have lbcheck plan, ask and judge each run, and print how often its verdict errs."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from bench.table import print_table
from bench.verdicts import rows
from bench.verdicts.measuring import Measured, measure
from bench.verdicts.situations import NAMED, SEED, SITUATIONS, Situation

MINUTES = 20.0  # of one situation, on one core
SHOWN = 3  # runs that ended as they should not


def main(words: Sequence[str] | None = None) -> int:
    """List the situations, run those that were named, or write the table."""
    options = _parser().parse_args(words)
    if unknown := [name for name in options.names if name not in SITUATIONS]:
        _parser().error(f"there is no situation {unknown[0]!r}; `python -m bench.verdicts` lists all")
    if options.runs is not None and options.runs < 1:
        _parser().error("--runs must be 1 or more")
    for name in options.names or (SITUATIONS if options.keep else ()):
        _measure(SITUATIONS[name], options)
    if options.table:
        rows.write(rows.table(rows.newest(rows.kept(), list(SITUATIONS))))
    elif not options.names and not options.keep:
        _list()
    return 0


def _measure(situation: Situation, options: argparse.Namespace) -> None:
    """Measure a situation, from where the kept rows end if its row is kept, too."""
    wanted = options.runs or situation.runs
    first = rows.done(rows.kept(), situation.name, options.seed) if options.keep else 0
    if first >= wanted:
        return
    measured = measure(situation, wanted, options.seed, options.minutes, first)
    row = {**measured.row(), "commit": _commit(), "seed": options.seed, "code": rows.code()}
    print_table(f"{situation.name}: {situation.what}", [row])
    _explain(measured, wanted)
    if options.keep:
        rows.keep(row)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.verdicts", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="a situation; without one, all are listed, or with --keep measured"
    )
    parser.add_argument("--runs", type=int, help="how many runs; by default as many as the table of error rates wants")
    parser.add_argument("--seed", type=int, default=SEED, help="of the random numbers (%(default)s)")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help="end each situation after so long on one core (%(default)g)"
    )
    parser.add_argument(
        "--keep", action="store_true", help=f"append the row to {rows.KEPT.name}, whose runs of the same code add up"
    )
    parser.add_argument("--table", action="store_true", help="write the newest kept rows into docs/laws.md")
    return parser


def _list() -> None:
    listed = [
        {
            "situation": name,
            "kind": "healthy" if situation.healthy else "fault",
            "runs": situation.runs,
            "named": "named" if name in NAMED else "",
            "what": situation.what,
        }
        for name, situation in SITUATIONS.items()
    ]
    print_table("Situations", listed)


def _explain(measured: Measured, wanted: int) -> None:
    if (reached := measured.first + len(measured.runs)) < wanted:
        print(f"\nended by --minutes after {reached:,} of {wanted:,} runs")  # noqa: T201 (a bench prints)
    for number in measured.odd[:SHOWN]:
        run = measured.runs[number]
        print(f"\nrun {measured.first + number}, {run.requests:,} requests: {run.outcome}")  # noqa: T201
        print("\n".join(f"  {sentence}" for sentence in run.findings))  # noqa: T201


def _commit() -> str:
    """Return the commit of the code that judged; with a plus sign if files were changed since, but for kept rows."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    changed = ["git", "diff", "--quiet", "HEAD", "--", ".", f":!*{rows.KEPT.name}"]
    return commit.stdout.strip() + ("+" if subprocess.run(changed, check=False).returncode else "")


if __name__ == "__main__":
    sys.exit(main())
