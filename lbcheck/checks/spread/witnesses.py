"""Whether the client, the balancer and the server counted the same requests for each server."""

from collections.abc import Mapping
from typing import NamedTuple


class Ledger(NamedTuple):
    """How many requests each witness counted for one server; None: that witness has no count."""

    client: int
    balancer: int | None = None
    server: int | None = None


def disagreements(ledgers: Mapping[str, Ledger], slack: int) -> list[str]:
    """Return a sentence for each server whose witnesses contradict each other by more than `slack` requests.

    `slack` is the difference that failed requests and the balancer's retries explain. The balancer may count more than
    the client for every server, because it also counts other traffic. The server's log is filtered by this run's token.
    """
    found = []
    alone = sum(ledger.client for ledger in ledgers.values()) + slack >= sum(x.balancer or 0 for x in ledgers.values())
    for name, ledger in ledgers.items():
        if ledger.server is not None and abs(ledger.server - ledger.client) > slack:
            found.append(
                f"server {name} logged {ledger.server:,} requests of this run, and {ledger.client:,} answers "
                f"name it{_whose(name, ledgers, slack)}"
            )
        elif ledger.balancer is not None and (
            ledger.client > ledger.balancer + slack or (alone and abs(ledger.balancer - ledger.client) > slack)
        ):
            found.append(
                f"the balancer counted {ledger.balancer:,} answers of server {name}, and {ledger.client:,} answers "
                f"name it{_whose(name, ledgers, slack)}"
            )
    return found


def _whose(name: str, ledgers: Mapping[str, Ledger], slack: int) -> str:
    """Name the servers whose surplus of answers equals what this server lacks; empty if the sums do not match."""
    surplus = {other: _surplus(ledger) for other, ledger in ledgers.items()}
    others = [other for other, answers in surplus.items() if answers > 0]
    if surplus[name] >= 0 or not others or abs(sum(surplus.values())) > slack:
        return ""
    return f": its answers carry the name of {' or '.join(others)}"


def _surplus(ledger: Ledger) -> int:
    """Return how many more answers carried the server's name than the server itself gave."""
    gave = ledger.server if ledger.server is not None else ledger.balancer
    return ledger.client - gave if gave is not None else 0
