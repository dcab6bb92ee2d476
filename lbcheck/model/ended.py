"""How a run came to its end."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """What befell a run itself, and no step of it; the last line of a file of samples."""

    interrupted: bool = False  # by a signal: it was judged by what was seen until then
    left_behind: tuple[str, ...] = ()  # what could not be removed from hosts, a sentence each
