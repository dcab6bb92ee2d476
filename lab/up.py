"""Brings the lab to what the inventory says, from whatever stands: starts what is missing, removes what is too much."""

from pathlib import Path

from lab import host, image, network
from lab.inventory import Wiring
from lab.progress import phase
from lab.state import Instance
from lab.system import need_watches


def up(instance: Instance, wiring: Wiring) -> None:
    """Stand the lab up; on a standing lab, only what is missing or has changed is started."""
    if wiring.ipv6:
        network.need_ipv6()
    with phase("image") as current:
        root = image.ensure(current)
    with phase("hosts") as current:
        current.say("looking")
        keep = _standing(instance, wiring, root)
        gone = [name for name in instance.known_hosts() if name not in keep]
        for name in gone:
            host.remove(instance, name)
        new = [one for one in wiring.hosts if one.name not in keep]
        need_watches(len(new))
        network.make_bridges(instance, wiring.networks)
        current.say(f"starting {len(new)} of {len(wiring.hosts)}")
        network.attach(instance, new)
        host.start(instance, new, root)
        current.say(_outcome(wiring, keep, gone))


def ending(instance: Instance, wiring: Wiring) -> list[str]:
    """Return the hosts that `up` would take away: the inventory has none of that name, or another one."""
    with phase("image") as current:
        root = image.ensure(current)
    keep = _standing(instance, wiring, root)
    return [name for name in instance.known_hosts() if name not in keep]


def _standing(instance: Instance, wiring: Wiring, root: Path) -> set[str]:
    """Return the hosts that stand as they are wanted. Without the bridges none does: their wires end nowhere."""
    if not network.bridged(instance):
        return set()
    return {one.name for one in wiring.hosts if host.running(instance, one.name) and host.same(instance, one, root)}


def _outcome(wiring: Wiring, keep: set[str], gone: list[str]) -> str:
    names = {one.name for one in wiring.hosts}
    parts = [f"{len(names)} up"]
    if keep and (started := len(names - keep)):
        parts.append(f"{started} started")
    if removed := len(set(gone) - names):
        parts.append(f"{removed} removed")
    return ", ".join(parts)
