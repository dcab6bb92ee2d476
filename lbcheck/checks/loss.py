"""How many requests may be lost before the loss itself is a fault."""

TOLERATED_LOSS = 0.01  # share of what was sent; a healthy network also loses packets now and then


def too_much(lost: int, sent: int) -> bool:
    """Return whether `lost` of `sent` requests are more than a healthy network loses."""
    return lost > TOLERATED_LOSS * sent
