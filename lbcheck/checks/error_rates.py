"""Footnotes on how often a statistical verdict is wrong; the numbers come from analysis/sampling.py."""

from lbcheck.analysis.sampling import FALSE_ALARM, MISS
from lbcheck.model.exhibit import Footnote
from lbcheck.model.verdict import Outcome

_RUNS, _FAULTS = round(1 / FALSE_ALARM), round(1 / MISS)
_FALSE_ALARMS = f"A healthy cluster is called faulty in at most one run of {_RUNS:,}"
# For rules that expect no share of a server, such as leastconn's.
FALSE_ALARMS = (
    Footnote(f"{_FALSE_ALARMS}.", Outcome.PASS),
    Footnote(
        f"Next: mend what ✗ names and run this again. A healthy cluster fails in at most one run of {_RUNS:,}.",
        Outcome.FAIL,
    ),
)
ERROR_RATES = (
    Footnote(
        f"{_FALSE_ALARMS}; a server whose weight is halved is missed in at most one of {_FAULTS:,}.",
        Outcome.PASS,
    ),
    FALSE_ALARMS[1],
)
