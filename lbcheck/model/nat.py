"""What a NAT does with addresses and ports, in the terms of RFC 4787 and RFC 6888, and presets for common NATs."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lbcheck.model.address import PortRange


class MappingBehaviour(StrEnum):
    """For which destinations a mapping (inside address and port → outside address and port) serves (RFC 4787, 4.1)."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"  # for all: the NAT uses a port once
    ADDRESS_DEPENDENT = "address-dependent"  # for one address: the NAT reuses a port for each address
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"  # for one endpoint: it reuses a port for each


class AddressChoice(StrEnum):
    """How a mapping gets its outside address (RFC 4787, 4.1: pooling is paired or arbitrary)."""

    LINUX_HASH = "linux-hash"  # paired, by nftables' hash of the inside address (`snat … persistent`)
    PAIRED = "paired"  # a subscriber keeps one address; subscribers are spread evenly
    ROUND_ROBIN = "round-robin"  # arbitrary: each mapping takes the next address


ALL_PORTS = PortRange(1024, 65535)  # 64,512: all but the well-known ones (RFC 6335)


@dataclass(frozen=True)
class NatCapacity:
    """How a NAT uses its outside addresses and ports; its capacity follows from that."""

    mapping: MappingBehaviour = MappingBehaviour.ADDRESS_AND_PORT_DEPENDENT
    choice: AddressChoice = AddressChoice.LINUX_HASH
    reserved: tuple[PortRange, ...] = ()  # ports that are never given out
    deterministic: bool = False  # each subscriber has a block, of the size that RFC 7422's formula gives
    block_ports: int | None = None  # each subscriber has a block of this many ports
    # The size of a block depends on the number of subscribers: (up to so many, ports each).
    blocks_by_subscribers: tuple[tuple[int, int], ...] = ()
    per_destination: int | None = None  # connections of one outside address to one endpoint, whatever its ports
    most_addresses: int | None = None
    hold_down_s: float = 0.0  # seconds before a released port is used again: 120 in RFC 6888 (REQ-8), 0 in Linux
    conntrack_max: int | None = None  # entries of the whole gateway

    @property
    def in_blocks(self) -> bool:
        """Whether a subscriber has ports of its own."""
        return self.deterministic or self.block_ports is not None or bool(self.blocks_by_subscribers)

    def usable(self, ports: PortRange) -> int:
        """Return how many ports of one outside address can serve one destination at the same time."""
        return min(len(ports) - ports.taken_by(self.reserved), self.per_destination or 65535)


@dataclass(frozen=True)
class Preset:
    """What is known of a widely used NAT, and the document that is the source."""

    source: str
    capacity: NatCapacity
    ports: PortRange = ALL_PORTS


_APD = MappingBehaviour.ADDRESS_AND_PORT_DEPENDENT

PRESETS: Mapping[str, Preset] = {
    "linux-nftables": Preset(
        "nf_nat_core.c, `snat to A1-A2:LO-HI persistent`; measured",
        NatCapacity(_APD, AddressChoice.LINUX_HASH),
    ),
    "aws-nat-gateway": Preset(
        "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-basics.html: 55,000 to each destination, "
        "an address",
        NatCapacity(_APD, AddressChoice.ROUND_ROBIN, per_destination=55_000, most_addresses=8),
    ),
    "azure-nat-gateway": Preset(
        "https://learn.microsoft.com/azure/nat-gateway/nat-gateway-resource: 64,512 ports an address, 50,000 to one "
        "endpoint",
        NatCapacity(_APD, AddressChoice.ROUND_ROBIN, per_destination=50_000, most_addresses=16),
    ),
    "azure-load-balancer": Preset(
        "https://learn.microsoft.com/azure/load-balancer/load-balancer-outbound-connections: 64,000 ports an address, "
        "dealt out by the size of the pool",
        NatCapacity(
            _APD,
            AddressChoice.PAIRED,
            blocks_by_subscribers=((50, 1024), (100, 512), (200, 256), (400, 128), (800, 64), (1000, 32)),
        ),
        PortRange(1024, 65023),
    ),
    "gcp-cloud-nat": Preset(
        "https://cloud.google.com/nat/docs/ports-and-addresses: 64,512 ports an address, 64 a VM unless said otherwise",
        NatCapacity(_APD, AddressChoice.PAIRED, block_ports=64),
    ),
}
