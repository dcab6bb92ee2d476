"""Readers of counters, one file a source."""
