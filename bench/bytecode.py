"""What it gains that the lab's hosts keep the bytecode of archives (lab/zip_bytecode.py, docs/adr/0006).

    make lab-up converge && python -m bench.bytecode [ROUNDS]

The standing lab does the same by turns without it and with it; the ratio is the median of the pairs.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.table import print_table
from lbcheck.loaders.ansible_inventory import load

AT_MOST = 0.9  # of the time without it: else a private function of Python's is replaced for nothing
INVENTORY = "inventory/lab"
BIN = Path(sys.executable).parent
LOADED, SET_ASIDE = (f"/usr/lib/python3/dist-packages/zip_bytecode.{end}" for end in ("pth", "aside"))
WORK: dict[str, Sequence[str]] = {
    "converge, nothing to change": (str(BIN / "ansible-playbook"), "-i", INVENTORY, "ansible/playbooks/site.yml"),
    "lbcheck run": (str(BIN / "lbcheck"), "run", "-i", INVENTORY),
}


def main() -> int:
    """Print a row for each command; return 1 where one gains too little."""
    hosts = load([INVENTORY]).reachable
    rounds = int(sys.argv[1]) if sys.argv[1:] else 3
    pairs: dict[str, list[tuple[float, float]]] = {label: [] for label in WORK}
    for _ in range(rounds):
        _move(hosts, LOADED, SET_ASIDE)
        try:
            without = {label: _seconds(command) for label, command in WORK.items()}
        finally:
            _move(hosts, SET_ASIDE, LOADED)
        for label, command in WORK.items():
            pairs[label].append((without[label], _seconds(command)))
    rows = [_row(label, found) for label, found in pairs.items()]
    print_table(f"Bytecode of archives, {len(hosts)} hosts ({rounds} rounds, medians)", rows)
    return int(any(statistics.median(kept / anew for anew, kept in found) > AT_MOST for found in pairs.values()))


def _row(label: str, found: Sequence[tuple[float, float]]) -> dict[str, object]:
    return {
        "": label,
        "compiled at each call, s": statistics.median(anew for anew, _ in found),
        "kept, s": statistics.median(kept for _, kept in found),
        "ratio": statistics.median(kept / anew for anew, kept in found),
        "at most": AT_MOST,
    }


def _move(hosts: Sequence[str], source: str, target: str) -> None:
    """Rename a file on each host that has it."""
    for host in hosts:
        words = (sys.executable, "-m", "lab", "shell", host, "sh", "-c", f"[ ! -e {source} ] || mv {source} {target}")
        subprocess.run(words, check=True)


def _seconds(command: Sequence[str]) -> float:
    begun = time.monotonic()
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}:\n{(ran.stdout + ran.stderr)[-1000:]}")
    return time.monotonic() - begun


if __name__ == "__main__":
    sys.exit(main())
