"""Which server was asked, and how often it listed each address first."""

from collections.abc import Iterator, Sequence

from lbcheck.model.exhibit import Rotation


def lines(rotations: Sequence[Rotation]) -> Iterator[str]:
    """Give the head of the table (empty where no address was seen) and a line for each server that was asked."""
    addresses = sorted({address for rotation in rotations for address in rotation.addresses}, key=_shortest_first)
    width = max(len(rotation.asked) for rotation in rotations)
    if addresses:
        yield f"{'':<{width}}  {'  '.join(addresses)}"
    else:
        yield ""
    for rotation in rotations:
        counts = (f"{rotation.first.get(address, 0):>{len(address)},}" for address in addresses)
        yield f"{rotation.asked:<{width}}  {'  '.join(counts)}"


def _shortest_first(address: str) -> tuple[int, str]:
    return len(address), address
