"""What Ansible says of a host that gave nothing, in one sentence."""

from lbcheck.model.step import ErrorKind
from lbcheck.vantage.ansible import reason

FULL = (
    "Module failed: Failed to replace '/tmp/lbcheck-1e/lbcheck.pyz' with b'/root/.ansible/tmp/x/.source.pyz': "
    "[Errno 28] No space left on device: b'/root/.ansible/tmp/x/.source.pyz' -> b'/tmp/lbcheck-1e/.ansible_tmpvke'"
)


def test_a_host_without_room_for_the_probe_is_said_so_in_a_few_words() -> None:
    """Which file Ansible replaces by which is nobody's business: the place is, and what the system said."""
    failure = reason({"event": "failed", "host": "client2", "task": "carry", "msg": FULL})
    assert failure.message == "client2: the probe could not be copied to /tmp: no space left on device"


def test_any_other_failure_keeps_ansibles_own_words() -> None:
    """What is not understood is passed on, with its host."""
    failure = reason({"event": "failed", "host": "web1", "task": "stage 0", "stderr": "[Errno 28] odd"})
    assert failure.message == "web1: [Errno 28] odd"


def test_a_host_that_cannot_be_reached_is_of_that_kind() -> None:
    """A verdict tells what could not be reached from what went wrong there."""
    gone = {"event": "unreachable", "host": "ghost1", "task": "carry", "msg": "no route"}
    assert reason(gone).kind is ErrorKind.UNREACHABLE
