"""What nginx's stub_status says."""

from pathlib import Path

import pytest

from lbcheck.wire.nginx import NotStubStatusError, StubStatusCounters, parse_stub_status

PAGE = (Path(__file__).parent / "data" / "nginx-1.22-stub-status.txt").read_text()


def test_the_three_counters_are_read() -> None:
    """Accepted and handled connections and requests come from the third line."""
    assert parse_stub_status(PAGE.replace(" 3 3 3 ", " 7 6 50 ")) == StubStatusCounters(
        accepts=7, handled=6, requests=50
    )


@pytest.mark.parametrize("end", range(len(PAGE)))
def test_a_page_cut_anywhere_is_an_error(end: int) -> None:
    """No beginning of a real page passes for the whole."""
    with pytest.raises(NotStubStatusError):
        parse_stub_status(PAGE[:end])


@pytest.mark.parametrize(
    "text",
    ["<html>\x1b[31m</html>", PAGE * 2, PAGE.replace(" 3 3 3", " 3 3 -3"), PAGE.replace(" 3 3 3", f" 3 3 {10**15}")],
)
def test_anything_else_is_an_error(text: str) -> None:
    """What is not the page is shown by its beginning, safe to show."""
    with pytest.raises(NotStubStatusError, match="not nginx's stub_status: '") as caught:
        parse_stub_status(text)
    assert "\x1b" not in str(caught.value)
