"""How much may be lost on the way before that is a fault of its own."""

TOLERATED_LOSS = 0.01  # of what was sent: below it a packet lost now and then explains it, in a healthy network too


def too_much(lost: int, sent: int) -> bool:
    """Return whether so many without an answer are more than a healthy network loses."""
    return lost > TOLERATED_LOSS * sent
