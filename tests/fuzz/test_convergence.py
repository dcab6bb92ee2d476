"""An inventory of the reference cluster that somebody changed: it is understood, or every reason is said."""

from typing import Any

from hypothesis import given

from lbcheck.errors import LbcheckError
from lbcheck.loaders import reference
from lbcheck.loaders.ansible_inventory import understand
from lbcheck.loaders.convergence import complaints
from tests.unit.test_convergence import healthy

from .damage import damaged, in_time, sentence


@given(damaged(healthy()["_meta"]["hostvars"]))
def test_an_inventory_that_is_nearly_right_is_complained_of_in_sentences(hosts: Any) -> None:
    """Whatever is where something else belongs; and what is not complained of is understood."""
    hostvars = {str(name): own for name, own in hosts.items() if isinstance(own, dict)}
    listing = healthy() | {"_meta": {"hostvars": hostvars}}
    with in_time():
        found = complaints(listing, "hosts.yml")
        for one in found:
            sentence(LbcheckError(one))
        if not found:
            understand(reference.completed(listing), "hosts.yml")
