"""Which authorities a step trusts beside the system's: those of the fleet, and those that the user names."""

from lbcheck.model.plan import Options
from lbcheck.model.question import Question


def ca(question: Question, options: Options, url: str) -> str:
    """Return certificates in PEM for a step that reads `url`; none where nothing is encrypted."""
    return question.ca + options.ca if url.lower().startswith("https:") else ""
