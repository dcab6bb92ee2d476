"""What all kinds of step and of sample have in common; how they fail."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Literal

from lbcheck.model.question import HERE, in_words

When = Literal["before", "after"]  # when a counter is read: before or after the traffic
SILENCE_S = 60.0  # a minute; a healthy service that is asked at a rate is never silent for so long
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

    @property
    def longest_s(self) -> float:
        """By when somebody may take for lost whoever wanted this, in seconds: its planned time, and patience."""
        return self.planned_s + self.patience_s

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes where every operation ends in time."""
        return self.timeout_s

    @property
    def patience_s(self) -> float:
        """The most seconds that it waits besides, for failures and silence."""
        return SILENCE_S

    @abstractmethod
    def lost(self, failure: Failure) -> Sample:
        """Return the sample of this step when it has no result at all."""

    def gives(self, sample: Sample) -> bool:
        """Return whether a sample can be this step's own: a host speaks for itself, and of what it was asked."""
        own = self.lost(Failure(ErrorKind.INTERNAL, ""))
        return type(sample) is type(own) and all(
            getattr(sample, name) == getattr(own, name) for name in self.SAID_AGAIN
        )


def paced_s(operations: int, rate: float, each_s: float) -> float:
    """Return the most seconds for so many operations, at so many a second (0: no limit), that last so long each."""
    return operations * max(each_s, 1 / rate if rate else 0.0)
