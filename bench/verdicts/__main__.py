"""`python -m bench.verdicts`: names the situations, or simulates one and prints its row."""

import argparse
import subprocess
import sys

from bench.table import print_table
from bench.verdicts.measuring import measure
from bench.verdicts.situations import SEED, SITUATIONS


def main() -> int:
    """Print the row of the situation that was named, or all names."""
    parser = argparse.ArgumentParser(prog="python -m bench.verdicts", description=__doc__)
    parser.add_argument("name", nargs="?", help="a situation; without it, all names are printed")
    parser.add_argument("--runs", type=int, help="how many runs; by default as many as the table wants")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    if options.name is None:
        print("\n".join(SITUATIONS))  # noqa: T201 (a bench prints)
        return 0
    if options.name not in SITUATIONS:
        parser.error(f"there is no situation {options.name!r}; `python -m bench.verdicts` names all")
    situation = SITUATIONS[options.name]
    runs = situation.runs if options.runs is None else options.runs
    if runs < 1:
        parser.error("--runs must be 1 or more")
    measured = measure(situation, runs, options.seed)
    print_table("Verdicts", [{**measured.row(), "commit": _commit(), "seed": str(options.seed)}])
    return 0


def _commit() -> str:
    """Return the commit of the code that judged; with a plus sign if files were changed since."""
    return subprocess.run(
        ["git", "describe", "--always", "--exclude=*", "--dirty=+"], capture_output=True, text=True, check=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
