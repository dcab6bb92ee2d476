"""When a service answered, as a line."""

from lbcheck.checks.failover.evidence import WatchEvidence
from lbcheck.model.exhibit import Absence, Exhibit, Timeline
from lbcheck.model.verdict import Verdict


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the watch of an address as a time line."""
    match verdict.evidence:
        case WatchEvidence(watched_s=watched_s, gaps=gaps):
            absences = (Absence(gap.start_s, gap.seconds, gap.before, gap.after) for gap in gaps)
            return (Timeline(watched_s, tuple(absences)),)
        case _:
            return ()
