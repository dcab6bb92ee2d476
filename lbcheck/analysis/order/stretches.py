"""Stretches: answers of one server after each other. Draws and cycles change servers often."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

# Of the changes from one server to another that a shuffled order has. Draws have 1 ± 0.2 of them at 100 answers, a
# cycle more; where one of two servers dies, half of them remain.
FEW_CHANGES = 0.25


def changes(answers: Sequence[str]) -> int:
    """Return how often an answer names another server than the one before it."""
    return sum(one != other for one, other in pairwise(answers))


def in_bunches(answers: Sequence[str]) -> bool:
    """Return whether answers of a server come in stretches that return: kept connections, a cycle in blocks."""
    counts = Counter(answers)
    seen = changes(answers)
    return not each_in_one_stretch(answers) and seen < FEW_CHANGES * _changes_of_draws(counts)


def each_in_one_stretch(answers: Sequence[str]) -> bool:
    """Return whether each server answers in one stretch and never again."""
    return changes(answers) == len(set(answers)) - 1


def chance_of_one_stretch_each(answers: Sequence[str]) -> float:
    """Return the chance that a random order of these answers has each server in one stretch."""
    counts = Counter(answers)
    orders = math.lgamma(len(answers) + 1) - sum(math.lgamma(count + 1) for count in counts.values())
    return math.exp(math.lgamma(len(counts) + 1) - orders)


def _changes_of_draws(counts: Counter[str]) -> float:
    """Return the expected number of changes in a random order with these counts."""
    total = counts.total()
    return total - sum(count * count for count in counts.values()) / total
