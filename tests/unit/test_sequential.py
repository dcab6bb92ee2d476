"""The test of draws by rounds: its error rates, what it decides, and after how many answers."""

import itertools
import math
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from lbcheck.analysis import binomial
from lbcheck.analysis.sequential import deciding, evenness, intervals, planning
from lbcheck.analysis.sequential.deciding import Conclusion, Decision
from lbcheck.analysis.sequential.faults import Equals
from lbcheck.analysis.sequential.planning import Plan

ALPHA, MISS, DETECT = 2.5e-6, 0.01, 0.5
HEAVIEST = 2**32 - 1
FLEETS = [(1, 1), (1, 1, 1), (1,) * 10, (1, 1, 2), (3, 256, 256), (1, 1_000_000), (5, 4, 3, 2, 1)]
ABSURD = [(HEAVIEST, 1), (1_000_000, 1_000_000, 1), (1_000_000, 500_000), (HEAVIEST, HEAVIEST - 1, HEAVIEST - 2)]


def fleet(*weights: int) -> dict[str, int]:
    """Return s1, s2 … → weight."""
    return {f"s{number}": weight for number, weight in enumerate(weights, 1)}


@cache
def made(*weights: int, alpha: float = ALPHA, miss: float = MISS, seldom: bool = False) -> Plan:
    """Return the plan for a fleet."""
    return planning.plan(fleet(*weights), alpha, miss, DETECT, seldom=seldom)


def seeded(seed: int) -> random.Random:
    """Return a source of random numbers that repeats itself."""
    return random.Random(seed)  # noqa: S311 (a simulation, no secret)


def judged(plan: Plan, counts: Mapping[str, int]) -> Decision:
    """Return what counts decide that were taken at once, and that are all there will be."""
    return deciding.decide(plan, [counts], closed=True)


def drawn(plan: Plan, real: Mapping[str, float], rng: random.Random) -> Iterator[Counter[str]]:
    """Give the counts at each look of a run, up to the last look of the plan."""
    counts = Counter[str]()
    for before, after in itertools.pairwise((0, *plan.looks)):
        counts = counts + Counter(rng.choices(list(real), weights=list(real.values()), k=after - before))
        yield counts


def error_rates(plan: Plan, share: float) -> dict[Conclusion, float]:
    """Return how likely each end of a run is with two servers, the first of which gets `share`: over all paths."""
    ends, states, looked = dict.fromkeys(Conclusion, 0.0), {(0, deciding.begin(plan)): 1.0}, 0
    for at in plan.looks:
        step, reached = at - looked, Counter[tuple[int, Decision]]()
        more = [binomial.mass(x, step, share) for x in range(step + 1)]
        for (before, state), chance in states.items():
            for further, part in enumerate(more):
                seen = before + further
                decision = _looked(plan, state, seen, at)
                if decision.conclusion is Conclusion.GO_ON:
                    reached[seen, decision] += chance * part
                else:
                    ends[decision.conclusion] += chance * part
        states, looked = dict(reached), at
    return ends


@cache
def _looked_at(key: int, state: Decision, seen: int, at: int) -> Decision:
    return deciding.look(_PLANS[key], state, {"s1": seen, "s2": at - seen})


_PLANS: dict[int, Plan] = {}


def _looked(plan: Plan, state: Decision, seen: int, at: int) -> Decision:
    _PLANS[id(plan)] = plan  # a plan has no hash, for its weights are a dict
    return _looked_at(id(plan), state, seen, at)


@pytest.mark.parametrize("weights", [(1, 1), (1, 3)])
def test_a_healthy_fleet_is_called_faulty_no_more_often_than_promised(weights: tuple[int, int]) -> None:
    """Over all paths of a run with two servers, false alarms are at most alpha, and every run ends."""
    plan = made(*weights, alpha=1e-3, miss=0.1)
    ends = error_rates(plan, weights[0] / sum(weights))
    assert 0 < ends[Conclusion.FAULTY] <= 1e-3
    assert ends[Conclusion.FAULTY] + ends[Conclusion.HEALTHY] == pytest.approx(1)


