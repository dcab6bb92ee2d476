"""How long a judgement takes: a fleet of 200 servers whose balancer's counters were read after each round.

    python -m bench.judging

The peer is the parser of JSON of the standard library, which is written in C, on the same samples as lbcheck keeps
them. Seconds are those of the processor.
"""

import json
import math
import random
import sys
import time
from collections.abc import Callable, Mapping

from bench.table import print_table
from bench.verdicts.fleet import Fleet
from bench.verdicts.situations import SEED, SITUATIONS
from lbcheck.checks import spread
from lbcheck.model.plan import Options
from lbcheck.model.question import Question
from lbcheck.model.step import Sample
from lbcheck.wire import jsonl

FLEET = "haproxy-roundrobin-200-equal-counters"
MOST_RATIO = 8.0
ROUNDS = 50


def run() -> tuple[Question, Options, list[Sample]]:
    """Return what is asked of the fleet, and the samples of all rounds."""
    situation = SITUATIONS[FLEET]
    fleet = Fleet(situation.design, random.Random(SEED))  # noqa: S311 (a simulation, no secret)
    question, options, samples = situation.question, situation.options, list[Sample]()
    todo = spread.plan(question, options)
    while todo.stages:
        samples += [fleet.carry(step) for stage in todo.stages for step in stage.steps]
        todo = spread.further(question, options, samples)
    return question, options, samples


def milliseconds(work: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return how long each thing takes, the best of many times; in turn, for others may use the machine meanwhile."""
    best = dict.fromkeys(work, math.inf)
    for _ in range(ROUNDS):
        for name, do in work.items():
            began = time.process_time()
            do()
            best[name] = min(best[name], 1000 * (time.process_time() - began))
    return best


def main() -> int:
    """Print the table; return 1 if a judgement takes too long beside the peer."""
    question, options, samples = run()
    lines = [jsonl.line(sample) for sample in samples]
    row = milliseconds(
        {
            "judged ms": lambda: spread.judge(question, samples),
            "gone on ms": lambda: spread.further(question, options, samples),
            "json.loads ms": lambda: [json.loads(line) for line in lines],
        }
    )
    ratio = row["judged ms"] / row["json.loads ms"]
    print_table("Judging 200 servers by answers and counters", [{**row, "ratio at most": ratio, "target": MOST_RATIO}])
    return int(ratio > MOST_RATIO)


if __name__ == "__main__":
    sys.exit(main())
