"""Open connections over many processes, hold them, count them by the kernel's own account, and let them go."""

import os
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from lbcheck.errors import LbcheckError, MeasurementError
from lbcheck.model.address import Endpoint, PortRange, family, is_loopback
from lbcheck.model.fill import Fill, Filled, StopKind
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.probing import child, sock_diag
from lbcheck.probing.fill import needs
from lbcheck.probing.fill.plan import SPARE_DESCRIPTORS, FillBlock, blocks, deal, portions, workers
from lbcheck.probing.fill.worker import STOP, Portions, Worker
from lbcheck.probing.socket_options import socket_family
from lbcheck.probing.stopping import Stopped, never

_NAMED = 5  # sockets that a sentence names
_LOOK_S = 0.1  # how often to ask whether to stop, and how much memory is left: at 100,000/s, 70 MB in between


def fill(step: Fill, stopped: Stopped = never) -> Filled:
    """Run a whole Fill: open, hold as long as it says, let go."""
    try:
        _wait(step.after_s, stopped)
        with filling(step, stopped) as held:
            held.hold(step.hold_s, stopped)
    except LbcheckError as error:
        return step.lost(Failure(ErrorKind.DENIED, str(error)))
    return held.sample()


@contextmanager
def filling(step: Fill, stopped: Stopped = never, *, pair_bytes: int | None = None) -> Iterator["Holding"]:
    """Open all that `step` says, and hold it until the block ends."""
    holding = Holding(step, prepare(step, pair_bytes))
    try:
        holding.open(stopped)
        yield holding
    finally:
        holding.release()


# --- before ---


class Prepared:
    """What a fill will do and what it takes."""

    def __init__(self, step: Fill, pair_bytes: int | None) -> None:
        self.step = step
        self.ephemeral = ephemeral_ports()
        self.routed = _routed(step)
        self.plan: Sequence[FillBlock] = blocks(step, self.ephemeral, self.routed)
        self.attempts = sum(block.count for block in self.plan)
        self.processors = len(os.sched_getaffinity(0))
        self.room = needs.room()
        self.descriptors = max(1, self.room.descriptors - SPARE_DESCRIPTORS)  # a worker's, for connections
        self.portions = portions(self.attempts, self.descriptors, step.at_once)
        self.workers = workers(self.attempts, self.descriptors, self.processors, step.at_once)
        each = pair_bytes or (needs.ACCEPTED_PAIR_BYTES if self._ends_here() else needs.SOCKET_BYTES)
        # What is accepted on this machine takes a file there, too.
        self.needs = needs.needs(
            self.attempts, self.workers, pair_bytes=each, files_each=1 + (each == needs.ACCEPTED_PAIR_BYTES)
        )

    def _ends_here(self) -> bool:
        return any(is_loopback(endpoint.address) or _is_own(endpoint.address) for endpoint in self.step.endpoints)

    def check(self) -> None:
        """Raise LbcheckError where something is missing."""
        for source in self.step.sources:
            if not _is_own(source):
                raise LbcheckError(f"source address {source} is not on this machine (ip address add {source} …)")
        if short := needs.shortages(self.needs, self.room):
            raise MeasurementError(f"{self.attempts:,} connections: {'; '.join(short)}; ask for fewer")


def prepare(step: Fill, pair_bytes: int | None = None) -> Prepared:
    """Say what a fill takes; `pair_bytes` is the kernel's memory for one connection where that is known better."""
    return Prepared(step, pair_bytes)


def ephemeral_ports() -> PortRange:
    """Return the range from which this network namespace picks ports."""
    low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    return PortRange(int(low), int(high))


def reserved_ports() -> tuple[PortRange, ...]:
    """Return the ports that this network namespace never picks itself."""
    text = Path("/proc/sys/net/ipv4/ip_local_reserved_ports").read_text().strip()
    spans = (part.partition("-") for part in text.split(",") if part)
    return tuple(PortRange(int(low), int(high or low)) for low, _, high in spans)


def _routed(step: Fill) -> dict[Endpoint, str]:
    """Return the source that the route to each endpoint picks, for a bind that must name one."""
    if step.sources or step.binding == "none":
        return {}
    return {endpoint: _source_towards(endpoint) for endpoint in step.endpoints}


def _source_towards(endpoint: Endpoint) -> str:
    with _socket(endpoint.address, socket.SOCK_DGRAM) as asking:  # UDP: connect sends nothing
        try:
            asking.connect((endpoint.address, endpoint.port))
        except OSError as error:
            raise MeasurementError(f"no route to {endpoint}: {error.strerror}") from None
        return str(asking.getsockname()[0])


def _is_own(address: str) -> bool:
    with _socket(address, socket.SOCK_DGRAM) as trying:
        try:
            trying.bind((address, 0))
        except OSError:
            return False
    return True


def _socket(address: str, kind: socket.SocketKind) -> socket.socket:
    return socket.socket(socket_family(family(address)), kind)


# --- during ---


