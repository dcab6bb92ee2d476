"""Run real balancers, ask each fleet as a user does, and print what was said; exit 1 if one verdict is wrong."""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence

from bench import arena
from bench.foreign import caddy, envoy, haproxy, healthy, nginx, simulators, summary, traefik
from bench.foreign import faults as planted
from bench.foreign.fleet import answering
from bench.foreign.product import Product
from bench.foreign.rows import Row
from bench.table import print_table

PROGRAMS = {"unshare": "util-linux", "ip": "iproute2"}
PRODUCTS: Mapping[str, Product] = {
    file.PRODUCT.name.lower(): file.PRODUCT for file in (nginx, envoy, traefik, caddy, haproxy)
}
PARTS = {"healthy": healthy.rows, "faults": planted.rows, "simulators": simulators.rows}


def inside() -> None:
    """Run the parts; this process has a network namespace to itself."""
    options = _parser().parse_args()
    wrong: list[Row] = []
    found: dict[str, list[Row]] = {}
    with answering():
        for part in options.part or PARTS:
            found[part] = list(_run(part, options))
            print_table(part.capitalize(), [row.cells() for row in found[part]])
            wrong += [row for row in found[part] if row.wrong]
    for row in wrong:
        print(f"\n{', '.join(map(str, row.cells().values()))}")  # noqa: T201 (a bench prints)
        print("\n".join(f"  {sentence}" for sentence in row.wrong))  # noqa: T201
    if options.table:
        summary.write(found)
    if wrong:
        raise SystemExit(1)


def _run(part: str, options: argparse.Namespace) -> Iterator[Row]:
    """Give the rows of a part, and say each as soon as it is there: all of them take half an hour."""
    for product in options.products or PRODUCTS.values():
        for row in PARTS[part](product, options.runs):
            print(*row.cells().values(), sep="  ", file=sys.stderr, flush=True)  # noqa: T201 (a bench prints)
            yield row


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.foreign", description=__doc__)
    parser.add_argument(
        "products", nargs="*", type=_product, metavar="PRODUCT", help=f"{', '.join(PRODUCTS)}; without one, all"
    )
    parser.add_argument(
        "--runs", type=int, choices=range(1, 1001), default=5, metavar="N", help="of each (%(default)s)"
    )
    parser.add_argument("--part", action="append", choices=list(PARTS), help="one of the parts; repeatable")
    parser.add_argument("--table", action="store_true", help="write the sums into docs/laws.md")
    return parser


def _product(name: str) -> Product:
    if name.lower() not in PRODUCTS:
        raise argparse.ArgumentTypeError(f"'{name}' is not one of {', '.join(PRODUCTS)}")
    return PRODUCTS[name.lower()]


def main(words: Sequence[str] | None = None) -> int:
    """Run in a namespace of its own."""
    _parser().parse_args(words)
    # The folders of the balancers are below one that goes even if this is ended before its time.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.environ["TMPDIR"] = folder
        return arena.enter("bench.foreign", PROGRAMS, inside)


if __name__ == "__main__":
    sys.exit(main())
