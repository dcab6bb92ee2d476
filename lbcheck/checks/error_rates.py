"""How often a verdict of statistics is wrong, for people; the numbers are analysis/sampling.py's."""

from lbcheck.model.exhibit import Footnote

ERROR_RATES = Footnote(
    "A healthy cluster is called faulty in at most one run of 10,000; "
    "a server whose weight is halved is missed in at most one of 100."
)
