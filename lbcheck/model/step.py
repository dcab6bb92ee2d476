"""A step, what it gives (a sample), and how either fails: what every kind of step and sample has."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from lbcheck.model.question import HERE

When = Literal["before", "after"]  # a counter is read: before the traffic that it is to count, or after it
TIMEOUT_S = 5.0  # for one operation; longer than a SYN's first retransmissions (RFC 6298: after 1 s, then 2 s more)


class ErrorKind(StrEnum):
    """Why an observation failed, as precisely as the operating system and the peer tell."""

    REFUSED = "refused"  # somebody is there and nobody listens
    TIMEOUT = "timeout"  # silence
    RESET = "reset"
    UNREACHABLE = "unreachable"  # no route, no such host, or Ansible cannot log in
    PORTS_EXHAUSTED = "ports-exhausted"  # EADDRNOTAVAIL or EADDRINUSE at the client
    TLS = "tls"
    PROTOCOL = "protocol"  # an answer that is none: truncated, malformed, huge
    STATUS = "status"  # an HTTP status, or a DNS rcode, that says no
    UNIDENTIFIED = "unidentified"  # an answer without the name of who gave it
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
    """One fact, seen at a host; append-only, aggregated where it was seen. A failed step is a sample with a failure."""

    at: str
    failure: Failure | None = None
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Step(ABC):
    """One thing to do `at` a host. Each step gives exactly one sample, whatever happens."""

    at: str = HERE
    timeout_s: float = TIMEOUT_S  # for one operation

    @abstractmethod
    def lost(self, failure: Failure) -> Sample:
        """Return the sample of this step when it has no result at all."""
