"""What each of HAProxy's algorithms owes, and whether counts keep to it.

Each algorithm is held to its own law: an exact bound for round robin, a tolerance for random (it picks on a hash ring,
which is no fair draw), constancy for hashes. Sources: HAProxy's configuration manual, `balance`; docs/laws.md for what
was measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lbcheck.analysis import sampling
from lbcheck.model.verdict import Outcome

ROUND_ROBIN_BOUND = 4  # requests off its share, for each HAProxy process: measured 1.65 to 3 with mixed weights
RANDOM_TOLERANCE = 0.05  # of all requests: the hash ring's own unevenness, measured up to 0.039


@dataclass(frozen=True)
class Tally:
    """Counts of one balancer (or of `processes` together), and the weights that owe them.

    `complete`: all that the balancer gave out is in the counts, so that exact bounds hold. `by_key`: for each client
    and address, who answered it.
    """

    counts: Mapping[str, int]
    weights: Mapping[str, int]
    complete: bool
    processes: int = 1
    by_key: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All requests."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Judgement:
    """What the law says: a sentence for each server that breaks it; `needed` requests would be enough to tell."""

    outcome: Outcome
    test: str
    rule: str  # what counts that pass keep to, in words
    needed: int
    faults: tuple[str, ...] = ()
    statistic: float | None = None
    p_value: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)


Law = Callable[[Tally, float], Judgement]


def _verdict(tally: Tally, needed: int, faults: tuple[str, ...]) -> Outcome:
    if faults:
        return Outcome.FAIL
    return Outcome.PASS if tally.total >= needed else Outcome.INCONCLUSIVE


def _owes(name: str, tally: Tally, share: float, why: str) -> str:
    seen = tally.counts.get(name, 0)
    return (
        f"server {name} answered {seen:,} of {tally.total:,} requests ({seen / max(1, tally.total):.1%}); "
        f"its weight owes it {share * tally.total:,.0f} ({share:.1%}){why}"
    )


def _proportional(tally: Tally, alpha: float) -> Judgement:
    return _exact(tally) if tally.complete else _draws(tally, alpha)


def _exact(tally: Tally) -> Judgement:
    owed, bound = sampling.shares(tally.weights), ROUND_ROBIN_BOUND * tally.processes
    off = {name: abs(tally.counts.get(name, 0) - share * tally.total) for name, share in owed.items()}
    why = f", and round robin is never more than {bound} off"
    faults = tuple(_owes(name, tally, owed[name], why) for name in owed if off[name] > bound)
    needed = sampling.needed_for_bound(tally.weights, bound)
    return Judgement(
        _verdict(tally, needed, faults),
        f"exact bound of {bound} requests",
        f"each server within {bound} requests of its expected count",
        needed,
        faults,
        statistic=max(off.values(), default=0.0),
        shares=owed,
    )


def _draws(tally: Tally, alpha: float) -> Judgement:
    owed, needed = sampling.shares(tally.weights), sampling.needed_for_multinomial(tally.weights, alpha)
    p_values = {name: sampling.binomial_p(tally.counts.get(name, 0), tally.total, owed[name]) for name in owed}
    limit = alpha / max(1, len(owed))
    faults = tuple(_owes(n, tally, owed[n], f" (p = {p:.1g})") for n, p in p_values.items() if p < limit)
    return Judgement(
        _verdict(tally, needed, faults),
        "exact binomial for each server",
        "each server's count fits its expected share, by an exact binomial test",
        needed,
        faults,
        statistic=max((abs(tally.counts.get(n, 0) - owed[n] * tally.total) for n in owed), default=0.0),
        p_value=sampling.multinomial_p(tally.counts, owed) if owed else None,
        shares=owed,
    )


def _random(tally: Tally, alpha: float) -> Judgement:
    owed = sampling.shares(tally.weights)
    used = {name: share for name, share in owed.items() if share}
    limit = alpha / max(1, len(used))
    needed = _needed_for_random(used, limit)
    faults = []
    for name, share in owed.items():
        seen = tally.counts.get(name, 0) / max(1, tally.total)
        allowed = RANDOM_TOLERANCE + (sampling.sampling_error(share, tally.total, limit) if tally.total else 1)
        starved = share > 0 and not seen and tally.total >= needed
        if starved or abs(seen - share) > allowed:
            faults.append(_owes(name, tally, share, f", give or take {allowed:.1%} for random"))
    return Judgement(
        _verdict(tally, needed, tuple(faults)),
        "share within tolerance",
        "each server's share is within the tolerance",
        needed,
        tuple(faults),
        shares=owed,
    )


def _needed_for_random(used: Mapping[str, float], limit: float) -> int:
    if len(used) < 2:
        return 1
    # Enough for a sampling error no larger than the tolerance itself, and for meeting every server.
    error_of_one = max(sampling.sampling_error(share, 1, limit) for share in used.values())
    meet = sampling.needed_to_meet(min(used.values()) / 2, len(used), limit)
    return max(math.ceil((error_of_one / RANDOM_TOLERANCE) ** 2), meet)


def _leastconn(tally: Tally, alpha: float) -> Judgement:
    owed = sampling.shares(tally.weights)
    used = [name for name, share in owed.items() if share]
    # One request at a time is spread evenly, many at once follow the weights. So no share is expected of a server,
    # only that it is not starved.
    smallest = min(*(owed[n] for n in used), 1 / len(used)) / 2 if used else 1.0
    needed = sampling.needed_to_meet(smallest, len(used), alpha)
    starved = tuple(name for name in used if not tally.counts.get(name, 0)) if tally.total >= needed else ()
    drained = tuple(n for n, weight in tally.weights.items() if not weight and tally.counts.get(n, 0))
    faults = (
        *(f"server {name} answered none of {tally.total:,} requests: leastconn starves nobody" for name in starved),
        *(f"server {n} has weight 0 and answered {tally.counts[n]:,} of {tally.total:,} requests" for n in drained),
    )
    return Judgement(
        _verdict(tally, needed, faults), "no server starved", "every server with a weight answered", needed, faults
    )


def _first(tally: Tally, alpha: float) -> Judgement:  # noqa: ARG001 (every law has the same shape)
    # Who is first and below its maxconn depends on the load: shares are reported, none is owed.
    return Judgement(
        Outcome.PASS if tally.total else Outcome.INCONCLUSIVE, "none: first owes no share", "no share is expected", 1
    )


def _constant(tally: Tally, alpha: float) -> Judgement:  # noqa: ARG001
    torn = {key: answered for key, answered in tally.by_key.items() if len(answered) > 1}
    faults = tuple(
        f"{key} met {len(answered)} servers ({', '.join(sorted(answered))}): a hash sends one key to one server"
        for key, answered in torn.items()
    )
    # Two answers to the same key show constancy; ten make a mere coincidence of two servers rarer than 1 in 500.
    needed = 10 * max(1, len(tally.by_key))
    return Judgement(_verdict(tally, needed, faults), "one key, one server", "each key met one server", needed, faults)


LAWS: Mapping[str, Law] = {
    "roundrobin": _proportional,
    "static-rr": _proportional,
    "random": _random,
    "leastconn": _leastconn,
    "first": _first,
    **dict.fromkeys(("source", "uri", "url_param", "hdr", "rdp-cookie", "hash"), _constant),
}


def normal_name(algorithm: str) -> str:
    """Return the bare name: `hdr(host)`, `random(2)` and `uri depth 3` are hdr, random and uri."""
    return algorithm.partition("(")[0].split()[0] if algorithm.strip() else ""


def has_law(algorithm: str) -> bool:
    """Return whether it is known what `algorithm` owes."""
    return normal_name(algorithm) in LAWS


def holds_to_weights(algorithm: str) -> bool:
    """Return whether `algorithm` is held to its weights so closely that one weight halved is found."""
    return LAWS.get(normal_name(algorithm)) is _proportional


def may_keep_to_one(algorithm: str) -> bool:
    """Return whether one server that answers everything may be all that `algorithm` owes: `first`, or a hash."""
    return LAWS.get(normal_name(algorithm)) in (_first, _constant)


def judge(algorithm: str, tally: Tally, alpha: float) -> Judgement:
    """Hold `tally` to what `algorithm` owes, with a chance of a false alarm of at most `alpha`."""
    return LAWS[normal_name(algorithm)](tally, alpha)
