"""What came of the requests by each way: from a host and source address to an address of a frontend, in all rounds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lbcheck.checks.spread.observations import Observations
from lbcheck.model.requests import Answers
from lbcheck.model.step import ErrorKind


@dataclass(frozen=True)
class Way:
    """What came of `sent` requests by one way.

    `balancer`: whose address it is; empty: nobody told. `nameless`: HTTP status → answers that name no server.
    `unanswered`: kind of error → requests without an answer, or with one whose status is not known. `reasons`: kind of
    error → why the first request with it failed.
    """

    source: str
    address: str
    balancer: str
    sent: int
    nameless: Mapping[str, int]
    unanswered: Mapping[str, int]
    reasons: Mapping[str, str]
    given_up: tuple[str, ...]

    @property
    def gone(self) -> bool:
        """Whether no request by this way was answered."""
        return sum(self.unanswered.values()) == self.sent


def ways(seen: Observations) -> list[Way]:
    """Return every way by which requests were sent."""
    homes = {vip.address: vip.home for vip in seen.cluster.vips}
    found: dict[tuple[str, str], list[Answers]] = {}
    for answers in seen.answers:
        found.setdefault((answers.source or answers.place, answers.address), []).append(answers)
    return [
        Way(
            source,
            address,
            homes.get(address, ""),
            sum(answers.sent for answers in asked),
            summed(_nameless(answers) for answers in asked),
            summed(_unanswered(answers) for answers in asked),
            {kind: why for answers in reversed(asked) for kind, why in answers.reasons.items()},
            tuple(dict.fromkeys(answers.given_up for answers in asked if answers.given_up)),
        )
        for (source, address), asked in found.items()
    ]


def _nameless(answers: Answers) -> Mapping[str, int]:
    """Return HTTP status → answers that name no server, as far as the sample tells: earlier ones kept less."""
    if answers.unnamed or not answers.statuses:
        return answers.unnamed
    if not answers.counts:
        return answers.statuses
    wrong = {status: count for status, count in answers.statuses.items() if status >= "500"}
    return wrong if sum(wrong.values()) == answers.errors.get(ErrorKind.STATUS, 0) else {}


def _unanswered(answers: Answers) -> Mapping[str, int]:
    if not answers.errors:
        return answers.errors
    left = Counter(answers.errors)
    for status, count in _nameless(answers).items():
        left[ErrorKind.STATUS if status >= "500" else ErrorKind.UNIDENTIFIED] -= count
    return +left


def summed(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sum of counts, key by key."""
    whole: dict[str, int] = {}
    for part in parts:
        for key, count in part.items():
            whole[key] = whole.get(key, 0) + count
    return whole


def route(seen: Observations, way: Way) -> str:
    """Return a way in words."""
    return f"{seen.frontend.url} at {way.address or 'its own address'} from {way.source}"


def amount(count: int, of: int, what: str = "requests") -> str:
    """Return how many of how many, in words."""
    return f"all {of:,} {what}" if count == of else f"{count:,} of {of:,} {what}"
