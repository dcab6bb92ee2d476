"""What cycles owe: each balancer's wheel, the bound that follows from it, and how many choices show a wrong weight."""

import heapq
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from lbcheck.analysis.wheels.blocks import BLOCKS, BLOCKS_FROM_SECOND
from lbcheck.analysis.wheels.cycle import Cycle, assumed
from lbcheck.analysis.wheels.edf import EDF, EDF_IF_UNEQUAL
from lbcheck.analysis.wheels.fast_weighted import FAST_WEIGHTED
from lbcheck.analysis.wheels.needed import needed, turn_or_assume
from lbcheck.analysis.wheels.smooth import SMOOTH
from lbcheck.analysis.wheels.turns import Turn, cycle_of, unrolled
from lbcheck.analysis.wheels.weighted_map import WEIGHTED_MAP
from lbcheck.analysis.wheels.wheel import LONGEST, Wheel, turn

WHEELS = (FAST_WEIGHTED, WEIGHTED_MAP, SMOOTH, EDF, EDF_IF_UNEQUAL, BLOCKS, BLOCKS_FROM_SECOND)
IN_ORDER = (FAST_WEIGHTED, WEIGHTED_MAP, SMOOTH, BLOCKS, BLOCKS_FROM_SECOND)  # wheels that leave no order to chance
HEAVY = (222, 8, 3, 4, 4, 3, 5, 2, 5, 3, 7, 5, 3, 8, 7, 2, 6, 6, 4)


def by_name(wheels: Sequence[Wheel]) -> pytest.MarkDecorator:
    """Run a test with each wheel."""
    return pytest.mark.parametrize("wheel", wheels, ids=lambda wheel: wheel.name)


def some_weights(seed: int, times: int, most: int = 12) -> Iterator[tuple[int, ...]]:
    """Yield weights of every kind: all different, two different ones, one heavy among light ones."""
    dice = random.Random(seed)  # noqa: S311 (no secret)
    for _ in range(times):
        servers = dice.randint(2, 8)
        pair = (dice.randint(1, most), dice.randint(1, most))
        yield tuple(dice.randint(1, most) for _ in range(servers))
        yield tuple(dice.choice(pair) for _ in range(servers))
        yield (dice.randint(4 * most, 5 * most), *(dice.randint(1, 5) for _ in range(servers)))


def law(wheel: Wheel, weights: Sequence[int]) -> Cycle:
    """Return the law, which must be there."""
    cycle = turn(wheel, weights)
    assert cycle is not None
    return cycle


def first(wheel: Wheel, weights: Sequence[int], choices: int) -> list[int]:
    """Return the first choices."""
    return list(itertools.islice(wheel.choices(weights), choices))