@pytest.mark.parametrize("alpha", [1e-3, 0.8])  # with 0.8, it is half of what is to be found that bounds the test
@pytest.mark.parametrize("share", [1 / 3, 2 / 3])
def test_a_halved_or_doubled_weight_is_overlooked_no_more_often_than_promised(share: float, alpha: float) -> None:
    """Over all paths of a run with two servers, a fault is missed with the promised probability at most."""
    ends = error_rates(made(1, 1, alpha=alpha, miss=0.1), share)
    assert 0.05 < ends[Conclusion.HEALTHY] <= 0.1
    assert ends[Conclusion.FAULTY] >= 0.9


def test_what_is_left_between_healthy_and_half_of_detect_never_fails() -> None:
    """A weight times 0.76 or 1.32 never fails, however many requests show it; times 0.74 or 1.35 it may."""
    plan = made(1, 1, 1)

    def times(factor: float, requests: int) -> Conclusion:
        rest = round(requests / (2 + factor))
        return judged(plan, {"s1": round(factor * rest), "s2": rest, "s3": rest}).conclusion

    for requests in (plan.most + 3, 10**5, 10**7, 10**9):
        assert times(0.5, requests) is Conclusion.FAULTY
        assert times(0.76, requests) is times(1.32, requests) is Conclusion.HEALTHY
    assert times(0.74, 10**5) is times(1.35, 10**5) is Conclusion.FAULTY


@pytest.mark.parametrize("weights", [*FLEETS, *ABSURD])
def test_the_fixed_test_is_as_long_as_it_must_be(weights: tuple[int, ...]) -> None:
    """After `fixed` answers every weight that is halved or doubled is found as promised; well before, one is not."""
    plan = made(*weights)
    side = ALPHA / (2 * len(weights))

    def overlooked(answers: int) -> float:
        worst = 0.0
        for weight in set(weights):
            owed = weight / sum(weights)
            less, more = (weight * f / (sum(weights) - weight + weight * f) for f in (0.5, 2))
            low, high = binomial.lowest(answers, owed, side), binomial.highest(answers, owed, side)
            worst = max(worst, binomial.at_least(low, answers, less), binomial.at_most(high, answers, more))
        return worst

    assert overlooked(plan.fixed) <= MISS < overlooked(math.floor(0.95 * plan.fixed))


@pytest.mark.parametrize("weights", [*FLEETS, *ABSURD])
def test_a_test_by_rounds_is_a_tenth_longer_than_a_fixed_one_at_most(weights: tuple[int, ...]) -> None:
    """The looks begin early, end after 1.1 times the fixed test, and what both overlook is what was promised."""
    plan = made(*weights)
    assert plan.looks[-1] == plan.most <= 1.1 * plan.fixed
    assert plan.looks == tuple(sorted(set(plan.looks)))
    assert plan.looks[0] < plan.least < plan.most / 2
    assert plan.beta > MISS / 3
    assert plan.missed(plan.most) + plan.beta == pytest.approx(MISS)


@pytest.mark.parametrize("weights", [*FLEETS, *ABSURD])
def test_a_healthy_fleet_rules_out_each_fault_that_matters_and_can_be_found(weights: tuple[int, ...]) -> None:
    """Those to be found are among them; finer ones lie between them and half of what is to be found."""
    for equals in made(*weights).classes:
        assert {equals.less, equals.more} <= set(equals.to_rule_out)
        for finer in equals.finer:
            assert equals.less.share < finer.share <= equals.low or equals.high <= finer.share < equals.more.share
    # At ten servers a weight times 1.7 is found after as many answers as a halved one; at two nothing finer is.
    assert [round(fault.share, 2) for fault in made(*(1,) * 10).classes[0].finer] == [0.16]
    assert made(1, 1).classes[0].finer == ()


