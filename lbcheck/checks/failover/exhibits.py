"""What a person sees of a failover: a time line of one address."""

from lbcheck.checks.failover.evidence import WatchEvidence
from lbcheck.model.exhibit import Absence, Exhibit, Timeline
from lbcheck.model.verdict import Verdict


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the time line of a watched address; nothing for other evidence."""
    match verdict.evidence:
        case WatchEvidence(watched_s=watched_s, gaps=gaps):
            absences = (Absence(gap.start_s, gap.seconds, gap.before, gap.after) for gap in gaps)
            return (Timeline(watched_s, tuple(absences)),)
        case _:
            return ()
