"""The law of hashes: one key meets one server."""

from dataclasses import dataclass
from typing import ClassVar

from lbcheck.analysis.laws.tally import Judgement, Tally, lacking, verdict


@dataclass(frozen=True)
class OneKeyOneServer:
    """Shares depend on the keys, so none is expected."""

    holds_to_weights: ClassVar[bool] = False
    may_keep_to_one: ClassVar[bool] = True

    def judge(self, tally: Tally, alpha: float) -> Judgement:  # noqa: ARG002 (every law has the same shape)
        """Name each key that met several servers."""
        torn = {key: answered for key, answered in tally.by_key.items() if len(answered) > 1}
        faults = tuple(
            f"{key} met {len(answered)} servers ({', '.join(sorted(answered))}): a hash sends one key to one server"
            for key, answered in torn.items()
        )
        # Ten answers to each key: if one of two servers were picked at random, all ten agree less than once in 500.
        needed = 10 * max(1, len(tally.by_key))
        rule = "each key met one server"
        more = lacking(tally, needed)
        return Judgement(verdict(tally, needed, faults), "one key, one server", rule, needed, faults, more=more)


ONE_KEY = OneKeyOneServer()
