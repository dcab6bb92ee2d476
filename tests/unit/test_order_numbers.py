"""The numbers behind what an order of answers tells: each beside a count of all orders, or a formula of its own."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import permutations, product

import pytest

from lbcheck.analysis.order import draws, steady, stretches
from lbcheck.analysis.order.infer import infer
from lbcheck.analysis.order.inference import Kind, Order, listed
from lbcheck.analysis.order.steady import Absence, absences, long_gaps, steady_parts
from lbcheck.analysis.order.swing import Swing, widest_swing


def all_orders(answers: str) -> list[str]:
    """Return every order of some answers of servers of one letter, each once."""
    return sorted({"".join(order) for order in permutations(answers)})


def moments(answers: str) -> tuple[Fraction, Fraction]:
    """Return mean and variance of the number of changes over all orders of these answers."""
    numbers = [Fraction(stretches.changes(order)) for order in all_orders(answers)]
    mean = sum(numbers) / len(numbers)
    return Fraction(mean), sum((number - mean) ** 2 for number in numbers) / len(numbers)


# --- stretches ---


@pytest.mark.parametrize("answers", ["ab", "aab", "aabb", "aaabbc", "abcd"])
def test_fewer_changes_than_draws_have_are_four_deviations_fewer(answers: str) -> None:
    """Pieces together, whatever changes each has; one answer alone has none and tells nothing."""
    mean, variance = moments(answers)
    orders, number = all_orders(answers), 60
    least, most = min(orders, key=stretches.changes), max(orders, key=stretches.changes)
    for part in range(number + 1):
        pieces = [*[least] * part, *[most] * (number - part), *["ab"] * 9, "a", ""]  # two answers change once
        seen = sum(map(stretches.changes, pieces))
        few = seen - (number * mean + 9) < -4 * math.sqrt(number * variance)
        assert stretches.fewer_changes_than_draws(pieces) == few, seen


def test_hardly_any_change_is_less_than_a_quarter_of_those_of_draws() -> None:
    """Of twenty answers each of two servers draws have twenty changes: five are a quarter, four are less."""
    assert not stretches.few_changes("a" * 7 + "b" * 7 + "a" * 7 + "b" * 7 + "a" * 6 + "b" * 6)
    assert stretches.few_changes("a" * 7 + "b" * 10 + "a" * 7 + "b" * 10 + "a" * 6)


@pytest.mark.parametrize("answers", ["ab", "aab", "aabbc", "abcd"])
def test_the_chance_that_each_server_has_one_stretch(answers: str) -> None:
    """As many of all orders."""
    orders = all_orders(answers)
    one_each = sum(stretches.each_in_one_stretch(order) for order in orders)
    assert math.isclose(stretches.chance_of_one_stretch_each(answers), one_each / len(orders))


# --- the swing ---


@pytest.mark.parametrize("answers", ["aaaabbbb", "aabbbbbb", "aabbcccc"])
def test_the_widest_swing_of_every_order(answers: str) -> None:
    """The first server with the largest range; where it was furthest behind first, or else furthest ahead last."""
    for order in all_orders(answers):
        swings = [_swing(order, server) for server in dict.fromkeys(order)]
        assert widest_swing(order) == max(swings, key=lambda swing: swing.size), order


def test_a_server_with_every_answer_does_not_swing() -> None:
    """It is never off its share, from the start on."""
    assert widest_swing("aaa") == Swing("a", 0.0, 0)


def _swing(order: str, server: str) -> Swing:
    share = order.count(server) / len(order)
    off = [order[:number].count(server) - share * number for number in range(len(order) + 1)]
    low, high = min(off), max(off)
    last = max(number for number, value in enumerate(off) if value == high)
    return Swing(server, high - low, off.index(low) if -low >= high else last)


# --- gaps ---


def telling(answers: int, total: int, servers: int) -> int:
    """Return the shortest gap that tells of a server that gave so many of the answers."""
    rare = steady.GAP_CHANCE / (answers + 1) / servers
    chances = (math.comb(total - gap, answers) / math.comb(total, answers) for gap in range(total - answers + 2))
    return next(gap for gap, chance in enumerate(chances) if chance <= rare)


@pytest.mark.parametrize(
    ("answers", "total", "servers"), [(20, 80, 2), (20, 80, 3), (60, 200, 2), (7, 300, 5), (5, 100, 2)]
)
def test_a_gap_tells_as_soon_as_a_random_order_hardly_has_it(answers: int, total: int, servers: int) -> None:
    """One answer fewer does not, whether the server stopped answering or began late."""
    enough = telling(answers, total, servers)
    others = "bcdef"[: servers - 1]
    for gap in (enough, enough - 1):
        fill = [others[place % len(others)] for place in range(total - answers)]
        order = [*fill[: total - answers - gap], *"a" * answers, *fill[total - answers - gap :]]
        found = [absence for absence in long_gaps(order, {}) if absence.server == "a" and absence.end == total]
        assert bool(found) == (gap == enough)


def test_a_gap_of_few_answers_never_tells() -> None:
    """Three of ten answers may be the first three."""
    assert long_gaps("aaabbbbbbb", {}) == ()


def test_a_share_of_everything_has_no_gap_that_is_known() -> None:
    """Whatever was told of a server, the order alone tells then."""
    assert long_gaps("a" * 30, {"a": 1.0}) == ()


def test_servers_one_after_the_other_have_gaps_that_tell() -> None:
    """Each answers in one stretch: that is no return of stretches, in which gaps mean nothing."""
    assert absences("a" * 40 + "b" * 40) == (Absence("b", 0, 40, 80), Absence("a", 40, 80, 80))


@pytest.mark.parametrize(("length", "parts"), [(24, [(0, 24), (24, 64)]), (23, [(23, 63)])])
def test_a_part_has_24_answers_or_more(length: int, parts: list[tuple[int, int]]) -> None:
    """A shorter one lies between two changes that belong together."""
    order = ("a" + "ba" * 12)[25 - length :] + "b" * 40
    assert [(part.start, part.end) for part in steady_parts(order, {"a": 0.5, "b": 0.5})] == parts


# --- both tails of draws ---

SHIFTS = {2: 0.85, 3: 0.6, 4: 0.65, 5: 0.7, 7: 0.78, 10: 0.9, 15: 1.05, 20: 1.2, 25: 1.2}


def kuiper(x: float) -> float:
    """Return Kuiper's distribution by the series that converges fast for large x, with many terms."""
    return 1 - 2 * sum((4 * (j * x) ** 2 - 1) * math.exp(-2 * (j * x) ** 2) for j in range(1, 200))


