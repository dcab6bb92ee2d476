"""Reading from which ports a host's kernel connects: the step, and its result."""

from dataclasses import dataclass

from lbcheck.model.address import PortRange
from lbcheck.model.step import Failure, Sample, Step


@dataclass(frozen=True, kw_only=True)
class ReadPortRange(Step):
    """Read ip_local_port_range and ip_local_reserved_ports."""

    def lost(self, failure: Failure) -> "LocalPorts":
        """Return the sample of this step when it has no result at all."""
        return LocalPorts(at=self.at, failure=failure)


@dataclass(frozen=True, kw_only=True)
class LocalPorts(Sample):
    """The ports that a host's kernel chooses from, and those of them that it passes over. None: not known."""

    ports: PortRange | None = None
    reserved: tuple[PortRange, ...] = ()