def halved_and_doubled(weights: Sequence[int], victim: int) -> Iterator[list[int]]:
    """Yield the weights if the victim had half of its own, at the smallest whole scale, and twice its own."""
    scale = 1 + weights[victim] % 2
    yield [weight * scale // (2 if server == victim else 1) for server, weight in enumerate(weights)]
    yield [weight * (2 if server == victim else 1) for server, weight in enumerate(weights)]


def furthest(choices: Sequence[int], cycle: Cycle) -> list[float]:
    """Return for each server how far its count is off its share in the worst stretch of `choices`."""
    worst = []
    for server, share in enumerate(cycle.shares):
        steps = ((choice == server) - share for choice in choices)
        off = list(itertools.accumulate(steps, initial=0.0))
        worst.append(max(off) - min(off))
    return worst


# --- HAProxy's roundrobin: the law's values ---


@pytest.mark.parametrize(
    ("weights", "bound"),
    [
        ((1, 1, 1), 2 / 3),
        ((1,) * 10, 0.9),
        ((1, 1, 2), 0.75),
        ((8, 8, 7), 1.7221),
        ((3, 256, 256), 1.9510),
        (HEAVY, 9.0996),
    ],
)
def test_the_bound_of_haproxys_roundrobin_is_computed(weights: tuple[int, ...], bound: float) -> None:
    """No constant fits: equal servers are never a whole request off, a heavy one among light ones is nine."""
    assert law(FAST_WEIGHTED, weights).bound == pytest.approx(bound, abs=1e-4)


@pytest.mark.parametrize(
    ("weights", "counts"), [((3, 3, 2), (48, 48, 31)), ((8, 8, 7), (128, 128, 111)), ((1, 1, 2), (16, 16, 32))]
)
def test_haproxys_shares_are_not_always_its_weights(weights: tuple[int, ...], counts: tuple[int, ...]) -> None:
    """What is forgotten at the end of a turn is never made good, so that each turn is off by the same."""
    owed = law(FAST_WEIGHTED, weights)
    assert owed.shares == pytest.approx([count / sum(counts) for count in counts])
    assert owed.period == sum(counts)


def test_haproxys_weights_are_not_reduced() -> None:
    """At twice the scale of the same weights, less is forgotten."""
    assert law(FAST_WEIGHTED, (16, 16, 14)).shares != pytest.approx(law(FAST_WEIGHTED, (8, 8, 7)).shares)


def test_haproxys_shares_are_nearly_by_weight() -> None:
    """They are off by less than what is assumed where no wheel is turned."""
    for weights in some_weights(1, 40):
        for share, by_weight in zip(law(FAST_WEIGHTED, weights).shares, assumed(weights).shares, strict=True):
            assert share == pytest.approx(by_weight, rel=assumed(weights).drift)


def test_equal_servers_of_haproxy_are_owed_equal_shares_although_they_change_places() -> None:
    """The two servers of weight 10 take over each other's part after each turn of 1,087 choices."""
    owed = law(FAST_WEIGHTED, (16, 10, 16, 10, 16))
    assert owed.period == 2 * 1087
    assert owed.shares[1] == owed.shares[3]
    choices = first(FAST_WEIGHTED, (16, 10, 16, 10, 16), 3 * 1087)
    assert choices[1087 : 2 * 1087] == [{1: 3, 3: 1}.get(choice, choice) for choice in choices[:1087]]
    assert choices[2 * 1087 :] == choices[:1087]


def test_equal_servers_of_haproxy_take_strict_turns() -> None:
    """Whatever their weight: their turn is as long as they are many, and quickly found."""
    owed = law(FAST_WEIGHTED, (256,) * 200)
    assert owed.period == 200
    assert owed.bounds == pytest.approx((0.995,) * 200)


# --- every wheel ---


@by_name(WHEELS)
def test_no_stretch_of_choices_is_off_by_more_than_the_bound(wheel: Wheel) -> None:
    """Wherever it begins and however long it is, each server's count is within what is allowed."""
    for weights in some_weights(2, 6, most=6):
        owed = law(wheel, weights)
        choices = first(wheel, weights, 2 * sum(weights) + 9)
        before = [[0] * len(weights)]
        for choice in choices:
            before.append([count + (server == choice) for server, count in enumerate(before[-1])])
        for begin, end in itertools.combinations(range(0, len(before), 3), 2):
            allowed = owed.allowed(end - begin)
            for server, share in enumerate(owed.shares):
                count = before[end][server] - before[begin][server]
                assert abs(count - share * (end - begin)) <= allowed[server]


@by_name(IN_ORDER)
def test_the_bound_is_reached(wheel: Wheel) -> None:
    """No smaller bound is right: for each weight, some server is as far off in some stretch, and none is further."""
    for weights in some_weights(3, 6, most=8):
        owed = law(wheel, weights)
        assert owed.period is not None
        off = dict(zip(weights, owed.bounds, strict=True))
        seen = dict.fromkeys(weights, 0.0)
        for weight, worst in zip(weights, furthest(first(wheel, weights, 2 * owed.period), owed), strict=True):
            seen[weight] = max(seen[weight], worst)
        assert seen == pytest.approx(off)


@by_name(WHEELS)
def test_permuting_the_servers_permutes_the_law(wheel: Wheel) -> None:
    """Which server stands first does not matter; where ties go to the first, it does for the bound alone."""
    dice = random.Random(4)  # noqa: S311 (no secret)
    for weights in some_weights(5, 8):
        order = dice.sample(range(len(weights)), len(weights))
        owed, permuted = law(wheel, weights), law(wheel, [weights[server] for server in order])
        assert permuted.shares == pytest.approx([owed.shares[server] for server in order])
        if wheel not in (WEIGHTED_MAP, SMOOTH):
            assert permuted.bounds == pytest.approx([owed.bounds[server] for server in order])


@by_name(WHEELS)
def test_a_server_of_weight_0_is_owed_nothing(wheel: Wheel) -> None:
    """It is never chosen, and the others' law is as if it were not there."""
    owed, without = law(wheel, (3, 0, 5, 4)), law(wheel, (3, 5, 4))
    assert (owed.shares[1], owed.bounds[1]) == (0.0, 0.0)
    assert (owed.shares[0], *owed.shares[2:]) == without.shares
    assert (owed.bounds[0], *owed.bounds[2:]) == without.bounds
    assert first(wheel, (3, 0, 5, 4), 99) == [(0, 2, 3)[choice] for choice in first(wheel, (3, 5, 4), 99)]


@by_name(WHEELS)
def test_a_count_at_the_bound_is_within_it(wheel: Wheel) -> None:
    """However many choices there are: floats round, and a healthy balancer is not to be blamed for that."""
    for turns in (0, 1, 10**3, 10**6, 10**9):
        owed, choices = law(wheel, (1, 1, 1)), 3 * turns + 1
        assert abs(turns + 1 - owed.shares[0] * choices) <= owed.allowed(choices)[0]


@by_name(WHEELS)
def test_a_lone_server_is_owed_everything(wheel: Wheel) -> None:
    """Nothing is left to be off; nor is it without any server."""
    assert law(wheel, (7, 0)) == Cycle((1.0, 0.0), (0.0, 0.0), 1)
    assert first(wheel, (7, 0), 3) == [0, 0, 0]
    assert law(wheel, (0, 0)).shares == assumed((0, 0)).shares == (0.0, 0.0)
    assert law(wheel, ()).bound == 0
    assert first(wheel, (0, 0), 3) == []


@pytest.mark.parametrize(
    ("wheel", "weights", "choices"),
    [
        (FAST_WEIGHTED, (1, 1, 1), [0, 1, 2, 0]),
        (FAST_WEIGHTED, (1, 1, 2), [2, 0, 2, 1, 2]),
        (WEIGHTED_MAP, (1, 1, 2), [0, 2, 1, 2, 0]),
        (SMOOTH, (1, 1, 1), [0, 1, 2, 0]),
        (SMOOTH, (1, 1, 2), [2, 0, 1, 2, 2]),
        (SMOOTH, (5, 1, 1), [0, 0, 1, 0, 2, 0, 0]),
        (EDF_IF_UNEQUAL, (1, 1, 1), [0, 1, 2, 0]),
        (EDF, (3, 2, 1), [0, 1, 0, 2, 1, 0, 0]),
        (EDF, (6, 3, 2), [0, 1, 0, 2, 0, 1, 0, 0, 2, 1, 0]),
        (BLOCKS, (1, 2, 3), [0, 1, 1, 2, 2, 2, 0]),
        (BLOCKS_FROM_SECOND, (1, 1, 1), [1, 2, 0, 1]),
        (BLOCKS_FROM_SECOND, (3, 7), [0, 0, 1, 1, 1, 1, 1, 1, 1, 0]),
    ],
)
def test_each_wheel_has_its_own_beginning(wheel: Wheel, weights: tuple[int, ...], choices: list[int]) -> None:
    """What a balancer chooses first after its start."""
    assert first(wheel, weights, len(choices)) == choices


@by_name([FAST_WEIGHTED, WEIGHTED_MAP, SMOOTH, EDF, EDF_IF_UNEQUAL])
def test_a_wheel_that_takes_too_long_is_not_turned(wheel: Wheel) -> None:
    """A million to one: no law, but what is assumed; four requests and 5 % of what is owed."""
    weights = (999_999, 1)
    assert wheel.steps(weights) > LONGEST
    assert turn(wheel, weights) is None
    assert turn_or_assume(wheel, weights) == assumed(weights)
    assert assumed((3, 1, 0)).allowed(1000) == pytest.approx((4 + 0.05 * 750, 4 + 0.05 * 250, 0), abs=1e-5)


def test_a_wheel_whose_times_are_long_numbers_is_not_turned() -> None:
    """Weights without common divisors: their common multiple, of which times are parts, has 2,000 bits."""
    primes = tuple(n for n in range(2, 1400) if all(n % divisor for divisor in range(2, n)))
    assert 2 * sum(primes) < LONGEST < EDF.steps(primes)
    assert EDF.steps((2**32 - 1, 2**32 - 3)) > LONGEST
    assert EDF.steps((1_000_000, 500_000)) == 6


def test_the_largest_usual_fleets_are_turned() -> None:
    """200 servers, their weights around 100."""
    assert FAST_WEIGHTED.steps((100,) * 199 + (99,)) <= LONGEST
    assert SMOOTH.steps((100,) * 199 + (99,)) <= LONGEST


# --- what is peculiar to one wheel ---


def test_nginxs_smooth_cycle_is_never_2_off() -> None:
    """Whatever the weights."""
    assert all(law(SMOOTH, weights).bound < 2 for weights in some_weights(6, 60, most=40))


def test_a_block_is_furthest_off_at_its_ends() -> None:
    """100 in a row are 50 off their half, and the law is that of the blocks when they are turned."""
    assert law(BLOCKS_FROM_SECOND, (100, 100)).bound == 50
    for weights in some_weights(7, 5):
        blocks = Turn(first(BLOCKS, weights, sum(weights)))
        assert law(BLOCKS, weights).bounds == pytest.approx(cycle_of(blocks).bounds)


def envoys_choices(weights: Sequence[int], start: float, choices: int) -> list[int]:
    """Choose as Envoy's scheduler does, in floats, from a time on at which all are due."""
    queue = [(start + 1 / weight, server, server) for server, weight in enumerate(weights)]
    heapq.heapify(queue)
    chosen = []
    for order in range(len(weights), len(weights) + choices):
        time, _, server = queue[0]
        heapq.heapreplace(queue, (time + 1 / weights[server], order, server))
        chosen.append(server)
    return chosen


def test_the_bound_of_envoy_holds_for_its_floats() -> None:
    """Rounding decides who is first of those that are due at once, which can widen a stretch beyond exact times."""
    widened = False
    for weights in (*some_weights(8, 12), (3, 7, 11, 13)):
        owed = law(EDF, weights)
        exact = furthest(first(EDF, weights, 600), owed)
        for start in (0.0, 12_345.678, 1e7 + 1 / 3):
            seen = furthest(envoys_choices(weights, start, 600), owed)
            assert all(off <= bound + 1e-9 for off, bound in zip(seen, owed.bounds, strict=True))
            widened |= max(seen) > max(exact) + 0.1
    assert widened


def test_the_order_of_what_is_due_at_once_is_left_to_chance() -> None:
    """Three equal servers in any order each round: as Traefik has it, twice 2/3 off, which is reached."""
    dice, owed = random.Random(9), law(EDF, (1, 1, 1))  # noqa: S311 (no secret)
    rounds = itertools.chain.from_iterable(dice.sample(range(3), 3) for _ in range(200))
    assert owed.bound == pytest.approx(4 / 3)
    assert furthest(list(rounds), owed) == pytest.approx(owed.bounds)


def test_a_turn_is_repeated_with_its_servers_in_changing_places() -> None:
    """Servers 0 and 1 swap after each turn, and only both turns together are a period."""
    swapping = Turn((0, 0, 1), then=(1, 0))
    assert list(itertools.islice(unrolled(swapping), 9)) == [0, 0, 1, 1, 1, 0, 0, 0, 1]
    assert cycle_of(swapping) == Cycle((0.5, 0.5), (1.5, 1.5), 6)


# --- pools of cycles ---


@by_name([FAST_WEIGHTED, SMOOTH])
def test_the_bounds_of_several_cycles_add_up(wheel: Wheel) -> None:
    """Four workers, each with its own cycle and in any order: never more than four bounds off, and that is reached."""
    dice, weights, workers = random.Random(10), (1, 1, 2), 4  # noqa: S311 (no secret)
    owed = law(wheel, weights)
    reached = 0.0
    for _ in range(30):
        cycles = [itertools.islice(wheel.choices(weights), dice.randrange(8), None) for _ in range(workers)]
        choices = [next(dice.choice(cycles)) for _ in range(300)]
        in_step = [next(cycle) for cycle in cycles * 8]
        for stretch in (choices, in_step):
            count = [stretch.count(server) for server in range(3)]
            off = [abs(count[server] - share * len(stretch)) for server, share in enumerate(owed.shares)]
            assert all(a <= b for a, b in zip(off, owed.allowed(len(stretch), workers), strict=True))
    together = [next(cycle) for cycle in [wheel.choices(weights) for _ in range(workers)] * 8]
    reached = max(furthest(together, owed))
    assert reached == pytest.approx(workers * owed.bound)


# --- how many choices are needed ---


@pytest.mark.parametrize(
    ("weights", "choices"), [((1, 1, 1), 12), ((1,) * 10, 40), ((1, 1, 2), 16), ((3, 256, 256), 1060)]
)
def test_how_many_choices_show_a_halved_weight(weights: tuple[int, ...], choices: int) -> None:
    """A handful for few equal servers, and many where one server is owed little."""
    assert needed(FAST_WEIGHTED, weights) == choices


@by_name(WHEELS)
def test_so_many_choices_show_every_halved_or_doubled_weight(wheel: Wheel) -> None:
    """Whichever server it is and wherever the choices begin: its count is out of what is allowed."""
    for weights in some_weights(11, 3):
        owed, choices = law(wheel, weights), needed(wheel, weights)
        assert choices is not None
        allowed = owed.allowed(choices)
        for victim in range(len(weights)):
            for faulty in halved_and_doubled(weights, victim):
                chosen = [choice == victim for choice in first(wheel, faulty, choices + 500)]
                count = sum(chosen[:choices])
                for begin in range(500):
                    assert abs(count - owed.shares[victim] * choices) > allowed[victim]
                    count += chosen[begin + choices] - chosen[begin]


def test_a_doubled_weight_can_be_the_harder_one_to_find() -> None:
    """Half of 100 in a row would show after 501 choices; 200 in a row are further off by themselves."""
    assert needed(BLOCKS, (100, 100)) == 701


def test_where_turning_takes_too_long_more_choices_are_asked_for_rather_than_fewer() -> None:
    """The first faulty wheel is turned, and for the others bounds are assumed that are twice as wide."""
    slow = replace(SMOOTH, name="slow", steps=lambda _: LONGEST)
    assert turn(slow, (1, 1, 1)) == turn(SMOOTH, (1, 1, 1))
    assert (needed(SMOOTH, (1, 1, 1)), needed(slow, (1, 1, 1))) == (12, 21)
    assert (needed(SMOOTH, (1, 1, 1), detect=0.1), needed(slow, (1, 1, 1), detect=0.1)) == (84, 117)


def test_of_the_faults_the_one_that_could_need_the_most_choices_is_turned() -> None:
    """For others bounds are assumed: ten times a block's bound where a tenth of a weight, or ten times it, is wrong."""
    smooth, blocks = (replace(wheel, name="slow", steps=lambda _: LONGEST) for wheel in (SMOOTH, BLOCKS))
    assert needed(smooth, (2, 9, 9)) == needed(SMOOTH, (2, 9, 9)) == 42
    assert (needed(BLOCKS, (10, 10)), needed(blocks, (10, 10))) == (71, 91)
    assert (needed(BLOCKS, (10, 10), detect=0.9), needed(blocks, (10, 10), detect=0.9)) == (35, 135)


def test_one_choice_less_can_miss_it() -> None:
    """Of three servers one at half its weight answers 3 of some 11 requests, which is still within the bound."""
    owed = law(FAST_WEIGHTED, (1, 1, 1))
    chosen = first(FAST_WEIGHTED, (1, 2, 2), 11)
    halved = next(chosen[i:] + chosen[:i] for i in range(11))
    assert halved.count(0) in (2, 3)
    assert abs(3 - owed.shares[0] * 11) <= owed.allowed(11)[0]


@by_name(WHEELS)
def test_more_cycles_need_more_choices(wheel: Wheel) -> None:
    """As many times as many, within a choice."""
    one, eight = needed(wheel, (1, 1, 2)), needed(wheel, (1, 1, 2), cycles=8)
    assert one is not None
    assert eight is not None
    assert 8 * (one - 1) <= eight <= 8 * one


def test_to_be_farther_out_of_its_bound_takes_a_wrong_weight_more_choices() -> None:
    """As many more as it needs to gain that distance."""
    assert [needed(FAST_WEIGHTED, (1, 1, 2), beyond=beyond) for beyond in (0, 3, 6)] == [16, 44, 72]


def test_a_smaller_fault_needs_more_choices() -> None:
    """A tenth of a weight is harder to find than half of it."""
    tenth, half = needed(FAST_WEIGHTED, (1, 1, 1), detect=0.1), needed(FAST_WEIGHTED, (1, 1, 1), detect=0.5)
    assert tenth is not None
    assert half is not None
    assert tenth > 5 * half


def test_where_no_wheel_is_known_more_choices_are_needed_or_none_are_enough() -> None:
    """A halved weight shows through 4 requests and 5 %; one of 5 % less does not, however many."""
    assert needed(None, (1, 1, 1)) == 69
    assert needed(None, (1, 1, 1), detect=0.05) is None
    assert needed(FAST_WEIGHTED, (1, 1, 1), detect=0.05) is not None


def test_nothing_can_be_wrong_with_a_lone_server() -> None:
    """One choice is enough to see it."""
    assert needed(FAST_WEIGHTED, (5, 0)) == 1
    assert needed(None, ()) == 1


@by_name([FAST_WEIGHTED, WEIGHTED_MAP, SMOOTH, EDF, BLOCKS])
def test_a_wrong_weight_at_most_doubles_a_bound(wheel: Wheel) -> None:
    """What is assumed of faulty wheels that are not turned."""
    for weights in some_weights(12, 4):
        for victim, bound in enumerate(law(wheel, weights).bounds):
            for faulty in halved_and_doubled(weights, victim):
                assert law(wheel, faulty).bounds[victim] <= 2 * max(1.0, bound)
