"""What was written of a NAT → the gateway, and what it does with its addresses and ports."""

from dataclasses import replace

from lbcheck.errors import LbcheckError
from lbcheck.loaders.fields import Fields
from lbcheck.loaders.values import shown
from lbcheck.model.cluster import NatGateway
from lbcheck.model.nat import PRESETS, NatCapacity, Preset


def read(fields: Fields) -> NatGateway:
    """Return a NAT gateway: what its preset says, and over it what is said here."""
    name, addresses, preset = fields.required("name"), fields.addresses("addresses"), fields.text("preset")
    if preset and preset not in PRESETS:
        raise fields.fail("preset", f"{shown(preset)} is not one of {', '.join(PRESETS)}")
    known = PRESETS.get(preset, Preset("nobody says", NatCapacity()))
    gateway = NatGateway(
        name, addresses, fields.ports("ports", known.ports), holds=_translation(fields, known.capacity)
    )
    fields.finish()
    _refuse_empty(fields, gateway, preset)
    return gateway


def _translation(fields: Fields, known: NatCapacity) -> NatCapacity:
    said = replace(
        known,
        mapping=fields.choice("mapping", known.mapping),
        choice=fields.choice("choice", known.choice),
        reserved=fields.port_ranges("reserved_ports"),
        per_destination=fields.number("per_destination", 1, 65535) or known.per_destination,
        hold_down_s=float(fields.number("hold_down_s") or 0),
        conntrack_max=fields.number("conntrack_max"),
    )
    if fields.given.get("block_ports") == "deterministic":
        return replace(said, deterministic=fields.has("block_ports"), block_ports=None)
    return replace(said, block_ports=fields.number("block_ports", 1, 65535) or known.block_ports)


def _refuse_empty(fields: Fields, gateway: NatGateway, preset: str) -> None:
    capacity = gateway.holds or NatCapacity()
    if not gateway.addresses:
        raise fields.fail("addresses", "a pool needs at least one address")
    if capacity.most_addresses and len(gateway.addresses) > capacity.most_addresses:
        most = f"{preset or 'it'} takes {capacity.most_addresses} at most"
        raise fields.fail("addresses", f"{len(gateway.addresses)} are given, {most}")
    if not capacity.usable(gateway.ports):
        raise LbcheckError(f"{fields.where}: reserved_ports leave none of {gateway.ports}")