class Holding:
    """The worker processes of one fill, and what they hold."""

    def __init__(self, step: Fill, prepared: Prepared) -> None:
        self._step, self._prepared = step, prepared
        self._children: list[child.Child] = []
        self._stops: Counter[str] = Counter()
        self._facts: dict[str, Any] = {}
        self._before: dict[Endpoint, int] = {}
        self._taken: tuple[str, ...] = ()
        self._slab = 0

    def open(self, stopped: Stopped) -> None:
        """Open everything, as many processes at once as there are processors, and count."""
        self._prepared.check()
        needs.raise_descriptors()  # a channel for each worker
        self._before = {endpoint: sock_diag.count(endpoint) for endpoint in self._step.endpoints}
        self._taken = tuple(self._in_use())
        self._slab, start = needs.meminfo()["Slab"], time.monotonic()
        attempted, opened = self._run_workers(stopped)
        seconds = time.monotonic() - start
        held = self.count()
        lost = opened - sum(held.values())
        if lost > 0 and not self._stops[StopKind.KILLED]:
            self._stops[StopKind.CLOSED] += lost
        self._facts = {
            "attempted": attempted,
            "opened": opened,
            "held": sum(held.values()),
            "by_endpoint": {str(endpoint): count for endpoint, count in held.items()},
            "slab_bytes": self.slab_bytes(),
            "seconds": round(seconds, 3),
            "count_s": round(time.monotonic() - start - seconds, 3),
        }

    def _in_use(self) -> Iterator[str]:
        """Give, in words, the first sockets of others that have a port of the range at one of the fill's addresses."""
        own = {block.source for block in self._prepared.plan}
        users = sock_diag.users(self._step.ports or self._prepared.ephemeral)
        if "" not in own:  # else the route picks the source, and a port may be taken at any
            users = (one for one in users if one.own.address in own | {"0.0.0.0", "::"})  # noqa: S104
        yield from map(str, islice(users, _NAMED))

    def count(self) -> dict[Endpoint, int]:
        """Return what is held to each endpoint, by the kernel's count."""
        return {end: max(0, sock_diag.count(end) - before) for end, before in self._before.items()}

    def slab_bytes(self) -> int:
        """Return what the kernel's memory rose by since the opening began, the whole machine's."""
        return max(0, needs.meminfo()["Slab"] - self._slab)

    def hold(self, seconds: float, stopped: Stopped = never) -> None:
        """Wait, then count again; what the other side closed meanwhile is lost."""
        _wait(seconds, stopped)
        if stopped():
            self._stops[StopKind.INTERRUPTED] = 1
        counted = {str(end): count for end, count in self.count().items()} if seconds else self._facts["by_endpoint"]
        after = sum(counted.values())
        killed = sum(worker.gone() for worker in self._children)
        if killed:
            self._stops[StopKind.KILLED] = killed
        elif after < self._facts["held"]:
            self._stops[StopKind.CLOSED] += self._facts["held"] - after
        self._facts["held_after"], self._facts["by_endpoint_after"] = after, counted

    def release(self) -> None:
        """Let go of everything, and see that nothing stays."""
        start = time.monotonic()
        for worker in self._children:
            worker.dismiss()
        for worker in self._children:
            worker.bury()
        self._children = []
        self._facts["release_s"] = round(time.monotonic() - start, 3)
        self._facts["time_wait"] = sum(sock_diag.count(end, sock_diag.TIME_WAIT) for end in self._before)

    def sample(self) -> Filled:
        """Return what came of it."""
        step, plan = self._step, self._prepared.plan
        return Filled(
            at=step.at,
            binding=step.binding,
            label=step.label,
            sources=len({block.source for block in plan}),
            endpoints=len(step.endpoints),
            ports=len(step.ports or self._prepared.ephemeral),
            planned=self._prepared.attempts,
            workers=self._prepared.workers,
            before=sum(self._before.values()),
            stops=dict(self._stops),
            taken=self._taken if self._stops.keys() & {StopKind.IN_USE, StopKind.NO_PORT} else (),
            **self._facts,
        )

    # --- the workers ---

    def _run_workers(self, stopped: Stopped) -> tuple[int, int]:
        """Run all workers; return how many connections they tried, and how many they opened."""
        prepared = self._prepared
        shared = Portions(deal(prepared.plan, prepared.portions))
        width = min(prepared.processors, prepared.workers)
        attempted, opened, stopping = 0, 0, False
        with selectors.DefaultSelector() as opening, closing(shared):
            for _ in range(width):
                self._start(shared, width, opening)
            while opening.get_map():
                for key, _ in opening.select(_LOOK_S):
                    opening.unregister(key.fileobj)
                    report = self._hear(key.data)
                    attempted, opened = attempted + report["attempted"], opened + report["opened"]
                    if not stopping and shared.left() and len(self._children) < prepared.workers:
                        self._start(shared, width, opening)
                if not stopping and (why := _reason_to_stop(stopped)):
                    stopping, self._stops[why] = True, self._stops[why] + 1
                    for key in list(opening.get_map().values()):
                        key.data.tell(STOP)
        return attempted, opened

    def _start(self, portions: Portions, width: int, opening: selectors.BaseSelector) -> None:
        worker = Worker(self._step, self._step.rate / width, self._prepared.descriptors)
        started = child.fork(lambda channel: worker.run(portions, channel), [portions.fd])
        self._children.append(started)
        opening.register(started.channel, selectors.EVENT_READ, started)

    def _hear(self, worker: child.Child) -> dict[str, Any]:
        report = worker.report()
        if report is None:  # whatever it held went with it; the kernel's count knows
            self._stops[StopKind.KILLED] += 1
            return {"attempted": 0, "opened": 0}
        if "error" in report:
            raise MeasurementError(f"a worker process failed: {report['error']}")
        self._stops.update(report["stops"])
        return report


def _wait(seconds: float, stopped: Stopped) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and not stopped():
        time.sleep(min(left, _LOOK_S))


def _reason_to_stop(stopped: Stopped) -> StopKind | None:
    if stopped():
        return StopKind.INTERRUPTED
    return StopKind.LOW_MEMORY if needs.memory_left() < 0 else None
