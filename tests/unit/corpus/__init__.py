"""Reports, samples and plans as they are written: what changes here, changes for users.

`reports/NAME.json` was written by `lbcheck … --format json`; `NAME.txt` and `NAME.verbose.txt` are its text.
`samples/NAME.jsonl` was kept by `--samples` in the run that wrote `reports/NAME.json`: judged again it gives the same
verdicts. `plans/NAME.text` and `NAME.json` are what `--plan` says. `python -m tests.unit.corpus` writes anew what is
computed from the others. An intended difference is a diff of these files in the commit that makes it, and a line in
CHANGELOG.md.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path

from lbcheck.checks.compare import compare
from lbcheck.cli import main
from lbcheck.model.verdict import Report
from lbcheck.pipeline import reread

from ..shown import as_json, as_text

HERE = Path(__file__).parent
REPORTS = sorted(HERE.glob("reports/*.json"))
SAMPLES = sorted(HERE.glob("samples/*.jsonl"))
LAB = ("-i", str(HERE.parents[2] / "inventory" / "lab"))
PLANS: Mapping[str, Sequence[str]] = {
    "topology.text": ("topology", *LAB),
    "run.text": ("run", *LAB, "--plan"),
    "run.json": ("run", *LAB, "--plan", "--format", "json"),
    "dns-limited.text": ("run", *LAB, "--check", "dns", "--limit", "client1", "--plan"),
    "capacity.text": ("capacity", *LAB, "--measure", "--plan"),
    "capacity.json": ("capacity", *LAB, "--measure", "--plan", "--format", "json"),
    "failover.text": ("failover", *LAB, "--plan", "--", "true"),
    "failover.json": ("failover", *LAB, "--plan", "--format", "json", "--", "true"),
    "spread.text": ("spread", "http://198.18.0.101/", "--stats", "unix:/s.sock", "--weights", "a=1,b=2", "--plan"),
    "dns.text": ("dns", "www.example.com", "--server", "198.18.0.53", "--plan"),
}
COMPARISONS: Mapping[str, Sequence[str]] = {  # what `lbcheck compare` makes of other reports
    "compare-pass": ("growth-0-lab", "growth-1-balancer-source", "growth-2-client-address"),
    "compare-fail": ("capacity-pass", "capacity-fail-nat"),
    "compare-unmeasured": ("growth-0-lab", "capacity-predicted"),
    "compare-turned": ("run-pass", "spread-fail-down"),
}
_TOKEN = re.compile(r"\b[0-9a-f]{16}\b")  # of this run's requests: another each time


def texts(report: Report) -> dict[str, str]:
    """Return the text of a report by the ending of the file that keeps it."""
    return {".txt": as_text(report), ".verbose.txt": as_text(report, verbose=True)}


def document(report: Report) -> str:
    """Return the report as JSON."""
    return as_json(report)


def judged(name: str) -> Report:
    """Return what kept samples are judged to be now, with the times of the report that their run wrote."""
    kept = reread(HERE / "reports" / f"{name}.json")
    return replace(reread(HERE / "samples" / f"{name}.jsonl"), started=kept.started, duration_s=kept.duration_s)


def compared(name: str) -> Report:
    """Return what `lbcheck compare` makes now of the same reports, with the times of the comparison that is kept."""
    reports = [(other, reread(HERE / "reports" / f"{other}.json")) for other in COMPARISONS[name]]
    return replace(reread(HERE / "reports" / f"{name}.json"), verdicts=tuple(compare(reports)))


def plan(name: str) -> str:
    """Return what the command says that it would do."""
    said = io.StringIO()
    with redirect_stdout(said):
        assert main(PLANS[name]) == 0
    return _TOKEN.sub("TOKEN", said.getvalue())


def write() -> None:
    """Write anew what is computed: what is judged and compared, the text of each report, and each plan."""
    anew = {path.stem: judged for path in SAMPLES} | dict.fromkeys(COMPARISONS, compared)
    for path in REPORTS:
        report = anew.get(path.stem, lambda _, path=path: reread(path))(path.stem)
        path.write_text(document(report), encoding="utf-8")
        for ending, text in texts(report).items():
            path.with_suffix(ending).write_text(text, encoding="utf-8")
    for name in PLANS:
        (HERE / "plans" / name).write_text(plan(name), encoding="utf-8")
