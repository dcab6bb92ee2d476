"""What the balancers' configuration tells, put where their counters do not tell it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from lbcheck.model.address import host_of, is_address
from lbcheck.model.configuration import Configured, ConfiguredBackend, ConfiguredServer
from lbcheck.model.counters import BackendCounters, Counters, ServerCounters
from lbcheck.model.told_by import ToldBy
from lbcheck.model.verdict import Finding, Outcome


def completed(readings: Sequence[Counters], configured: Sequence[Configured]) -> list[Counters]:
    """Return the readings with what their balancer's configuration tells beside; without counters, that alone."""
    files = {one.balancer: one for one in configured if not one.failure}
    filled = [
        _filled(reading, files[reading.balancer]) if reading.balancer in files else reading for reading in readings
    ]
    read = {reading.balancer for reading in readings}
    return filled + [reading for name, one in files.items() if name not in read for reading in _without_counts(one)]


def findings(configured: Iterable[Configured]) -> Iterator[Finding]:
    """Report each configuration that could not be read, and what was not understood in one."""
    for one in configured:
        if one.failure:
            yield Finding(Outcome.UNMEASURED, f"configuration of {one.balancer}: {one.failure.message}")
        yield from (Finding(Outcome.PASS, note) for note in one.notes)


def _filled(reading: Counters, file: Configured) -> Counters:
    known = _backends(file)
    return replace(
        reading,
        cycles=min(reading.cycles, file.thread_groups or reading.cycles),
        backends=tuple(
            _with(backend, known[backend.name], reading.default_algorithm) if backend.name in known else backend
            for backend in reading.backends
        ),
    )


def _backends(file: Configured) -> Mapping[str, ConfiguredBackend]:
    """Return name → backend, for those that do not depend on a condition that only the balancer's process knows."""
    return {backend.name: backend for backend in file.backends if not backend.conditional}


def _with(backend: BackendCounters, file: ConfiguredBackend, default: str | None) -> BackendCounters:
    algorithm = backend.algorithm or file.algorithm or default
    configured = {server.name: server for server in file.servers}
    return replace(
        backend,
        servers=tuple(
            _called(server, configured[server.name]) if server.name in configured else server
            for server in backend.servers
        ),
        algorithm=algorithm,
        algorithm_told_by=backend.algorithm_told_by if backend.algorithm else _told(algorithm),
        mode=backend.mode or file.mode or None,
        persistent=file.persistent if backend.persistent is None else backend.persistent,
        all_backups=file.all_backups if backend.all_backups is None else backend.all_backups,
    )


def _called(server: ServerCounters, file: ConfiguredServer) -> ServerCounters:
    """Return a server with what answers may call it by, where the balancer does not tell that.

    An address that the balancer has left since is nobody's; the name of a host is that of the address which it tells.
    """
    moved = bool(server.address) and server.address != file.address and is_address(host_of(file.address))
    return replace(
        server,
        address=server.address or file.address or None,
        configured_address=None if moved else file.address or None,
        cookie=server.cookie or file.cookie or None,
    )


def _told(value: object) -> ToldBy:
    return ToldBy.NOBODY if value is None else ToldBy.CONFIGURATION


def _without_counts(file: Configured) -> Iterator[Counters]:
    backends = tuple(_as_counters(backend) for backend in _backends(file).values())
    for when in ("before", "after"):
        yield Counters(
            at=file.at,
            balancer=file.balancer,
            uri=" ".join(file.paths),
            when=when,
            product=file.product,
            backends=backends,
        )


def _as_counters(file: ConfiguredBackend) -> BackendCounters:
    servers = tuple(_server(server) for server in file.servers if not server.disabled)
    return _with(BackendCounters(name=file.name, servers=servers), file, None)


def _server(file: ConfiguredServer) -> ServerCounters:
    return ServerCounters(
        name=file.name,
        weight=file.weight,
        weight_told_by=_told(file.weight),
        backup=file.backup,
    )
