"""The source of a statement: a pass rule needs a source that names the algorithm, and a guess never fails a verdict."""

from enum import StrEnum


class ToldBy(StrEnum):
    """The source of an algorithm, a weight or a name."""

    USER = "user"  # on the command line, or in the inventory
    BALANCER = "balancer"  # in its statistics
    CONFIGURATION = "configuration"  # the file with which the balancer was started
    INFERRED = "inferred"  # from observations
    NOBODY = "nobody"
