"""Numbers in sentences."""

import pytest

from lbcheck.model.words import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [(1, "subscriber", "1 subscriber"), (0, "source", "0 sources"), (2000, "client address", "2,000 client addresses")],
)
def test_all_but_one_are_many(number: int, noun: str, said: str) -> None:
    """One thing is said in the singular, none and several in the plural."""
    assert counted(number, noun) == said
