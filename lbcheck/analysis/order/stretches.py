"""Stretches: answers of one server after each other. Draws and cycles change servers often."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from operator import ne

# Standard deviations below the changes from server to server that draws have. Draws are so far below in at most 3 of
# 10,000 runs (20 servers); pairs on kept connections are 10 below at 200 answers, and cycles lie above.
FEW_CHANGES_Z = -4.0
# And whatever was cut: so small a part of the changes that a shuffled order has. Where one of two servers dies, half of
# them remain.
FEW_CHANGES = 0.25


def changes(answers: Sequence[str]) -> int:
    """Return how often an answer names another server than the one before it."""
    return sum(map(ne, answers, answers[1:]))


def each_in_one_stretch(answers: Sequence[str]) -> bool:
    """Return whether each server answers in one stretch and never again."""
    return changes(answers) + 1 <= max(1, len(set(answers)))


def few_changes(answers: Sequence[str]) -> bool:
    """Return whether hardly any answer names another server than the one before it."""
    return changes(answers) < FEW_CHANGES * _changes_of_draws(answers)[0]


def fewer_changes_than_draws(pieces: Iterable[Sequence[str]]) -> bool:
    """Return whether the answers change servers less often than draws do, within pieces of steady shares."""
    seen, expected, variance = 0, 0.0, 0.0
    for piece in pieces:
        mean, square = _changes_of_draws(piece)
        seen, expected, variance = seen + changes(piece), expected + mean, variance + square
    return seen - expected < FEW_CHANGES_Z * math.sqrt(variance)


def chance_of_one_stretch_each(answers: Sequence[str]) -> float:
    """Return the chance that a random order of these answers has each server in one stretch."""
    counts = Counter(answers)
    orders = math.lgamma(len(answers) + 1) - sum(math.lgamma(count + 1) for count in counts.values())
    return math.exp(math.lgamma(len(counts) + 1) - orders)


def _changes_of_draws(answers: Sequence[str]) -> tuple[float, float]:
    """Return mean and variance of the number of changes in a random order of these answers (Barton and David 1957)."""
    counts, total = Counter(answers).values(), len(answers)
    squares, cubes = sum(count**2 for count in counts), sum(count**3 for count in counts)
    if total < 2:
        return 0.0, 0.0
    variance = (squares * (squares + total * (total + 1)) - 2 * total * cubes - total**3) / (total**2 * (total - 1))
    return total - squares / total, max(0.0, variance)