@pytest.mark.parametrize("servers", SHIFTS)
def test_how_often_draws_are_as_even(servers: int) -> None:
    """The ranges of equal servers are those of one less that are independent, with a shift that is interpolated."""
    each, share = 40, 1 / servers
    answers, step = each * servers, math.sqrt(share * (1 - share))
    for evenness in (2.0, 5.0, 10.0):
        within = kuiper((evenness + SHIFTS[servers] * step) / (step * math.sqrt(answers)))
        expected = within ** (servers - 1)
        assert math.isclose(draws.chance_as_even(evenness, [each] * servers), expected, rel_tol=1e-6, abs_tol=1e-12)


def test_the_ends_of_both_tails() -> None:
    """What cannot be more even or less so."""
    assert draws.chance_as_even(0.0, [10**7] * 2) == 0.0
    assert draws.chance_as_uneven(0.0, [3] * 10) == 1.0
    assert math.isclose(draws.chance_as_uneven(0.5, [2, 2]), 1 - kuiper((0.5 + 0.8 / 2) / (0.5 * 2)), rel_tol=1e-6)


# --- what is said ---


def told(order: Sequence[str], keys: Sequence[str] = ()) -> Kind:
    """Return the kind of an order."""
    return infer(order, keys).kind


def test_the_chance_that_draws_repeat_a_turn_or_a_period() -> None:
    """Each answer after the first turn is one that draws would have to repeat."""
    strict, weighted = infer("abc" * 20), infer("aab" * 20)
    assert strict.chance and math.isclose(strict.chance, (1 / 3) ** 57)  # noqa: PT018 (for the types)
    assert weighted.chance and math.isclose(weighted.chance, (5 / 9) ** 57)  # noqa: PT018


def test_two_draws_with_the_observed_shares_are_equal_so_often() -> None:
    """The sum of the squares of the shares."""
    assert Order("aabb").repeat == 0.5
    assert Order("aaab").repeat == 0.625


def test_a_few_names_are_all_said_and_of_many_the_first() -> None:
    """Five are a few."""
    assert listed("abcde") == "a, b, c, d and e"
    assert listed("abcdef") == "a, b, c, d and 2 more"
    assert listed("abcdefghi") == "a, b, c, d and 5 more"


def test_a_single_answer_at_the_end_is_no_stretch_that_tells() -> None:
    """One order of twelve has the one answer of the second server at an end."""
    assert told("a" * 23 + "b") is not Kind.FIRST_UNTIL_FULL
    assert infer("aaa").evenness == 0.0


def test_a_share_that_changed_is_said_with_all_its_numbers() -> None:
    """How much of which answers, and how rare that is in draws."""
    order = ["abbb"[place % 4] for place in range(200)] + ["aaab"[place % 4] for place in range(100)]
    words = infer(order).sentence
    assert words.startswith("server a gave 25% of the first 200 answers and 75% of the other 100: independent draws")
    assert "vary so much in about one run of 1,000." in words


def irregular(keys: str, rounds: int) -> Iterator[str]:
    """Give keys in an order that does not repeat."""
    for number, key in product(range(rounds), keys):
        yield keys[(keys.index(key) * (1 + 2 * (number % 3)) + number) % len(keys)]


def test_keys_in_step_with_a_cycle_three_times_are_no_proof() -> None:
    """Eight keys in turn and four servers in turn: the place in the order explains both, as soon as it shows."""
    assert told("abcd" * 6, "12345678" * 3) is Kind.UNKNOWN


def test_a_key_that_met_two_servers_is_none_that_meets_one() -> None:
    """However rarely."""
    keys = [*irregular("12345678", 6)]
    servers = dict(zip("12345678", "abcdabcd", strict=True))
    order = [servers[key] for key in keys]
    assert told(order, keys) is Kind.ONE_KEY_ONE_SERVER
    order[-1] = "d" if order[-1] != "d" else "a"
    assert Counter(keys)[keys[-1]] > 1
    assert told(order, keys) is not Kind.ONE_KEY_ONE_SERVER
