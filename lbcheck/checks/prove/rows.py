"""The parts of `lbcheck prove`: a section has setups, a setup has rows."""

from dataclasses import dataclass

from lbcheck.model.address import PortRange
from lbcheck.model.cluster import NatGateway
from lbcheck.model.fill import Fill, StopKind

EVERY_PORT = PortRange(1024, 65535)  # the ports that need no privilege: 64,512


@dataclass(frozen=True)
class Row:
    """One measurement: the fill, how many connections the model predicts, and what refuses the rest (None: nothing)."""

    what: str
    fill: Fill
    predicted: int
    sources: int
    ports: int
    refusal: StopKind | None = None


@dataclass(frozen=True)
class Setup:
    """Rows that are opened one after the other and held together. All are released before the next setup."""

    rows: tuple[Row, ...]
    ephemeral: PortRange = EVERY_PORT  # the range from which the kernel picks
    pool: NatGateway | None = None  # the NAT on the path; None: everything on loopback
    accept: bool = False  # the server accepts; if not, connections stay in its queue


@dataclass(frozen=True)
class Section:
    """One claim, and the setups that show it."""

    key: str  # its name for `--require`
    name: str
    claim: str
    setups: tuple[Setup, ...]
    gains: tuple[tuple[str, int], ...] = ()  # what was added, and how many tuples it gains
    notes: tuple[str, ...] = ()  # explanations of terms in the rows

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row of every setup, in order."""
        return tuple(row for setup in self.setups for row in setup.rows)


@dataclass(frozen=True)
class CgnAddresses:
    """Addresses of the small CGN's hosts; the code that builds the CGN supplies them."""

    subscribers: tuple[str, ...]
    subscriber_6: str
    service: str
    service_6: str
