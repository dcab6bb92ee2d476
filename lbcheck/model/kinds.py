"""Every kind of step and of sample: what can be sent to a host and back, and stored in a file."""

from lbcheck.model.command import Commanded, RunCommand
from lbcheck.model.configuration import Configured, ReadConfiguration
from lbcheck.model.counters import Counters, ReadCounters
from lbcheck.model.dns_queries import Resolution, Resolve
from lbcheck.model.fill import Fill, Filled
from lbcheck.model.log_lines import CountLogLines, LogLines
from lbcheck.model.lookup import LookUp, Lookup
from lbcheck.model.port_range import LocalPorts, ReadPortRange
from lbcheck.model.requests import Answers, Request
from lbcheck.model.sockets import ReadSockets, Sockets
from lbcheck.model.step import Sample, Step
from lbcheck.model.stub_status import ReadStubStatus, StubStatus
from lbcheck.model.watch import Watch, Watched

STEPS: tuple[type[Step], ...] = (
    Resolve, LookUp, Request, ReadCounters, ReadConfiguration, CountLogLines, ReadStubStatus, ReadSockets, Fill, Watch,
    ReadPortRange, RunCommand,
)  # fmt: skip
SAMPLES: tuple[type[Sample], ...] = (
    Resolution, Lookup, Answers, Counters, Configured, LogLines, StubStatus, Sockets, Filled, Watched,
    LocalPorts, Commanded,
)  # fmt: skip
