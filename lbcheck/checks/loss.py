"""How many requests may be lost before the loss itself is a fault."""

import math

from lbcheck.model.verdict import Outcome

TOLERATED_LOSS = 0.01  # share of what was sent; a healthy network also loses packets now and then
FEW = 4  # lost requests may be as rare as tolerated, and 400 requests show that; more of the first 400 are too many


def lacking(lost: int, sent: int) -> int:
    """Return how many more requests tell a rare loss from too much: one lost of the first 24 may be one of 1,000.

    They are fewer where so many are lost that one more than a few is soon met.
    """
    if not 0 < lost <= FEW:
        return 0
    rare, too_many = math.ceil(lost / TOLERATED_LOSS), sent + math.ceil((FEW + 1 - lost) * sent / lost)
    return max(0, min(rare, too_many) - sent)


def too_much(lost: int, sent: int) -> bool:
    """Return whether `lost` of `sent` requests are more than a healthy network loses."""
    return lost > TOLERATED_LOSS * sent


def judged(lost: int, sent: int) -> Outcome:
    """Return what it means that `lost` of `sent` requests were lost; a single one of a few shows no rate."""
    if not too_much(lost, sent):
        return Outcome.PASS
    return Outcome.INCONCLUSIVE if lost == 1 < sent else Outcome.FAIL
