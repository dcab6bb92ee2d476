"""Ratios against the tools that people use today, each from one run on one machine."""
