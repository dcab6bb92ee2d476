"""The pytest plugin: `pytest --lbcheck-inventory inventory` gives the fixtures `topology` and `lbcheck_run`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from lbcheck.errors import LbcheckError
from lbcheck.plain import plain

if TYPE_CHECKING:  # every pytest loads this file; the mathematics only those that ask for it
    from lbcheck.model.question import Topology
    from lbcheck.model.verdict import Report
    from lbcheck.testing.session import Session

Result = TypeVar("Result")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the inventories."""
    text = "the fleet's Ansible inventory; repeatable (or lbcheck_inventory in pytest's configuration)"
    group = parser.getgroup("lbcheck")
    group.addoption("--lbcheck-inventory", action="append", default=[], metavar="INVENTORY", help=text)
    parser.addini("lbcheck_inventory", "the fleet's Ansible inventories", type="args", default=[])


@pytest.fixture(scope="session")
def lbcheck_session(pytestconfig: pytest.Config) -> "Session":
    """The fleet of the inventories that were given, and what was seen of it."""
    from lbcheck.testing.session import Session  # noqa: PLC0415 (see above)

    given = pytestconfig.getoption("--lbcheck-inventory") or pytestconfig.getini("lbcheck_inventory")
    if not given:
        pytest.fail("no inventory: give --lbcheck-inventory, or set lbcheck_inventory", pytrace=False)
    return _in_a_sentence(Session, tuple(given))


@pytest.fixture(scope="session")
def topology(lbcheck_session: "Session") -> "Topology":
    """The fleet as lbcheck understands it."""
    return lbcheck_session.topology


@pytest.fixture(scope="session")
def lbcheck_run(lbcheck_session: "Session") -> Callable[..., "Report"]:
    """Return `lbcheck_run(check="", measure=False, **options)`: see Session.run."""

    def checked(check: str = "", **options: Any) -> "Report":
        return _in_a_sentence(lbcheck_session.run, check, **options)

    return checked


def _in_a_sentence(work: Callable[..., Result], *arguments: Any, **options: Any) -> Result:
    """Do it; what lbcheck cannot do fails the test with a sentence, no traceback."""
    try:
        return work(*arguments, **options)
    except LbcheckError as error:
        pytest.fail(plain(str(error)), pytrace=False)
