"""How whatever takes long is told to stop: it asks, again and again."""

from collections.abc import Callable

Stopped = Callable[[], bool]


def never() -> bool:
    """Nobody asks to stop."""
    return False
