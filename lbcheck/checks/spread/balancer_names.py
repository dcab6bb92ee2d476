"""Who is who among the balancers: what the answers call the balancer whose counters were read.

The command line knows a balancer by the URI of its statistics only, an inventory by its host name.
"""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

from lbcheck.analysis.matching import Fit, match
from lbcheck.checks.spread import names
from lbcheck.model.cluster import Balancer

Fits = Callable[[str, str], Fit]  # a balancer, and a name of balancers in answers → how well their counts fit


def in_answers(
    balancers: Sequence[Balancer], answered: set[str], pairs: Mapping[str, str], fit: Fits
) -> tuple[dict[str, str], str]:
    """Return a balancer's name → its name in answers, where they differ, and why more is not known (a sentence).

    Told pairs come first, then the host in the URI of its statistics, then counts that fit in one way only.
    """
    ours = {balancer.name: balancer.stats for balancer in balancers}
    found = names.of_pairs(pairs, ours, answered)
    for name, uris in ours.items():
        hosts = {urlsplit(uri).hostname or "" for uri in uris if "://" in uri} & answered
        if len(hosts) == 1 and name not in found | dict.fromkeys(answered):
            found[name] = hosts.pop()
    left = [name for name in ours if name not in answered and name not in found]
    others = sorted(answered - set(ours) - set(found.values()))
    by_counts, doubt = _by_counts({name: {other: fit(name, other) for other in others} for name in left})
    return found | by_counts, doubt


def _by_counts(fits: Mapping[str, Mapping[str, Fit]]) -> tuple[dict[str, str], str]:
    able = {name: those for name, those in fits.items() if any(those.values())}
    ways = [
        match({name: [other for other, fit in those.items() if fit >= least] for name, those in able.items()})
        for least in (Fit.COVERS, Fit.EQUAL)
    ]
    for way in ways:
        if way.found and way.certain:
            return dict(way.found), ""
    for way in ways:
        if way.found:
            return {}, f"counters fit the balancers' names in more than one way: {names.two_ways(way.found, way.other)}"
    return {}, ""
