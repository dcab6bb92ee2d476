"""Reading which connections a host holds at endpoints of its own: the step, and its result."""

from dataclasses import dataclass

from lbcheck.errors import LbcheckError
from lbcheck.model.address import Endpoint
from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class ReadSockets(Step):
    """Read the kernel's connections at `endpoints`, again and again while others hold them.

    It ends once there was a connection and then none for `quiet_s`, or where there is none at all for `wait_s`, and
    after `most_s` whatever there is.
    """

    SAID_AGAIN = ("at", "label")

    endpoints: tuple[Endpoint, ...]
    label: str = ""  # what it is for; its sample has the same
    every_s: float = 0.2
    wait_s: float = 10.0  # for a client whose program begins later than this one
    quiet_s: float = 3.0  # between two fills of a client pass some tenths of a second
    most_s: float = 120.0

    def __post_init__(self) -> None:
        if not self.endpoints:
            raise LbcheckError("no sockets to read: give at least one ADDR:PORT")

    @property
    def planned_s(self) -> float:
        """The most seconds that it takes."""
        return self.most_s + self.timeout_s

    def lost(self, failure: Failure) -> "Sockets":
        """Return the sample of this step when it has no result at all."""
        return Sockets(at=self.at, failure=failure, label=self.label)

    def gives(self, sample: Sample) -> bool:
        """Return whether a sample can be this step's own: of its endpoints only."""
        if not (super().gives(sample) and isinstance(sample, Sockets)):
            return False
        asked = set(map(str, self.endpoints))
        return all(one.endpoint in asked for reading in sample.readings for one in reading.connected)


@dataclass(frozen=True)
class Connected:
    """Connections from one address to one endpoint: those that a program has accepted, and those that wait for it.

    Who waits is in the queue of the listener, or its handshake is not over there, as where the queue is full.
    """

    endpoint: str
    source: str
    accepted: int = 0
    waiting: int = 0


@dataclass(frozen=True)
class Reading:
    """What was there at one moment, and how many readings in a row found the same."""

    connected: tuple[Connected, ...] = ()
    times: int = 1


@dataclass(frozen=True, kw_only=True)
class Sockets(Sample):
    """Every reading of one step, in their order."""

    label: str = ""
    readings: tuple[Reading, ...] = ()
