"""Whether three who counted the same requests agree: the client, the balancer, the server."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ledger:
    """What each witness counted for one server; None: a witness that was not heard."""

    client: int
    balancer: int | None = None
    server: int | None = None


def disagreements(ledgers: Mapping[str, Ledger], slack: int) -> list[str]:
    """Return a sentence for each server whose witnesses contradict each other by more than `slack` requests.

    `slack` is what is explained: requests that failed at the client, retries at the balancer. The balancer may have
    counted more than the client for every server: other traffic beside the probe. The server's log counts this run's
    requests only.
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
    """Say under whose name the missing answers came, where it adds up."""
    missing = _surplus(ledgers[name])
    others = [other for other, ledger in ledgers.items() if other != name and _surplus(ledger) * missing < 0]
    balanced = abs(sum(_surplus(ledger) for ledger in ledgers.values())) <= slack
    if not (missing < 0 and balanced and others):
        return ""
    return f": its answers carry the name of {' or '.join(others)}"


def _surplus(ledger: Ledger) -> int:
    """Return how many more answers carried the name than the server gave."""
    gave = ledger.server if ledger.server is not None else ledger.balancer
    return ledger.client - gave if gave is not None else 0
