"""What the argument of `lbcheck prove` is made of: sections of setups, setups of rows."""

from dataclasses import dataclass

from lbcheck.model.address import PortRange
from lbcheck.model.cluster import NatGateway
from lbcheck.model.fill import Fill, StopKind

EVERY_PORT = PortRange(1024, 65535)  # those that need no privilege: 64,512


@dataclass(frozen=True)
class Row:
    """One measurement: what is opened, how many of it the model says are held, and who says no to the rest."""

    what: str
    fill: Fill
    predicted: int
    sources: int
    ports: int
    refusal: StopKind | None = None


@dataclass(frozen=True)
class Setup:
    """Rows that are opened one after the other and held together; all let go before the next setup."""

    rows: tuple[Row, ...]
    ephemeral: PortRange = EVERY_PORT  # from which the kernel picks
    pool: NatGateway | None = None  # the NAT in between; None: all on loopback
    accept: bool = False  # the server accepts; else connections wait in its queue


@dataclass(frozen=True)
class Section:
    """One claim, and the setups that show it."""

    key: str  # as `--require` calls it
    name: str
    claim: str
    setups: tuple[Setup, ...]
    gains: tuple[tuple[str, int], ...] = ()  # what was added, and the tuples that it brings
    notes: tuple[str, ...] = ()  # what its words mean

    @property
    def rows(self) -> tuple[Row, ...]:
        """Return every row, in order."""
        return tuple(row for setup in self.setups for row in setup.rows)


@dataclass(frozen=True)
class CgnAddresses:
    """Where the small CGN's hosts are: what stands it up says so."""

    subscribers: tuple[str, ...]
    subscriber_6: str
    service: str
    service_6: str
