"""Puts servers into a state at HAProxy's admin socket: server_state.py SOCKET STATE HOST...

A host's servers are those of its name, and its further lines where a balancer has several source addresses. Into
maintenance (`maint`) they get no new request, and it waits until they have answered those that they have.
"""

import csv
import socket
import sys
import time

ANSWERED_S = 10.0  # a connection that lasts longer ends with its server


def main(path: str, state: str, *hosts: str) -> None:
    """Do it, and print each server that changed; a balancer that does not run has none."""
    try:
        rows = [row for row in statistics(path) if row["svname"].partition(".source")[0] in hosts]
    except (FileNotFoundError, ConnectionRefusedError):
        return
    for row in rows:
        if row["status"].startswith("MAINT") == (state != "maint"):
            said = ask(path, f"set server {row['pxname']}/{row['svname']} state {state}").strip()
            sys.stdout.write(f"{row['pxname']}/{row['svname']}: {said or state}\n")
    names = {(row["pxname"], row["svname"]) for row in rows}
    end = time.monotonic() + (ANSWERED_S if state == "maint" else 0)
    while time.monotonic() < end and any(
        row["scur"] != "0" for row in statistics(path) if (row["pxname"], row["svname"]) in names
    ):
        time.sleep(0.1)


def statistics(path: str) -> list[dict[str, str]]:
    """Return a row for each server, frontend and backend."""
    return list(csv.DictReader(ask(path, "show stat").removeprefix("# ").splitlines()))


def ask(path: str, order: str) -> str:
    """Return what HAProxy says to an order."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(path)
        asking.sendall(order.encode() + b"\n")
        return b"".join(iter(lambda: asking.recv(65536), b"")).decode()


main(*sys.argv[1:])
