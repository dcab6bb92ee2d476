"""Who was asked, and how often each address came first."""

from collections.abc import Iterator, Sequence

from lbcheck.model.exhibit import Rotation


def lines(rotations: Sequence[Rotation]) -> Iterator[str]:
    """Give the head of the table, empty where no address was seen, and a line for each who was asked."""
    addresses = sorted({address for rotation in rotations for address in rotation.addresses}, key=_shortest_first)
    width = max(len(rotation.asked) for rotation in rotations)
    yield f"{'':<{width}}  {'  '.join(addresses)}" if addresses else ""
    for rotation in rotations:
        counts = (f"{rotation.first.get(address, 0):>{len(address)},}" for address in addresses)
        yield f"{rotation.asked:<{width}}  {'  '.join(counts)}"


def _shortest_first(address: str) -> tuple[int, str]:
    return len(address), address
