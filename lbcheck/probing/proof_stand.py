"""What `lbcheck prove` measures with: listeners and fills in namespaces of our own, all let go in order."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from lbcheck.errors import MeasurementError
from lbcheck.model.address import Endpoint, PortRange, family
from lbcheck.model.cluster import NatGateway
from lbcheck.model.fill import Fill, Filled
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing import namespace
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.engine import Holding, filling
from lbcheck.probing.fill.listening import QUEUE, Listening, listening
from lbcheck.probing.small_cgn import small_cgn


@dataclass(frozen=True)
class Stand:
    """Fills that are held together, and where."""

    fills: tuple[Fill, ...]
    ephemeral: PortRange
    pool: NatGateway | None = None
    accept: bool = False

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return every endpoint, each once."""
        return tuple(dict.fromkeys(endpoint for fill in self.fills for endpoint in fill.endpoints))


def measure(stands: Sequence[Stand], say: Callable[[Filled], None]) -> None:
    """Measure one after the other; say a sample for each fill. This process must be in namespaces of its own."""
    for stand in stands:
        for sample in _measure(stand):
            say(sample)


def obstacle(stand: Stand) -> str | None:
    """Stand it up, and take it down again; return why that cannot be done here. For namespaces of our own, too."""
    try:
        if any(family(endpoint.address) == 6 for endpoint in stand.endpoints):
            namespace.need_ipv6()
        with _listening(replace(stand, accept=False)):
            return None
    except MeasurementError as error:
        return str(error)
    except OSError as error:
        return f"the kernel refuses it: {error.strerror}"


def pair_bytes(*, accept: bool) -> int:
    """Return what a connection takes with both ends on this machine."""
    return needs.ACCEPTED_PAIR_BYTES if accept else needs.PAIR_BYTES


def _measure(stand: Stand) -> list[Filled]:
    holdings: list[Holding] = []
    try:
        with _listening(stand) as listeners, ExitStack() as held:
            for fill in stand.fills:
                holdings.append(held.enter_context(filling(fill, pair_bytes=pair_bytes(accept=stand.accept))))
            if stand.accept:
                listeners.wait_until_accepted()
            for holding in holdings:
                holding.hold(0.0)
            listeners.close()
    except MeasurementError as error:
        return [fill.lost(Failure(ErrorKind.DENIED, str(error))) for fill in stand.fills]
    return [holding.sample() for holding in holdings]


@contextmanager
def _listening(stand: Stand) -> Iterator[Listening]:
    """Be where the clients are, with the service listening where it is."""
    with ExitStack() as stack:
        if stand.pool:
            cgn = stack.enter_context(small_cgn(stand.pool))
            with namespace.entered(cgn.service):
                _long_queue()
                service = listening(stand.endpoints, accept=stand.accept)
                listeners = stack.enter_context(service)
            stack.enter_context(namespace.entered(cgn.subscribers))
        else:
            _long_queue()
            listeners = stack.enter_context(listening(stand.endpoints, accept=stand.accept))
        namespace.sysctl("ipv4/ip_local_port_range", str(stand.ephemeral).replace("-", " "))
        yield listeners


def _long_queue() -> None:
    namespace.sysctl("core/somaxconn", str(QUEUE))
    namespace.sysctl("ipv4/tcp_max_syn_backlog", str(QUEUE))
