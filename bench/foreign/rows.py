"""One row of the bench's tables: what was run, and what was said of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Row:
    """`what`: its first columns. `outcomes`, `requests`: of its runs. `wrong`: why it is not as it should be."""

    what: dict[str, object]
    outcomes: Counter[str] = field(default_factory=Counter)
    requests: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def add(self, outcome: str, requests: int, wrong: Sequence[str] = ()) -> None:
        """Count one run."""
        self.outcomes[outcome] += 1
        self.requests.append(requests)
        self.wrong += wrong

    def cells(self) -> dict[str, object]:
        """Return the row as it is printed."""
        said = ", ".join(f"{outcome} {number}" for outcome, number in self.outcomes.most_common())
        return {**self.what, "outcomes": said, "requests": span(self.requests)}


def span(numbers: Sequence[int]) -> str:
    """Return the least and the most of numbers; one, if they are the same."""
    least, most = min(numbers, default=0), max(numbers, default=0)
    return f"{least:,}" if least == most else f"{least:,}–{most:,}"
