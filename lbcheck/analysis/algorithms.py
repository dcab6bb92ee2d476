"""The pass rule of each of HAProxy's algorithms, and whether counts of requests satisfy it.

Each algorithm has its own rule. Round robin must stay within an exact bound. Random has a tolerance, because it picks
on a hash ring and servers own unequal parts of the ring. A hash must send each key to one server. Sources: HAProxy's
configuration manual, `balance`; docs/laws.md for what was measured.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lbcheck.analysis import sampling
from lbcheck.model.verdict import Outcome

ROUND_ROBIN_BOUND = 4  # requests off the expected count, for each process; measured 1.65 to 3 with mixed weights
RANDOM_TOLERANCE = 0.05  # share of all requests; the hash ring alone was measured up to 0.039 off


@dataclass(frozen=True)
class Tally:
    """Counts of one balancer (or of several processes together), and the weights that decide the expected counts.

    `counts`: server → requests. `complete`: the counts hold every request that the balancer distributed, so exact
    bounds apply. `processes`: how many count independently. `by_key`: key of a hash → server → answers.
    """

    counts: Mapping[str, int]
    weights: Mapping[str, int]
    complete: bool
    processes: int = 1
    by_key: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of requests in the counts."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Judgement:
    """The result of a pass rule: its outcome, and a sentence for each fault.

    `needed`: requests that suffice for a conclusion. `shares`: server → expected share, 0 to 1; empty: none expected.
    """

    outcome: Outcome
    test: str
    rule: str  # the pass rule, in words
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
    # Enough that the sampling error is at most the tolerance, and that every server is met.
    error_of_one = max(sampling.sampling_error(share, 1, limit) for share in used.values())
    meet = sampling.needed_to_meet(min(used.values()) / 2, len(used), limit)
    return max(math.ceil((error_of_one / RANDOM_TOLERANCE) ** 2), meet)


def _leastconn(tally: Tally, alpha: float) -> Judgement:
    owed = sampling.shares(tally.weights)
    used = [name for name, share in owed.items() if share]
    # leastconn spreads single requests evenly, and concurrent ones by weight. So the rule expects no share, only that
    # every server with a weight gets requests.
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
    # Which server is the first one below its maxconn depends on the load, so no share is expected.
    return Judgement(
        Outcome.PASS if tally.total else Outcome.INCONCLUSIVE, "none: first owes no share", "no share is expected", 1
    )


def _constant(tally: Tally, alpha: float) -> Judgement:  # noqa: ARG001
    torn = {key: answered for key, answered in tally.by_key.items() if len(answered) > 1}
    faults = tuple(
        f"{key} met {len(answered)} servers ({', '.join(sorted(answered))}): a hash sends one key to one server"
        for key, answered in torn.items()
    )
    # Ten answers to each key: if one of two servers were picked at random, all ten would agree less than once in 500.
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
    """Return the name without arguments: hdr for `hdr(host)`, random for `random(2)`, uri for `uri depth 3`."""
    return algorithm.partition("(")[0].split()[0] if algorithm.strip() else ""


def has_law(algorithm: str) -> bool:
    """Return whether there is a pass rule for `algorithm`."""
    return normal_name(algorithm) in LAWS


def holds_to_weights(algorithm: str) -> bool:
    """Return whether the rule for `algorithm` is strict enough to detect that one weight is halved."""
    return LAWS.get(normal_name(algorithm)) is _proportional


def may_keep_to_one(algorithm: str) -> bool:
    """Return whether `algorithm` may send every request to one server, as `first` and hashes may."""
    return LAWS.get(normal_name(algorithm)) in (_first, _constant)


def judge(algorithm: str, tally: Tally, alpha: float) -> Judgement:
    """Apply the pass rule of `algorithm` to `tally`; it raises a false alarm with a probability of at most `alpha`.

    KeyError for an algorithm without a rule: ask `has_law` before.
    """
    return LAWS[normal_name(algorithm)](tally, alpha)
