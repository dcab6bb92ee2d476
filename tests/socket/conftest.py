"""What several of these tests need."""

import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for www.lab.test and ::1, with its key."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(make("www.lab.test", "::1").with_key)
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def no_descriptor_leaks() -> Iterator[None]:
    """Whatever happens, as many descriptors are open after a test as before."""
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (a count; the listing's own descriptor is in both)
    yield
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
