"""What may be said of an order of answers: its kind, its numbers, and a sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from lbcheck.analysis.order.period import smallest_period
from lbcheck.analysis.order.steady import Absence, in_bunches, long_gaps
from lbcheck.analysis.order.swing import Swing, widest_swing


class Kind(StrEnum):
    """The kinds of order that can be told apart; algorithms of one kind cannot."""

    STRICT_CYCLE = "strict cycle"  # every server once, in the same turn, again and again
    WEIGHTED_CYCLE = "weighted cycle"  # a longer period, which repeats without exception
    EVEN = "even"  # more even than draws: one cycle, or a few side by side
    ONE_SERVER = "one server"  # one name in every answer
    ONE_KEY_ONE_SERVER = "one key, one server"  # several keys, several servers, each key always met the same one
    FIRST_UNTIL_FULL = "first until full"  # each server answers in one stretch, one after the other
    CHANGED = "changed"  # a server came or went, or a share changed
    DRAWS_LIKE = "draws-like"  # neither more nor less even than independent draws
    UNKNOWN = "unknown"  # none of these; the sentence says why


@dataclass(frozen=True)
class Inference:
    """What the order of answers tells. It names a kind of order, never an algorithm.

    `evenness`: the largest range over time of a server's count less its share of the answers so far, in requests.
    `chance`: at most this often do independent draws give an order that is called this kind; None: no such bound.
    `period`: answers until the order repeats. `weights`: server → its weight within a period, without common factor.
    `absences`: servers that came, went or stayed away, with when.
    """

    kind: Kind
    sentence: str  # what may be said, and what cannot be told apart
    evenness: float
    chance: float | None = None
    period: int | None = None
    weights: Mapping[str, int] = field(default_factory=dict)
    absences: tuple[Absence, ...] = ()


@dataclass(frozen=True)
class Order:
    """The servers' names, one for each answer, in the order of the answers, and what the rules need to know of them.

    `keys`: for each answer the key that was sent (a source address, a header's value); empty: nobody told.
    """

    answers: Sequence[str]
    keys: Sequence[str] = ()

    @property
    def length(self) -> int:
        """The number of answers."""
        return len(self.answers)

    @cached_property
    def counts(self) -> Counter[str]:
        """Server → its answers, in the order of the servers' first answers."""
        return Counter(self.answers)

    @cached_property
    def swing(self) -> Swing:
        """The server whose count strays most from its share."""
        return widest_swing(self.answers)

    @property
    def evenness(self) -> float:
        """The range by which it strays, in requests."""
        return self.swing.size

    @cached_property
    def long_gaps(self) -> tuple[Absence, ...]:
        """Which servers came, went or stayed away, if answers do not come in bunches."""
        return long_gaps(self.answers, {})

    @cached_property
    def in_bunches(self) -> bool:
        """Whether answers of a server come in stretches that return."""
        return in_bunches(self.answers, self.long_gaps)

    @cached_property
    def period(self) -> int:
        """The smallest period; the number of answers if nothing repeats."""
        return smallest_period(self.answers)

    @cached_property
    def repeat(self) -> float:
        """The chance that two draws with the observed shares name the same server: Σp̂²."""
        return sum((count / self.length) ** 2 for count in self.counts.values())


def listed(names: Sequence[str], most: int = 5) -> str:
    """Return names for a sentence: all of a few, and of many the first ones and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)
