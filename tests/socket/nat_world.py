"""A NAT of nftables on loopback, in a namespace of its own: who is placed where, and what each outside address carries.

    unshare --user --map-root-user --net python -m tests.socket.nat_world < QUESTION

The question is JSON: outside addresses, ports, subscribers, and how many connections each tries to each destination.
The answer is JSON: subscriber → outside address, and `outside address destination` → connections held.
"""

import ipaddress
import json
import select
import socket
import subprocess
import sys
from collections import Counter
from typing import Any

DESTINATION = "198.18.0.1"
FIRST_PORT = 8000
RULES = """
table ip world {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr 100.64.0.0/10 ip protocol tcp snat to {pool}:{ports} persistent
    }}
}}
"""
PATIENCE_S = 0.2  # loopback answers at once; what is silent then was dropped


def build(question: dict[str, Any]) -> None:
    """Give loopback every address, and translate the subscribers'."""
    addresses = [DESTINATION, *question["outside"], *question["subscribers"]]
    lines = ["link set lo up", *(f"address add {address}/32 dev lo" for address in addresses)]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    pool = f"{question['outside'][0]}-{question['outside'][-1]}"
    rules = RULES.format(pool=pool, ports=question["ports"])
    subprocess.run(["nft", "-f", "-"], input=rules, text=True, check=True)


def open_all(question: dict[str, Any]) -> list[socket.socket]:
    """Start every connection without waiting: each subscriber uses a port again for each destination."""
    tried = []
    for destination in range(question["destinations"]):
        for subscriber in question["subscribers"]:
            for number in range(question["each"]):
                client = socket.socket()
                client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                client.setblocking(False)
                client.bind((subscriber, 20000 + number))
                client.connect_ex((DESTINATION, FIRST_PORT + destination))
                tried.append(client)
    return tried


def main() -> None:
    """Answer one question."""
    question = json.load(sys.stdin)
    build(question)
    ports = range(FIRST_PORT, FIRST_PORT + question["destinations"])
    listeners = [socket.create_server((DESTINATION, port), backlog=4096) for port in ports]
    tried = open_all(question)
    held, ends = Counter[str](), []
    while ready := select.select(listeners, [], [], PATIENCE_S)[0]:
        for listener in ready:
            end, (outside, _) = listener.accept()
            held[f"{outside} {listeners.index(listener)}"] += 1
            ends.append(end)
    # Each end says who it is: the client's own address, which only the client sees.
    for client in tried:
        try:
            client.send(ipaddress.ip_address(client.getsockname()[0]).packed)
        except OSError:
            continue
    placed = {str(ipaddress.ip_address(end.recv(4))): end.getpeername()[0] for end in ends}
    sys.stdout.write(json.dumps({"placed": placed, "held": held}))


if __name__ == "__main__":
    main()
