"""Whether client, balancer and server counted the same requests."""

import pytest

from lbcheck.checks.spread.witnesses import Ledger, disagreements


def said(slack: int = 0, **ledgers: tuple[int, int | None, int | None]) -> list[str]:
    """Return the sentences about servers, each with the counts of client, balancer and log."""
    return disagreements({name: Ledger(*counts) for name, counts in ledgers.items()}, slack)


@pytest.mark.parametrize("slack", [0, 3])
@pytest.mark.parametrize("counted", [(10, None, None), (10, 10, None), (10, None, 10), (10, 10, 10)])
def test_witnesses_that_counted_the_same_agree(counted: tuple[int, int | None, int | None], slack: int) -> None:
    """A witness that has no count contradicts nobody."""
    assert said(slack, a=counted, b=counted) == []


@pytest.mark.parametrize(
    ("counted", "sentence"),
    [
        ((1_010, None, 1_000), "server a logged 1,000 requests of this run, and 1,010 answers name it"),
        ((1_000, None, 1_010), "server a logged 1,010 requests of this run, and 1,000 answers name it"),
        ((1_010, 1_000, None), "the balancer counted 1,000 answers of server a, and 1,010 answers name it"),
    ],
)
def test_a_difference_beyond_the_slack_is_named(counted: tuple[int, int | None, int | None], sentence: str) -> None:
    """In either direction; what lost requests and retries explain is none."""
    assert said(9, a=counted) == [sentence]
    assert said(10, a=counted) == []


def test_a_server_that_counted_nothing_is_named() -> None:
    """A count of 0 is a count."""
    assert said(a=(5, None, 0)) == ["server a logged 0 requests of this run, and 5 answers name it"]
    assert said(a=(5, 0, None)) == ["the balancer counted 0 answers of server a, and 5 answers name it"]


def test_a_log_is_heard_before_the_balancer() -> None:
    """Where both contradict the client, one sentence is enough; a log that agrees does not silence the balancer."""
    assert said(a=(5, 9, 7)) == ["server a logged 7 requests of this run, and 5 answers name it"]
    assert said(a=(9, 5, 9)) == ["the balancer counted 5 answers of server a, and 9 answers name it"]


def test_what_the_balancer_counted_more_may_be_of_others() -> None:
    """Where it counted more in all than the slack explains, more of one server is no contradiction; less of one is."""
    assert said(a=(10, 12, None), b=(10, 10, None)) == []
    assert said(1, a=(10, 12, None), b=(10, 10, None)) == []
    assert said(a=(10, 8, None), b=(10, 15, None)) == [
        "the balancer counted 8 answers of server a, and 10 answers name it"
    ]


def test_who_asked_alone_is_told_that_names_are_swapped() -> None:
    """Then more of one server is a contradiction, too, and says whose name its answers carry."""
    lacking = "the balancer counted 10 answers of server a, and 5 answers name it: its answers carry the name of b"
    assert said(a=(5, 10, None), b=(15, 10, None)) == [
        lacking,
        "the balancer counted 10 answers of server b, and 15 answers name it",
    ]
    assert said(2, a=(5, 10, None), b=(13, 10, None))[0] == lacking
    assert lacking not in said(2, a=(5, 10, None), b=(12, 10, None))
    assert said(2, a=(8, 10, None), b=(12, 10, None)) == []
    assert said(a=(5, None, 5), b=(5, 10, None)) == [
        "the balancer counted 10 answers of server b, and 5 answers name it"
    ]


def test_a_surplus_as_large_as_what_one_server_lacks_carries_its_answers() -> None:
    """Within the slack; servers without a surplus are not named, nor those of which only the client has a count."""
    lacking = "server a logged 10 requests of this run, and 0 answers name it"
    assert said(a=(0, 99, 10), b=(20, None, 10))[0] == f"{lacking}: its answers carry the name of b"
    assert said(a=(0, None, 10), b=(14, None, 10), c=(16, None, 10), d=(7, None, None), e=(3, None, 3))[0] == (
        f"{lacking}: its answers carry the name of b or c"
    )
    assert said(a=(0, None, 10), b=(25, None, 10))[0] == lacking
    assert said(5, a=(0, None, 10), b=(25, None, 10))[0] == f"{lacking}: its answers carry the name of b"
    assert said(10, a=(0, None, 11), b=(9, None, 9))[0] == lacking.replace("10", "11")
    assert said(a=(9, None, 10), b=(11, None, 10))[0].endswith(": its answers carry the name of b")
    assert said(a=(9, 5, 9), b=(5, None, 9), c=(13, None, 9))[0] == (
        "the balancer counted 5 answers of server a, and 9 answers name it"
    )
    assert said(a=(0, None, 10), b=(5, None, 10), c=(25, None, 10))[1] == (
        "server b logged 10 requests of this run, and 5 answers name it: its answers carry the name of c"
    )
