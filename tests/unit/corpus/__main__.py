"""Writes the corpus anew: `python -m tests.unit.corpus`."""

from tests.unit.corpus import write

write()
