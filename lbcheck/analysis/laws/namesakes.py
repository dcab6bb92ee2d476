"""What all algorithms of one name owe, if nobody told which product runs it."""

from dataclasses import dataclass, replace

from lbcheck.analysis.laws.tally import Judgement, Law, Tally
from lbcheck.model.verdict import Outcome


@dataclass(frozen=True)
class Namesakes:
    """Counts fail if they break every law, pass if they keep every law, and are inconclusive elsewhere."""

    laws: tuple[Law, ...]

    @property
    def holds_to_weights(self) -> bool:
        """Whether each of the laws detects that one weight is halved."""
        return all(law.holds_to_weights for law in self.laws)

    @property
    def may_keep_to_one(self) -> bool:
        """Whether one of the laws allows one server to get every request."""
        return any(law.may_keep_to_one for law in self.laws)

    def judge(self, tally: Tally, alpha: float) -> Judgement:
        """Apply all laws; say which product would tell where they differ."""
        judged = [law.judge(tally, alpha) for law in self.laws]
        outcomes = {judgement.outcome for judgement in judged}
        worst = min(judged, key=lambda judgement: _ORDER.index(judgement.outcome))
        most = replace(
            worst,
            needed=max(judgement.needed for judgement in judged),
            more=max(judgement.more for judgement in judged),
        )
        if len(outcomes) == 1:
            return most
        if most.more or Outcome.FAIL not in outcomes:
            return replace(most, outcome=Outcome.INCONCLUSIVE, faults=())
        broken = tuple(
            f"{fault}; products differ in what this algorithm owes: --product would tell" for fault in worst.faults
        )
        return replace(worst, outcome=Outcome.INCONCLUSIVE, faults=(), doubts=broken)


_ORDER = (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.UNMEASURED, Outcome.PASS)  # the one with most to say first
