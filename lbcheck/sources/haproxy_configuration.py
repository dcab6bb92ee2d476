"""HAProxy's configuration files: what they say of frontends, backends and servers."""

import errno
import os
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lbcheck.model import schemes
from lbcheck.model.configuration import Configured, ReadConfiguration
from lbcheck.model.step import ErrorKind, Failure
from lbcheck.sources.failing import EXPECTED, SourceError, explain, within
from lbcheck.wire.haproxy_config import Configuration, ConfigurationError, parse

LIMIT_BYTES = 4 * 2**20  # of all files: a server's line is about 100 bytes, so room for 40,000 servers, read in 5 s

_ADVICE = {
    ErrorKind.NOT_FOUND: "is HAProxy's configuration there? `systemctl cat haproxy` says where",
    ErrorKind.DENIED: "run as root or as a member of the file's group",
}


def read(step: ReadConfiguration) -> Configured:
    """Read the files of one HAProxy; a failure, also a fault in a file, is a sample with its kind."""
    started = time.monotonic()
    try:
        found = within(step.timeout_s, lambda: _parsed(step.paths))
    except (*EXPECTED, ConfigurationError) as error:
        return replace(step.lost(_failure(error, step.paths)), seconds=time.monotonic() - started)
    return Configured(
        at=step.at,
        seconds=time.monotonic() - started,
        balancer=step.balancer,
        paths=step.paths,
        product=schemes.HAPROXY.name,
        threads=found.threads,
        thread_groups=found.thread_groups,
        frontends=found.frontends,
        backends=found.backends,
        notes=found.notes,
    )


def _failure(error: Exception, paths: Sequence[str]) -> Failure:
    if isinstance(error, ConfigurationError):  # it names file and line
        return Failure(ErrorKind.PROTOCOL, str(error))
    return explain(error, str(getattr(error, "filename", None) or ", ".join(paths)), _ADVICE)


def _parsed(paths: Sequence[str]) -> Configuration:
    left = LIMIT_BYTES
    texts = []
    for path in _files(paths):
        body = _beginning(path, left + 1)
        left -= len(body)
        if left < 0:
            raise SourceError(ErrorKind.PROTOCOL, f"more than {LIMIT_BYTES // 2**20} MiB of configuration")
        # Comments may be in any 8-bit encoding; none may stop the reading.
        texts.append((str(path), body.decode(errors="backslashreplace")))
    return parse(texts)


def _files(paths: Sequence[str]) -> Iterator[Path]:
    """Yield the files as HAProxy takes them: of a directory those called `*.cfg`, by name, and none that is hidden."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(file for file in path.glob("*.cfg") if not file.name.startswith("."))
        else:
            yield path


def _beginning(path: Path, limit: int) -> bytes:
    # Not blocking: to open a FIFO would otherwise wait for a writer.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise FileNotFoundError(errno.ENOENT, "not a regular file", str(path))
        return file.read(limit)
