"""Counting the lines of a log that carry a token."""

from dataclasses import dataclass

from lbcheck.model.step import Failure, Sample, Step, When


@dataclass(frozen=True, kw_only=True)
class CountLogLines(Step):
    """Count the lines of a log that carry `token`; `path` is a file's, or journal:UNIT."""

    server: str
    path: str
    token: str
    when: When = "after"

    def lost(self, failure: Failure) -> "LogLines":
        """Return the sample of this step when it has no result at all."""
        return LogLines(at=self.at, failure=failure, server=self.server, path=self.path, when=self.when)


@dataclass(frozen=True, kw_only=True)
class LogLines(Sample):
    """Lines of a log that carry a token; a journal forgets, so of one only the newest is told."""

    server: str
    path: str
    lines: int = 0
    newest_s: float = 0.0  # when it was written, by that host's clock, in seconds since 1970; 0: not told
    when: When = "after"
