"""When to look next: where a look may decide, or half way to it if looks cost little."""

import math
from collections.abc import Collection, Sequence

from lbcheck.analysis.sequential.evidence import log_evidence, log_mean_ratio
from lbcheck.analysis.sequential.planning import Plan

Seen = Sequence[Sequence[int]]  # the answers of each server of each class


def next_look(plan: Plan, seen: Seen, of: int, undecided: Collection[tuple[int, int]]) -> int:
    """Return after how many answers in all the next look is due: one of the plan's looks, after `of` answers.

    `undecided`: the faults that are not ruled out, as number of the class and number of the fault in its `to_rule_out`.
    Lacking are the answers after which the slowest fault is ruled out if all goes on as owed, or, if they are fewer,
    those after which the plainest evidence is enough if it grows as it did. The plan's stride says how many of them a
    look waits for.
    """
    due = of
    if of >= plan.looks[0]:
        due += math.ceil(plan.stride * min(_to_healthy(plan, seen, of, undecided), _to_faulty(plan, seen, of)))
    return next((at for at in plan.looks if at >= due and at > of), plan.most)


def _to_healthy(plan: Plan, seen: Seen, of: int, undecided: Collection[tuple[int, int]]) -> float:
    """Return after how many further answers, as they are owed, no fault is likely any more."""
    lacking = 0.0
    for number, fault in undecided:
        one = plan.classes[number].to_rule_out[fault]
        lacking = max(lacking, (log_mean_ratio(one, seen[number], of) - math.log(plan.beta)) / one.falls)
    return lacking


def _to_faulty(plan: Plan, seen: Seen, of: int) -> float:
    """Return after how many further answers one server's evidence is enough, if it goes on to grow as it did."""
    extremes = (
        (equals, count) for equals, row in zip(plan.classes, seen, strict=True) for count in {min(row), max(row)}
    )
    strongest = max((log_evidence(equals, count, of, plan.detect) for equals, count in extremes), default=0.0)
    return of * (plan.bar / strongest - 1) if strongest > 0 else math.inf
