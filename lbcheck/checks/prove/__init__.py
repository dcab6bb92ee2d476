"""How a service goes beyond 65,535 connections: the argument of `lbcheck prove`, predicted and measured."""

from lbcheck.checks.prove.claims import CgnAddresses, Section, Setup, sections
from lbcheck.checks.prove.judging import judge
from lbcheck.checks.prove.planning import plan, remark

__all__ = ["CgnAddresses", "Section", "Setup", "judge", "plan", "remark", "sections"]
