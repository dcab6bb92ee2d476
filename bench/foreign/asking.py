"""What lbcheck says of a fleet, as a user asks: told more or less, by kept connections or by one for each request."""

import io
import itertools
import json
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from bench.foreign.product import FRONT, Algorithm, Product
from lbcheck import cli

TOLD = ("nothing", "weights", "algorithm", "both")
CONNECTIONS = ("kept", "each")
BOUNDS = ("--timeout", "5", "--within", "20", "--rate", "0")


@dataclass(frozen=True)
class Verdict:
    """What one run ended with; `said`: why, in sentences."""

    outcome: str
    requests: int
    said: Sequence[str]


def ways(told: Sequence[str] = TOLD) -> Iterator[tuple[str, str]]:
    """Give what is told, and how connections are used."""
    return itertools.product(told, CONNECTIONS)


def words(product: Product, algorithm: Algorithm, weights: Sequence[int], told: str) -> Sequence[str] | None:
    """Return the options that tell it; None: it cannot be told rightly."""
    given: list[str] = []
    if told in ("algorithm", "both"):
        given += ["--algorithm", algorithm.name, "--product", product.name, *algorithm.key]
    if told == "weights" and not weights:
        return None
    if told in ("weights", "both") and weights:
        given += ["--weights", ",".join(f"s{number}={weight}" for number, weight in enumerate(weights, 1))]
    return given


def ask(path: str, options: Sequence[str], connections: str) -> Verdict:
    """Have lbcheck ask the balancer and judge, in this process."""
    kept = ["--keep-alive"] if connections == "kept" else []
    command = ["spread", f"http://127.0.0.1:{FRONT}{path}", *options, *kept, *BOUNDS, "--format", "json"]
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        cli.main(command)
    if not out.getvalue():
        return Verdict("refused", 0, [err.getvalue().strip()])
    report = json.loads(out.getvalue())
    verdict = report["verdicts"][0]
    findings = [finding["message"] for finding in verdict["findings"] if finding["outcome"] != "pass"]
    return Verdict(report["outcome"], verdict["evidence"].get("requests", 0), [verdict["summary"], *findings])
