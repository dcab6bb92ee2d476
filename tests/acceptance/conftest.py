"""A bare system of each release, made once for all that is tried in it."""

from collections.abc import Iterator

import pytest

from .bare import Bare, bare


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def system(request: pytest.FixtureRequest) -> Iterator[Bare]:
    """A bare system, in which nobody has done anything yet."""
    with bare(request.param) as made:
        yield made


@pytest.fixture(scope="module", params=["root", "somebody"])
def user(request: pytest.FixtureRequest) -> str:
    """Who does it: root, or an ordinary user (there is no sudo)."""
    name: str = request.param
    return name
