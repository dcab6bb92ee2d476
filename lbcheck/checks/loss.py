"""How many requests may be lost before that is a fault of its own."""

TOLERATED_LOSS = 0.01  # of what was sent: fewer are explained by packets that a healthy network loses now and then


def too_much(lost: int, sent: int) -> bool:
    """Return whether so many without an answer are more than a healthy network loses."""
    return lost > TOLERATED_LOSS * sent
