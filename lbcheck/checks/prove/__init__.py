"""How a service holds more than 65,535 connections: the claims of `lbcheck prove`, predicted and measured."""

from lbcheck.checks.prove.claims import sections
from lbcheck.checks.prove.evidence import EVIDENCE
from lbcheck.checks.prove.exhibits import exhibits
from lbcheck.checks.prove.judging import NAME, judge
from lbcheck.checks.prove.planning import plan, remark
from lbcheck.checks.prove.rows import CgnAddresses, Section, Setup

__all__ = [
    "EVIDENCE", "NAME", "CgnAddresses", "Section", "Setup", "exhibits", "judge", "plan", "remark", "sections",
]  # fmt: skip
