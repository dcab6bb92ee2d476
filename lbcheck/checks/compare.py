"""What changed between reports: the gain of each hop, predicted and measured, and verdicts with another outcome."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from lbcheck.checks.capacity.evidence import CapacityEvidence, HopRow, TranslatedRow
from lbcheck.model.evidence import Gain, ProductRow, Record
from lbcheck.model.exhibit import Exhibit, Stair, Staircase
from lbcheck.model.verdict import Finding, Outcome, Report, Verdict, gravest

NAME = "growth"


@dataclass(frozen=True, kw_only=True, eq=False)
class GrowthRow(ProductRow):
    """All rows of one hop in one report: the sums of sources and connections, the maxima of endpoints and ports.

    A gain is the difference from the previous report. None: there is no previous report, or one was not measured.
    """

    ORDER = (
        "what", "sources", "endpoints", "ports", "predicted", "measured", "stopped_by", "seconds",
        "gain_predicted", "gain_measured",
    )  # fmt: skip

    what: str  # the report's name
    gain_predicted: int | None
    gain_measured: int | None


@dataclass(frozen=True, kw_only=True, eq=False)
class GrowthEvidence(Record):
    """One hop of one path, with a row for each report."""

    steps: tuple[GrowthRow, ...]
    gains: tuple[Gain, ...]


EVIDENCE = (GrowthEvidence,)


def compare(reports: Sequence[tuple[str, Report]]) -> list[Verdict]:
    """Return a verdict for each measured hop over all reports, and one on the verdicts whose outcome changed.

    `reports`: pairs of name and report, at least two, oldest first. A hop fails if a measured gain differs from the
    predicted one.
    """
    hops = dict.fromkeys(key for _, report in reports for key in _hops(report))
    verdicts = [_verdict_on_hop(subject, hop, reports) for subject, hop in hops]
    others = [_Others.between(*pair) for pair in pairwise(reports)]
    findings = tuple(finding for other in others for finding in other.findings)
    if findings or not verdicts:
        outcome = gravest([Outcome.PASS, *(finding.outcome for finding in findings)])
        names = " → ".join(name for name, _ in reports)
        verdicts.append(Verdict("compare", names, outcome, "; ".join(_summary(others)), findings))
    return verdicts


def _hops(report: Report) -> Mapping[tuple[str, str], list[HopRow]]:
    """Return (path, hop) → its rows, for each hop with at least one measurement."""
    found: dict[tuple[str, str], list[HopRow]] = {}
    for verdict in report.verdicts:
        if isinstance(verdict.evidence, CapacityEvidence):
            for row in verdict.evidence.steps:
                found.setdefault((verdict.subject, _where(row)), []).append(row)
    return {key: rows for key, rows in found.items() if any(row.measured is not None for row in rows)}


def _where(row: HopRow) -> str:
    """Return the name of a row's hop, with its IP version; connections through a NAT are a hop of their own."""
    return "through the NAT" if isinstance(row, TranslatedRow) else f"{row.hop}, IPv{row.family}"


def _verdict_on_hop(subject: str, hop: str, reports: Sequence[tuple[str, Report]]) -> Verdict:
    found = [_growth_row(name, _hops(report).get((subject, hop), [])) for name, report in reports]
    rows = (found[0], *(_after(*pair) for pair in pairwise(found)))
    findings = tuple(finding for row in rows[1:] for finding in _findings(row))
    exact = sum(row.gain_measured == row.gain_predicted for row in rows[1:])
    return Verdict(
        NAME,
        f"{subject}, {hop}",
        gravest([Outcome.PASS, *(finding.outcome for finding in findings)]),
        f"{_number(rows[0].measured)} → {_number(rows[-1].measured)} held; "
        f"{exact} of {len(rows) - 1} gains as predicted",
        findings,
        GrowthEvidence(steps=rows, gains=tuple(Gain(add=row.what, tuples=row.gain_predicted or 0) for row in rows[1:])),
    )


def _growth_row(name: str, products: Sequence[HopRow]) -> GrowthRow:
    """Return the sum of a hop's rows in one report; unmeasured if any of them is."""
    counts = [product.measured for product in products if product.measured is not None]
    whole = bool(products) and len(counts) == len(products)
    return GrowthRow(
        what=name,
        sources=sum(product.sources for product in products),
        endpoints=max((product.endpoints for product in products), default=0),
        ports=max((product.ports for product in products), default=0),
        predicted=sum(product.predicted for product in products),
        measured=sum(counts) if whole else None,
        stopped_by=next((product.stopped_by for product in products if product.stopped_by), None),
        seconds=max((product.seconds for product in products), default=0.0),
        gain_predicted=None,
        gain_measured=None,
    )


def _after(before: GrowthRow, row: GrowthRow) -> GrowthRow:
    """Return the row with its gains over the previous report's row."""
    row = replace(row, gain_predicted=row.predicted - before.predicted)
    if before.measured is None or row.measured is None:
        return row
    return replace(row, gain_measured=row.measured - before.measured)


