"""Robbins' beta mixture of all shares that a server may have, weighted towards what it is owed."""

import math


def log_mixture(seen: int, of: int, owed: float, detect: float) -> float:
    """Return the logarithm of the mixture's likelihood of `of` answers, `seen` of them by the server, in one order.

    `owed`: the share that it is owed, 0 to 1.
    """
    a, b = _prior(owed, detect)
    return _log_beta(a + seen, b + (of - seen)) - _log_beta(a, b)  # b may be 10⁻⁹, of 10⁹


def _prior(owed: float, detect: float) -> tuple[float, float]:
    """Return the two parameters of the beta distribution of shares.

    Its mean is `owed`, its standard deviation at most `detect` × `owed`. Where a server is owed nothing or everything,
    all shares are alike.
    """
    if not 0 < owed < 1:
        return 1.0, 1.0
    size = max(2.0, (1 - owed) / (detect * detect * owed) - 1)
    return size * owed, size * (1 - owed)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
