"""When a service answered, as a line: who before the gap, the gap, who after it."""

from collections.abc import Iterator

from lbcheck.model.exhibit import Absence, Timeline

WIDTH = 60  # characters for the whole watch


def lines(timeline: Timeline) -> Iterator[str]:
    """Give one line where there was a gap that can be seen at this scale, and none elsewhere."""
    cells = ["━"] * WIDTH
    for absence in timeline.absences if timeline.watched_s else ():
        begin, end = _cells(absence, timeline.watched_s)
        cells[begin:end] = "·" * len(cells[begin:end])
    if "·" in cells:
        longest = max(timeline.absences, key=lambda absence: absence.seconds)
        yield f"{longest.before} {''.join(cells)} {longest.after}".strip()


def _cells(absence: Absence, whole_s: float) -> tuple[int, int]:
    """Return the cells that an absence takes, from the first to before the last."""
    times = (absence.start_s, absence.start_s + absence.seconds)
    begin, end = (round(second / whole_s * WIDTH) for second in times)
    return begin, end
