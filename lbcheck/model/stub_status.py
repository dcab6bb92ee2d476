"""Reading nginx's own counters."""

from dataclasses import dataclass

from lbcheck.model.step import Failure, Sample, Step, When


@dataclass(frozen=True, kw_only=True)
class ReadStubStatus(Step):
    """Read nginx's stub_status."""

    SAID_AGAIN = ("at", "server", "when")

    server: str
    url: str
    when: When
    ca: str = ""  # certificates in PEM, of authorities that are trusted beside the system's, where `url` is https

    def lost(self, failure: Failure) -> "StubStatus":
        """Return the sample of this step when it has no result at all."""
        return StubStatus(at=self.at, failure=failure, server=self.server, when=self.when)


@dataclass(frozen=True, kw_only=True)
class StubStatus(Sample):
    """nginx's own counters, for the whole nginx; they include the request that reads them."""

    server: str
    when: When
    accepts: int = 0
    handled: int = 0
    requests: int = 0
