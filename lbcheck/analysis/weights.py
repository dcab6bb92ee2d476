"""Weights are ratios: 3:3:3:1 is 30:30:30:10."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction


def off(present: Mapping[str, int], wanted: Mapping[str, int]) -> dict[str, Fraction]:
    """Return server → the weight that it should have beside the others, for each one whose ratio is not as wanted.

    Most servers are taken to be right. If as many agree on one scale as on another, the numbers as they were wanted are
    the right ones, else nobody is: then all servers of those scales are returned.
    """
    scales = {name: Fraction(present[name], weight) for name, weight in wanted.items() if weight and present.get(name)}
    most = Counter(scales.values()).most_common()
    right = [scale for scale, number in most if number == most[0][1]]
    scale = Fraction(1) if Fraction(1) in right or not right else right[0]
    differing = {
        name: weight * scale for name, weight in wanted.items() if name in present and present[name] != weight * scale
    }
    if len(right) > 1 and scale != 1:
        differing |= {name: Fraction(wanted[name]) for name in scales}
    return {name: differing[name] for name in wanted if name in differing}
