"""Every bench, one after the other: `python -m bench`, or `python -m bench.NAME` for one."""

import sys
from importlib import import_module
from pathlib import Path

_NOT_BENCHES = {"__init__", "__main__", "arena", "table"}
# They need the box of the virtual machines, a standing lab; and an hour, or half of one.
_BY_NAME_ONLY = {"boot", "bytecode", "mutants", "signals"}


def main() -> int:
    """Run every bench; return the gravest of their exit statuses."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py"))
    chosen = [name for name in names if name not in _NOT_BENCHES | _BY_NAME_ONLY]
    statuses: list[int] = [import_module(f"bench.{name}").main() for name in chosen]
    return max(statuses)


if __name__ == "__main__":
    sys.exit(main())