@pytest.mark.parametrize("weights", ABSURD)
def test_absurd_weights_are_judged_like_any_others(weights: tuple[int, ...]) -> None:
    """Counts as owed are healthy, the lightest server at half of its weight is not, and a few answers tell nothing."""
    plan = made(*weights)
    owed = {name: round(plan.most * weight / sum(weights)) for name, weight in fleet(*weights).items()}
    lightest = min(owed, key=owed.__getitem__)
    heaviest = max(owed, key=owed.__getitem__)
    halved = owed | {lightest: owed[lightest] // 2, heaviest: owed[heaviest] + owed[lightest] // 2}
    assert judged(plan, owed).conclusion is Conclusion.HEALTHY
    assert judged(plan, halved).conclusion is Conclusion.FAULTY
    assert judged(plan, {heaviest: 10}).conclusion is Conclusion.UNDECIDED
    assert lightest in judged(plan, {lightest: 2000}).faulty


def test_of_many_different_weights_the_hardest_decide() -> None:
    """Two hundred nearly equal weights: no fault is overlooked 1.1 times as often as the plan says."""
    plan = made(*(HEAVIEST - 100_003 * number for number in range(200)))
    of = plan.most

    def overlooked(equals: Equals) -> float:
        low, high = (tail(of, equals.share, plan.side) for tail in (binomial.lowest, binomial.highest))
        fewer = binomial.at_least(min(low, math.ceil(equals.low * of)), of, equals.less.share)
        return max(fewer, binomial.at_most(max(high, math.floor(equals.high * of)), of, equals.more.share))

    worst = max(overlooked(equals) for equals in plan.classes)
    assert plan.missed(of) <= worst <= 1.1 * plan.missed(of)


def test_where_a_look_is_dear_there_are_few() -> None:
    """Over Ansible the first is after a fifth, and the next where it may decide, not half way to it."""
    plan, often = made(1, 1, 1, seldom=True), made(1, 1, 1)
    counts = {"s1": 35, "s2": 48, "s3": 52}
    assert deciding.decide(plan, [counts]).more > 1.5 * deciding.decide(often, [counts]).more
    assert plan.looks[0] == math.ceil(0.2 * plan.most)
    assert plan.looks[-1] == plan.most == made(1, 1, 1).most


def test_a_fleet_that_gives_just_what_it_owes_passes_after_the_least() -> None:
    """`least` is what `--plan` may print as the fewest answers after which a healthy fleet passes."""
    plan = made(1, 1, 2)
    enough, fewer = math.ceil(plan.least / 4), plan.least // 4 - 1
    assert deciding.decide(plan, [{"s1": enough, "s2": enough, "s3": 2 * enough}]).conclusion is Conclusion.HEALTHY
    assert deciding.decide(plan, [{"s1": fewer, "s2": fewer, "s3": 2 * fewer}]).conclusion is Conclusion.GO_ON


def test_the_next_look_is_told() -> None:
    """While nothing is certain, a decision says how many answers the next look waits for: half of what is lacking."""
    plan = made(1, 1, 1)
    assert deciding.begin(plan).more == plan.looks[0]
    assert deciding.decide(plan, [{"s1": 7, "s2": 7, "s3": 7}]).more == 80 - 21
    assert plan.least == pytest.approx(120, abs=5)


def test_where_evidence_of_a_fault_grows_the_next_look_comes_sooner() -> None:
    """A server without any answers is looked at again where it may be enough."""
    plan = made(*(1,) * 10)
    even, starved = dict.fromkeys(plan.weights, 10), {**dict.fromkeys(plan.weights, 11), "s1": 0}
    assert deciding.decide(plan, [starved]).more < deciding.decide(plan, [even]).more


@pytest.mark.parametrize(("factor", "named"), [(0.0, "s1"), (0.5, "s1"), (2.0, "s1"), (3.0, "s1")])
def test_a_faulty_server_is_named_first(factor: float, named: str) -> None:
    """What differs most plainly from what it is owed comes first."""
    plan = made(1, 1, 1, 1, 1)
    real = {**fleet(1, 1, 1, 1, 1), "s1": factor}
    decision = deciding.decide(plan, list(drawn(plan, real, seeded(1))))
    assert decision.conclusion is Conclusion.FAULTY
    assert decision.faulty[0] == named


def test_a_server_that_never_answers_is_found_early() -> None:
    """One of three that answers nothing fails after a sixth of the fixed test."""
    plan = made(1, 1, 1)
    looks = ({"s1": 0, "s2": at // 2, "s3": at - at // 2} for at in plan.looks)
    ends = (deciding.decide(plan, [counts]) for counts in looks)
    first = next(decision for decision in ends if decision.conclusion is Conclusion.FAULTY)
    assert first.answers <= plan.fixed / 6


def test_many_times_the_same_shares_never_pass_where_once_failed() -> None:
    """A failing tally multiplied by k fails."""
    rng, failed = seeded(2), 0
    for weights in FLEETS[:5]:
        plan = made(*weights)
        for _ in range(12):
            real = {name: weight * rng.uniform(0.2, 2) for name, weight in fleet(*weights).items()}
            answers = rng.randrange(50, 2 * plan.most)
            counts = Counter(rng.choices(list(real), weights=list(real.values()), k=min(answers, 5000)))
            if judged(plan, counts).conclusion is Conclusion.FAULTY:
                failed += 1
                for k in (2, 3, 10, 1000, 10**6):
                    many = judged(plan, {name: k * seen for name, seen in counts.items()})
                    assert many.conclusion is Conclusion.FAULTY, (weights, counts, k)
    assert failed > 20


def test_permuting_servers_permutes_the_result() -> None:
    """Names and their order decide nothing."""
    rng = seeded(3)
    for _ in range(12):
        weights = [rng.choice((1, 2, 5)) for _ in range(5)]
        real = {name: weight * rng.choice((0.5, 1, 1, 2)) for name, weight in fleet(*weights).items()}
        plan = planning.plan(fleet(*weights), 1e-3, 0.05, DETECT)
        looks = list(drawn(plan, real, rng))
        names = [*fleet(*weights)]
        other = dict(zip(names, rng.sample(names, 5), strict=True))
        order = rng.sample(names, 5)
        permuted = planning.plan({other[name]: fleet(*weights)[name] for name in order}, 1e-3, 0.05, DETECT)
        one = deciding.decide(plan, looks)
        two = deciding.decide(permuted, [{other[name]: seen for name, seen in counts.items()} for counts in looks])
        assert (one.conclusion, one.answers) == (two.conclusion, two.answers)
        assert {other[name] for name in one.faulty} == set(two.faulty)


def test_looks_one_by_one_decide_as_all_of_them_at_once() -> None:
    """A kept file of samples, judged again, gives the same decision."""
    plan, rng = made(1, 1, 1), seeded(4)
    for real in (fleet(1, 1, 1), {**fleet(1, 1, 1), "s2": 2}):
        state, looks = deciding.begin(plan), []
        for counts in drawn(plan, real, rng):
            looks.append(counts)
            state = deciding.look(plan, state, counts)
            assert deciding.decide(plan, looks) == state


def test_what_a_look_ruled_out_stays_ruled_out() -> None:
    """A fault that once did not fit the counts is not asked about again."""
    plan = made(1, 1, 1)
    first, second = fleet(38, 38, 38), fleet(66, 87, 87)
    assert deciding.decide(plan, [first]).conclusion is Conclusion.GO_ON
    assert deciding.decide(plan, [second]).conclusion is Conclusion.GO_ON
    assert deciding.decide(plan, [first, second]).conclusion is Conclusion.HEALTHY


def test_a_pass_turns_into_a_fault_only_by_evidence_that_holds_at_any_look() -> None:
    """After a fleet was found healthy, one server that takes everything makes it faulty; a fault stays one."""
    plan = made(1, 1, 1)
    healthy = deciding.decide(plan, [fleet(60, 60, 60)])
    assert healthy.conclusion is Conclusion.HEALTHY
    assert deciding.look(plan, healthy, fleet(70, 80, 90)).conclusion is Conclusion.HEALTHY
    faulty = deciding.look(plan, healthy, fleet(60, 60, 260))
    assert (faulty.conclusion, faulty.faulty[0]) == (Conclusion.FAULTY, "s3")
    assert deciding.look(plan, faulty, fleet(400, 400, 400)).conclusion is Conclusion.FAULTY
    off = fleet(104, 188, 188)  # the exact test has its part of alpha for one look that was chosen beforehand
    assert judged(plan, off).conclusion is Conclusion.FAULTY
    assert deciding.look(plan, healthy, off, closed=True).conclusion is Conclusion.HEALTHY


def test_without_more_answers_too_few_are_undecided() -> None:
    """Where no more will come, the exact test is made; what it could not have found is not passed."""
    plan = made(1, 1, 1)
    few = judged(plan, fleet(30, 33, 35))
    assert (few.conclusion, few.more) == (Conclusion.UNDECIDED, plan.most - 98)
    assert judged(plan, fleet(60, 60, 60)).conclusion is Conclusion.HEALTHY
    third = math.ceil(1.02 * plan.fixed / 3)
    off = fleet(third - 40, third + 10, third + 30)
    assert judged(plan, off).conclusion is Conclusion.HEALTHY
    # What an earlier look may have overlooked counts, too.
    assert deciding.decide(plan, [fleet(30, 33, 35), off], closed=True).conclusion is Conclusion.UNDECIDED
    assert judged(plan, fleet(110, 220, 220)).faulty[0] == "s1"
    assert deciding.decide(plan, [], closed=True).conclusion is Conclusion.UNDECIDED


def test_counts_taken_at_once_are_held_to_the_exact_test() -> None:
    """What is off by less than one fault to be found, but matters, fails where one exact test shows it."""
    plan, others = made(*(1,) * 10), 5540
    counts = {"s1": 460, **{f"s{n}": others // 9 + (n <= others % 9 + 1) for n in range(2, 11)}}
    assert judged(plan, counts).faulty == ("s1",)
    assert deciding.decide(plan, [counts]).faulty == ("s1",)


def test_a_p_value_holds_at_any_look() -> None:
    """It is 1 for counts that are as they should be, and below its part of alpha where a look shows a fault."""
    plan = made(1, 1, 1)
    assert deciding.p_value(plan, fleet(60, 60, 60)) == 1
    assert deciding.p_value(plan, {}) == 1
    silent = next(at for at in range(1000) if deciding.decide(plan, [{"s2": at, "s3": at}]).faulty)
    assert deciding.p_value(plan, {"s2": silent, "s3": silent}) <= 0.1 * ALPHA
    assert deciding.p_value(plan, {"s2": silent - 1, "s3": silent - 1}) > 0.1 * ALPHA
    assert deciding.p_value(planning.plan({"s1": 1}, ALPHA, MISS, DETECT), {"s1": 9}) == 1


def test_who_is_owed_nothing_takes_no_part() -> None:
    """Answers of a server of weight 0, or of one that is not in the weights, are for others to judge."""
    plan = planning.plan({**fleet(1, 1, 1), "drained": 0}, ALPHA, MISS, DETECT)
    assert plan == made(1, 1, 1)
    counts = fleet(60, 60, 60)
    assert deciding.decide(plan, [{**counts, "drained": 500, "stranger": 500}]) == deciding.decide(plan, [counts])


def test_one_server_alone_has_nothing_to_test() -> None:
    """With a single server the first answer is enough; without any answer, even that is undecided."""
    plan = planning.plan({"s1": 5, "s2": 0}, ALPHA, MISS, DETECT)
    assert (plan.least, plan.most) == (1, 1)
    assert deciding.decide(plan, [{"s1": 1}]).conclusion is Conclusion.HEALTHY
    assert deciding.decide(plan, [{}], closed=True).conclusion is Conclusion.UNDECIDED
    assert deciding.decide(plan, [{}]).more == 1


def test_rates_that_are_none_are_refused() -> None:
    """A rate is above 0 and below 1."""
    with pytest.raises(ValueError, match="above 0 and below 1"):
        planning.plan(fleet(1, 1), ALPHA, MISS, 1.0)


def test_an_interval_holds_at_every_look() -> None:
    """Over all paths of 150 answers, the true share is ever outside of a 90 % interval in 10 % at most."""
    share, alpha = 0.3, 0.1
    inside, outside = {0: 1.0}, 0.0
    for of in range(1, 151):
        reached = Counter[int]()
        for seen, chance in inside.items():
            reached[seen] += chance * (1 - share)
            reached[seen + 1] += chance * share
        inside = {}
        for seen, chance in reached.items():
            low, high = intervals.interval(seen, of, 1 / 3, alpha, DETECT)
            if low <= share <= high:
                inside[seen] = chance
            else:
                outside += chance
    assert 0.001 < outside <= alpha


@pytest.mark.parametrize(("seen", "of"), [(0, 40), (40, 40), (7, 40), (1, 10**6), (5 * 10**8, 10**9)])
def test_an_interval_ends_where_the_likelihood_does(seen: int, of: int) -> None:
    """At an end within 0 to 1 the likelihood is alpha times the mixture's; the observed share lies between."""
    low, high = intervals.interval(seen, of, 0.25, 0.05, DETECT)
    assert 0 <= low <= seen / of <= high <= 1
    assert (low == 0, high == 1) == (seen == 0, seen == of)

    def fits(share: float) -> bool:
        size = (1 - 0.25) / (DETECT**2 * 0.25) - 1
        a, b = size * 0.25, size * 0.75
        beta = [math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y) for x, y in ((a, b), (a + seen, b + of - seen))]
        likelihood = seen * math.log(share) + (of - seen) * math.log1p(-share)
        return beta[1] - beta[0] - likelihood < -math.log(0.05)

    off = 1e-3 * (high - low)
    assert low == 0 or (fits(low + off) and not fits(low - min(off, low / 2)))
    assert high == 1 or (fits(high - off) and not fits(high + min(off, (1 - high) / 2)))


def test_without_answers_or_another_server_an_interval_is_all_that_may_be() -> None:
    """Nothing seen tells nothing; a server that is owed nothing, or all, has an interval, too."""
    assert intervals.interval(0, 0, 0.5, 0.05, DETECT) == (0.0, 1.0)
    low, high = intervals.interval(0, 100, 0.0, 0.05, DETECT)
    assert low == 0 < high < 0.1
    low, high = intervals.interval(100, 100, 1.0, 0.05, DETECT)
    assert 0.9 < low < high == 1


def test_an_even_fleet_is_even_for_the_servers_that_answered() -> None:
    """Where nobody told weights, the test of equal ones accepts 3 even servers and not the weights 1:1:2."""
    even, decision = evenness.decide([fleet(6, 7, 7), fleet(60, 60, 60)], ALPHA, MISS, DETECT)
    assert (dict(even.weights), decision.conclusion) == (fleet(1, 1, 1), Conclusion.HEALTHY)
    _, decision = evenness.decide([fleet(90, 90, 180)], ALPHA, MISS, DETECT)
    assert (decision.conclusion, decision.faulty) == (Conclusion.FAULTY, ("s3",))


def test_a_server_that_answers_late_counts_from_the_start() -> None:
    """The servers are those of the last look; before the first answer there is nothing to test."""
    even, decision = evenness.decide([fleet(10, 10), fleet(50, 50, 50)], ALPHA, MISS, DETECT)
    assert (len(even.weights), decision.conclusion) == (3, Conclusion.HEALTHY)
    assert evenness.decide([], ALPHA, MISS, DETECT, closed=True)[1].conclusion is Conclusion.UNDECIDED


def test_an_interval_far_from_what_is_owed_ends() -> None:
    """One of 2,000 answers by a server that is owed half of them, where a weight off by 1 % matters."""
    low, high = intervals.interval(1, 2_000, 0.5, ALPHA, 0.01)
    assert 0 <= low < 1 / 2_000 < high < 0.5
