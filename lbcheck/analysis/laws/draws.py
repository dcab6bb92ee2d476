"""The law of independent draws: each request goes to a server by chance, and the test looks after each round."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from lbcheck.analysis import binomial, sampling, silence
from lbcheck.analysis.laws.tally import Judgement, Tally, owes, without_weight
from lbcheck.analysis.sequential import deciding, planning
from lbcheck.analysis.sequential.deciding import Conclusion
from lbcheck.model.verdict import Outcome

Weights = Mapping[str, int]
_OUTCOMES = {Conclusion.HEALTHY: Outcome.PASS, Conclusion.FAULTY: Outcome.FAIL}
_SCALE = 10**15  # of shares that are no ratios of small numbers; none is below 1 in 10¹⁴


def by_weight(weights: Weights) -> Weights:
    """Return the weights: a server is drawn by its weight."""
    return weights


def equally(weights: Weights) -> Weights:
    """Return equal weights: a server is drawn whatever its weight is, unless that is 0."""
    return {name: min(weight, 1) for name, weight in weights.items()}


def second_of_two(weights: Weights) -> Weights:
    """Return the weights of nginx's `random two` with idle servers: the second of two different draws is taken.

    Server j is taken with the probability Σᵢ pᵢ·pⱼ ÷ (1 − pᵢ), over the others i.
    """
    owed = sampling.shares(weights)
    if 1.0 in owed.values():  # a lone server
        return weights
    heaviest = max(owed, key=owed.__getitem__)
    odds = {name: share / (1 - share) for name, share in owed.items()}
    lighter = sum(odds[name] for name in owed if name != heaviest)  # beside the heaviest's, it would lose its digits
    others = {name: odds[heaviest] - odds[name] + lighter for name in owed} | {heaviest: lighter}
    return {name: round(share * others[name] * _SCALE) for name, share in owed.items()}


@dataclass(frozen=True)
class Draws:
    """`chances`: from the weights to those by which a server is drawn."""

    chances: Callable[[Weights], Weights] = by_weight
    holds_to_weights: ClassVar[bool] = True
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Test all servers after each round; a difference too small to matter is no fault."""
        tally = replace(tally, weights=self.chances(tally.weights))
        plan = planning.plan(tally.weights, alpha, tally.miss, tally.detect, seldom=tally.seldom)
        decision = deciding.decide(plan, (*tally.looks, tally.counts), closed=tally.closed)
        owed = sampling.shares(tally.weights)
        longest = _longest_silences(tally, owed, plan.most, silence.RATES * alpha)
        silent = [name for name, most in longest.items() if tally.silent[name] >= most]
        gone = [name for name in silent if tally.counts.get(name, 0)]
        off = [name for name in dict.fromkeys((*decision.faulty, *silent)) if name not in gone]
        faults = (*without_weight(tally), *_gone(tally, owed, gone), *_faults(tally, owed, off))
        going_on = not faults and decision.conclusion is Conclusion.GO_ON
        return Judgement(
            Outcome.FAIL if faults else _OUTCOMES.get(decision.conclusion, Outcome.INCONCLUSIVE),
            "sequential test of each server's share",
            _nothing_found(tally.detect),
            plan.most,
            faults,
            statistic=max((abs(tally.counts.get(n, 0) - owed[n] * tally.total) for n in owed), default=0.0),
            p_value=sampling.multinomial_p(tally.counts, owed) if owed else None,
            shares=owed,
            more=min([decision.more, *_until_silence(tally, longest)]) if going_on else 0,
        )


def _longest_silences(tally: Tally, owed: Mapping[str, float], most: int, rate: float) -> dict[str, int]:
    """Return server → how long it may be silent, for those of which it is known how long they are."""
    answers, used = max(most, tally.total), {name: share for name, share in owed.items() if 0 < share < 1}
    return {
        name: silence.longest(share, answers, len(used), rate) for name, share in used.items() if name in tally.silent
    }


def _until_silence(tally: Tally, longest: Mapping[str, int]) -> Iterator[int]:
    """Give the answers until a server has been silent for too long, where a look costs little.

    Not of heavy ones, whose silence any look shows.
    """
    watched = {} if tally.seldom else longest
    return (most - tally.silent[name] for name, most in watched.items() if most >= planning.OFTEN)


def _gone(tally: Tally, owed: Mapping[str, float], names: Sequence[str]) -> tuple[str, ...]:
    taken = "" if tally.taken == Tally.taken else f"{tally.taken} "  # silence is one of answers, whatever is counted
    return tuple(
        f"server {name} answered none of the last {tally.silent[name]:,} requests, and {taken}"
        f"{tally.counts[name]:,} of all {tally.total:,}; its weight owes it {owed[name]:.1%}: look at its health"
        for name in names
    )


def _nothing_found(detect: float) -> str:
    found = "halved or doubled" if detect == 0.5 else f"off by {detect:.0%} or more"
    return f"no server's weight is {found}"


def _faults(tally: Tally, owed: Mapping[str, float], names: Sequence[str]) -> tuple[str, ...]:
    def chance(name: str) -> str:
        p = binomial.two_sided(tally.counts.get(name, 0), tally.total, owed[name])
        return f" (p = {p:.1g})"

    return tuple(owes(name, tally, owed[name], chance(name)) for name in names)


DRAWS = Draws()
