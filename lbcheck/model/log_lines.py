"""Counting the lines of a log that carry a token."""

from dataclasses import dataclass

from lbcheck.model.step import Failure, Sample, Step, When


@dataclass(frozen=True, kw_only=True)
class CountLogLines(Step):
    """Count the lines of a log that contain `token`; `path` is a file or journal:UNIT.

    `awaited`: look again until there is one, or `timeout_s` is over, because programs write their logs in blocks.
    """

    SAID_AGAIN = ("at", "server", "path", "when", "frontend")

    server: str
    path: str
    token: str
    when: When = "after"
    frontend: str = ""  # whose requests carry the token; empty: all of this run
    awaited: bool = False

    def lost(self, failure: Failure) -> "LogLines":
        """Return the sample of this step when it has no result at all."""
        return LogLines(
            at=self.at,
            failure=failure,
            server=self.server,
            path=self.path,
            when=self.when,
            frontend=self.frontend,
        )


@dataclass(frozen=True, kw_only=True)
class LogLines(Sample):
    """How many lines of a log contain a token. A journal drops old lines: for one `lines` is 0 or 1, see `newest_s`."""

    server: str
    path: str
    lines: int = 0
    newest_s: float = 0.0  # when the newest line was written, by that host's clock, in seconds since 1970; 0: not known
    when: When = "after"
    frontend: str = ""  # whose requests carry the token; empty: all of this run
