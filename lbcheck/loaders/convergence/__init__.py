"""What stands in the way of converging an inventory with the playbooks: everything at once, before anything changes.

One pure function, from `ansible-inventory --list` to all complaints. Each names the variable, the hosts and the
inventory. What passes here converges, in a lab and elsewhere.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lbcheck.errors import LbcheckError
from lbcheck.loaders import ansible_inventory, reference
from lbcheck.loaders.capacity_variables import with_capacity
from lbcheck.loaders.convergence import addresses, service, variables, ways
from lbcheck.loaders.convergence.gathering import Complaints

NONE = "no host has cluster_addresses: a mapping of each of its networks to its addresses there"
_SERVICE = (service.groups, service.wording, service.frontends, service.backends, service.names, service.ports)
_WAYS = (ways.to_servers, ways.of_clients, ways.vips, ways.translation)


def complaints(listing: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return a sentence for each thing that is missing or wrong; none where the inventory converges."""
    try:
        found = Complaints(reference.completed(listing), where)
    except LbcheckError as error:  # nobody knows what its variables are called
        return (str(error),)
    if not any("cluster_addresses" in own for own in found.hostvars.values()):
        found.say(NONE)
        return tuple(found.sentences())
    variables.look(found)
    placed = addresses.look(found)
    for part in (*_SERVICE, *_WAYS) if placed else _SERVICE:
        _look(found, part)
    if not found:
        _understand(found)
    return tuple(found.sentences())


def _look(found: Complaints, part: Callable[[Complaints], None]) -> None:
    try:
        part(found)
    except (LbcheckError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        if not found:  # else it rests on something that was complained of
            raise


def _understand(found: Complaints) -> None:
    """Complain of what lbcheck itself would refuse."""
    try:
        with_capacity(ansible_inventory.understand(found.listing, found.where).cluster, found.reader)
    except LbcheckError as error:
        found.say(str(error).removesuffix(f" ({found.where})"))
