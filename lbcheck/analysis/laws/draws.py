"""The law of independent draws by weight: an exact binomial test for each server."""

from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis import binomial, sampling
from lbcheck.analysis.laws.tally import Judgement, Tally, lacking, owes, verdict


@dataclass(frozen=True)
class Draws:
    """Each request goes to a server by chance, with a probability by weight."""

    holds_to_weights: ClassVar[bool] = True
    may_keep_to_one: ClassVar[bool] = False

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Test each server's count; the error rate is divided by the number of servers."""
        owed, needed = sampling.shares(tally.weights), sampling.needed_for_multinomial(tally.weights, alpha)
        p_values = {name: binomial.two_sided(tally.counts.get(name, 0), tally.total, owed[name]) for name in owed}
        limit = alpha / max(1, len(owed))
        faults = tuple(owes(n, tally, owed[n], f" (p = {p:.1g})") for n, p in p_values.items() if p < limit)
        return Judgement(
            verdict(tally, needed, faults),
            "exact binomial for each server",
            "each server's count fits its expected share, by an exact binomial test",
            needed,
            faults,
            statistic=max((abs(tally.counts.get(n, 0) - owed[n] * tally.total) for n in owed), default=0.0),
            p_value=sampling.multinomial_p(tally.counts, owed) if owed else None,
            shares=owed,
            more=lacking(tally, needed),
        )


DRAWS = Draws()
