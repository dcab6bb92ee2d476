"""What all kinds of step and of sample have in common; how they fail."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

from lbcheck.model.question import HERE, in_words

When = Literal["before", "after"]  # when a counter is read: before or after the traffic
TIMEOUT_S = 5.0  # for one operation; longer than a SYN's first retransmissions (RFC 6298: after 1 s, then 2 s more)


class ErrorKind(StrEnum):
    """Why an observation failed, as precisely as the operating system and the peer tell."""

    REFUSED = "refused"  # the host answers, and no program listens
    TIMEOUT = "timeout"  # silence
    RESET = "reset"
    UNREACHABLE = "unreachable"  # no route, no such host, or Ansible cannot log in
    PORTS_EXHAUSTED = "ports-exhausted"  # EADDRNOTAVAIL or EADDRINUSE at the client
    TLS = "tls"
    PROTOCOL = "protocol"  # an invalid answer: truncated, malformed, too large
    STATUS = "status"  # an HTTP status or a DNS rcode for an error
    UNIDENTIFIED = "unidentified"  # an answer that does not name its server
    NOT_FOUND = "not-found"  # no such name, file, socket or program
    DENIED = "denied"  # permission, or a wrong password
    INTERNAL = "internal"  # lbcheck's own fault, or a host's Python is missing


@dataclass(frozen=True)
class Failure:
    """Why a whole step has no result; `message` is a sentence."""

    kind: ErrorKind
    message: str


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One fact observed at a host, and aggregated there. A failed step gives a sample with a failure."""

    at: str
    failure: Failure | None = None
    seconds: float = 0.0

    @property
    def place(self) -> str:
        """Where it was observed, in words."""
        return in_words(self.at)


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One thing to do `at` a host. Each step gives exactly one sample, whatever happens."""

    SAID_AGAIN: ClassVar[tuple[str, ...]] = ("at",)  # fields that its sample has from it

    at: str = HERE
    timeout_s: float = TIMEOUT_S  # for one operation

    @abstractmethod
    def lost(self, failure: Failure) -> Sample:
        """Return the sample of this step when it has no result at all."""

    def gives(self, sample: Sample) -> bool:
        """Return whether a sample can be this step's own: a host speaks for itself, and of what it was asked."""
        own = self.lost(Failure(ErrorKind.INTERNAL, ""))
        return type(sample) is type(own) and all(
            getattr(sample, name) == getattr(own, name) for name in self.SAID_AGAIN
        )
