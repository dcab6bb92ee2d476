"""What the counts after each round decide: healthy, faulty, or go on with so many more."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from lbcheck.analysis.sequential.evidence import log_evidence, ruled_out, tail
from lbcheck.analysis.sequential.faults import Equals
from lbcheck.analysis.sequential.pacing import next_look
from lbcheck.analysis.sequential.planning import Plan


class Conclusion(Enum):
    """What a look concludes. UNDECIDED: there will be no more answers, and these are too few to tell."""

    HEALTHY = "healthy"
    FAULTY = "faulty"
    GO_ON = "go on"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Decision:
    """What all looks so far decide.

    `answers`: how many the last look counted. `faulty`: the servers whose counts show a fault, the plainest first.
    `more`: GO_ON: answers until the next look; UNDECIDED: so many more would surely have been enough. `open`: the
    faults that no look has ruled out yet, as number of the class and number of the fault in its `to_rule_out`.
    `looks`: how many looks there were.
    """

    conclusion: Conclusion
    answers: int
    faulty: tuple[str, ...]
    more: int
    open: frozenset[tuple[int, int]]
    looks: int = 0


def begin(plan: Plan) -> Decision:
    """Return the state before the first look."""
    every = frozenset((n, fault) for n, equals in enumerate(plan.classes) for fault in range(len(equals.to_rule_out)))
    return Decision(Conclusion.GO_ON, 0, (), plan.looks[0], every)


def decide(plan: Plan, looks: Sequence[Mapping[str, int]], *, closed: bool = False) -> Decision:
    """Return what `looks` decide: the counts (server → answers) after each round, of all rounds up to it.

    `closed`: there will be no more, so that the exact test is made even if they are fewer than the plan's most.
    """
    if not looks:
        state = begin(plan)
        return replace(state, conclusion=Conclusion.UNDECIDED, more=plan.most) if closed else state
    # What is asked after each round anew has been decided up to the last look before.
    before = tuple(tuple(counts.get(server, 0) for server in plan.weights) for counts in looks[:-1])
    return look(plan, _after(plan, before), looks[-1], closed=closed)


@lru_cache(maxsize=256)
def _after(plan: Plan, looks: tuple[tuple[int, ...], ...]) -> Decision:
    """Return the state after `looks`: for each look the answers of each server, in the plan's order."""
    if not looks:
        return begin(plan)
    return look(plan, _after(plan, looks[:-1]), dict(zip(plan.weights, looks[-1], strict=True)))


def look(plan: Plan, before: Decision, counts: Mapping[str, int], *, closed: bool = False) -> Decision:
    """Return what `counts` (server → answers of all rounds so far) decide after the looks that led to `before`.

    Only the answers of servers with a weight count: how they share what they answered does not depend on what others
    answered. A server that was found faulty stays so. A fleet that was found healthy becomes faulty only by evidence
    that holds at any look.
    """
    seen = _seen(plan, counts)
    of = sum(map(sum, seen)) if seen else sum(counts.get(server, 0) for server in plan.weights)
    state = replace(before, answers=of, more=0, looks=before.looks + 1)
    if before.conclusion is Conclusion.FAULTY:
        return state
    if faulty := _faulty_at_a_look(plan, seen, of):
        return replace(state, conclusion=Conclusion.FAULTY, faulty=faulty)
    if before.conclusion is Conclusion.HEALTHY:
        return state
    state = replace(state, open=frozenset(key for key in before.open if not _ruled_out(plan, key, seen, of)))
    if of >= plan.most or closed:
        return _at_the_end(plan, state, seen)
    if of and not state.open:
        return replace(state, conclusion=Conclusion.HEALTHY)
    return replace(state, conclusion=Conclusion.GO_ON, more=next_look(plan, seen, of, state.open) - of)


def p_value(plan: Plan, counts: Mapping[str, int]) -> float:
    """Return how likely a healthy fleet, at any look, shows as much evidence against one of its servers: at most."""
    seen = _seen(plan, counts)
    of = sum(map(sum, seen))
    strongest = max(
        (
            log_evidence(equals, count, of, plan.detect)
            for equals, row in zip(plan.classes, seen, strict=True)
            for count in set(row)
        ),
        default=0.0,
    )
    return min(1.0, len(plan.weights) * math.exp(-max(0.0, strongest)))


def _seen(plan: Plan, counts: Mapping[str, int]) -> list[list[int]]:
    """Return the answers of each server of each class."""
    return [[counts.get(server, 0) for server in equals.servers] for equals in plan.classes]


def _ruled_out(plan: Plan, key: tuple[int, int], seen: Sequence[Sequence[int]], of: int) -> bool:
    number, fault = key
    return ruled_out(plan.classes[number].to_rule_out[fault], seen[number], of, plan.beta)


def _faulty_at_a_look(plan: Plan, seen: Sequence[Sequence[int]], of: int) -> tuple[str, ...]:
    bar = plan.bar
    return _faulty(plan, seen, of, lambda equals, count: log_evidence(equals, count, of, plan.detect) >= bar)


def _at_the_end(plan: Plan, state: Decision, seen: Sequence[Sequence[int]]) -> Decision:
    of, side = state.answers, plan.side
    if faulty := _faulty(plan, seen, of, lambda equals, count: tail(equals, count, of) <= side):
        return replace(state, conclusion=Conclusion.FAULTY, faulty=faulty)
    if of and (of >= plan.most or not state.open or _tells(plan, state)):
        return replace(state, conclusion=Conclusion.HEALTHY)
    return replace(state, conclusion=Conclusion.UNDECIDED, more=plan.most - of)


def _tells(plan: Plan, state: Decision) -> bool:
    """Return whether fewer answers than planned are enough, with what earlier looks may have overlooked."""
    overlooked = plan.beta if state.looks > 1 else 0.0
    return plan.missed(state.answers) + overlooked <= plan.miss


def _faulty(
    plan: Plan, seen: Sequence[Sequence[int]], of: int, shows: Callable[[Equals, int], bool]
) -> tuple[str, ...]:
    """Return the servers whose count differs by enough to matter and `shows` a fault, the plainest first."""
    found = []
    for equals, counts in zip(plan.classes, seen, strict=True):
        if not (equals.matters(min(counts), of) or equals.matters(max(counts), of)):
            continue
        # Many servers of a class have the same count: each is looked at once.
        off = {count for count in set(counts) if equals.matters(count, of) and shows(equals, count)}
        found += [(server, equals, count) for server, count in zip(equals.servers, counts, strict=True) if count in off]
    found.sort(key=lambda one: -log_evidence(one[1], one[2], of, plan.detect))
    return tuple(server for server, _, _ in found)
