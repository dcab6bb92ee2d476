"""Who told something: a law is applied only where somebody told which one, and a guess never makes a verdict fail."""

from enum import StrEnum


class ToldBy(StrEnum):
    """Who told an algorithm, a weight or a name."""

    USER = "user"  # on the command line, or in the inventory
    BALANCER = "balancer"  # in its statistics
    CONFIGURATION = "configuration"  # a file that it was started with
    INFERRED = "inferred"  # from what was seen
    NOBODY = "nobody"
