"""`lbcheck probe`: run a stage from standard input (what a vantage calls)."""

import argparse

from lbcheck import probe


def arguments(_parser: argparse.ArgumentParser) -> None:
    """Say what the command takes: nothing."""


def run(_options: argparse.Namespace) -> int:
    """Run the command; return its exit status."""
    return probe.main()
