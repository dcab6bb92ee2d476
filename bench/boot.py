"""How long a virtual machine takes from its start until Vagrant is in it by ssh, the processor emulated.

    make box && python -m bench.boot [ROUNDS]

The target is what the same took with ifupdown and udev waiting: 32.6 s to the first word of sshd alone.
"""

import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench.table import print_table
from vagrant import box, world

AT_MOST_S = 32.6
STARTED, READY = re.compile("Starting domain"), re.compile("Machine booted and ready")


def inside(rounds: int) -> None:
    """Boot one machine again and again, in a world; print how long it took."""
    taken = [_boot() for _ in range(rounds)]
    row = {"rounds": rounds, "median s": statistics.median(taken), "min": min(taken), "max": max(taken)}
    print_table("A virtual machine's boot to ssh, emulated", [row | {"at most s": AT_MOST_S}])
    if statistics.median(taken) > AT_MOST_S:
        raise SystemExit(1)


def _boot() -> float:
    """Bring a machine up, unconfigured, and destroy it; return the seconds from its start to its ssh."""
    times: dict[re.Pattern[str], float] = {}
    command = ["vagrant", "up", "--no-provision", "--provider=libvirt"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as up:
        said = []
        for line in up.stdout or ():
            said.append(line)
            for moment in (STARTED, READY):
                if moment.search(line):
                    times.setdefault(moment, time.monotonic())
    subprocess.run(["vagrant", "destroy", "--force"], check=True, capture_output=True)
    if len(times) < 2:
        raise SystemExit(f"the machine did not come up:\n{''.join(said[-10:])}")
    return times[READY] - times[STARTED]


def main() -> int:
    """Run the bench in a world of its own."""
    if world.INSIDE in os.environ:
        inside(int(sys.argv[1]) if sys.argv[1:] else 3)
        return 0
    if not box.LATEST.exists():
        raise SystemExit("there is no box: `make box`")
    os.environ |= {"LAB_LIMIT": "web1", "PYTHONPATH": str(Path.cwd())}
    return world.enter([sys.executable, "-m", "bench.boot", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