def _findings(row: GrowthRow) -> Iterator[Finding]:
    if row.gain_measured is None:
        sentence = f"{row.what}: {row.gain_predicted:+,} predicted, not measured before and after"
        yield Finding(Outcome.UNMEASURED, sentence)
    elif row.gain_measured != row.gain_predicted:
        sentence = f"{row.what}: {row.gain_predicted:+,} predicted, {row.gain_measured:+,} measured"
        yield Finding(Outcome.FAIL, sentence)


Subject = tuple[str, str]  # check and subject of a verdict
_FEW = 3  # of the verdicts that are gone: how many a sentence names


@dataclass(frozen=True)
class _Others:
    """Verdicts of two reports that are not the same in both. What is in one report alone is compared with nothing."""

    before: str
    after: str
    turned: tuple[tuple[Verdict, Verdict], ...]
    new: tuple[Verdict, ...]  # that do not pass
    gone: tuple[Verdict, ...]
    empty: tuple[str, ...]  # reports without any verdict
    unmeasured: tuple[Verdict, ...]  # in both
    failed: int  # in both

    @classmethod
    def between(cls, before: tuple[str, Report], after: tuple[str, Report]) -> "_Others":
        """Compare two reports."""
        (name, earlier), (later_name, later) = ((name, _by_subject(report)) for name, report in (before, after))
        pairs = [(earlier[subject], verdict) for subject, verdict in later.items() if subject in earlier]
        same = [verdict for was, verdict in pairs if was.outcome is verdict.outcome]
        return cls(
            name,
            later_name,
            turned=tuple((was, verdict) for was, verdict in pairs if was.outcome is not verdict.outcome),
            new=tuple(v for subject, v in later.items() if subject not in earlier and v.outcome is not Outcome.PASS),
            gone=tuple(verdict for subject, verdict in earlier.items() if subject not in later),
            empty=tuple(name for name, found in ((name, earlier), (later_name, later)) if not found),
            unmeasured=tuple(verdict for verdict in same if verdict.outcome is Outcome.UNMEASURED),
            failed=sum(verdict.outcome is Outcome.FAIL for verdict in same),
        )

    @property
    def findings(self) -> Iterator[Finding]:
        """A finding on a verdict of the later report has its outcome."""
        for was, verdict in self.turned:
            yield self._on(verdict, f"{was.outcome} → {verdict.outcome}")
        for verdict in self.new:
            yield self._on(verdict, f"{verdict.outcome}, and not in {self.before}")
        for verdict in self.unmeasured:
            yield self._on(verdict, f"unmeasured, as in {self.before}")
        for name in self.empty:
            yield Finding(Outcome.UNMEASURED, f"{name} has no verdict: nothing can be compared with it")
        if self.gone and self.after not in self.empty:
            named = "; ".join(f"{verdict.check}, {verdict.subject}" for verdict in self.gone[:_FEW])
            more = f"; and {len(self.gone) - _FEW} more" if len(self.gone) > _FEW else ""
            yield Finding(Outcome.UNMEASURED, f"{self.after} has no verdict on {named}{more}; {self.before} has")

    def _on(self, verdict: Verdict, change: str) -> Finding:
        sentence = f"{self.after}: {verdict.check}, {verdict.subject}: {change}: {verdict.summary}"
        return Finding(verdict.outcome, sentence)


def _by_subject(report: Report) -> Mapping[Subject, Verdict]:
    """Return a report's verdicts by check and subject; of several on one, the gravest."""
    found: dict[Subject, Verdict] = {}
    for verdict in report.verdicts:
        known = found.setdefault((verdict.check, verdict.subject), verdict)
        if gravest((known.outcome, verdict.outcome)) is not known.outcome:
            found[verdict.check, verdict.subject] = verdict
    return found


def _summary(others: Sequence[_Others]) -> Iterator[str]:
    """Give what changed in all, in words."""
    yield f"{sum(len(other.turned) for other in others) or 'no'} verdicts turned"
    counts = {
        "new and no pass": sum(len(other.new) for other in others),
        "gone": sum(len(other.gone) for other in others),
        "unmeasured before and after": sum(len(other.unmeasured) for other in others),
        "failed before and after": sum(other.failed for other in others),
    }
    yield from (f"{count} {words}" for words, count in counts.items() if count)


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


# --- what a person sees ---


def exhibits(verdict: Verdict) -> tuple[Exhibit, ...]:
    """Return the reports of a hop as a staircase, one stair each."""
    match verdict.evidence:
        case GrowthEvidence(steps=rows):
            stairs = (Stair(row.what, row.gain_predicted, row.gain_measured, row.measured) for row in rows)
            return (Staircase(tuple(stairs)),)
        case _:
            return ()
