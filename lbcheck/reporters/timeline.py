"""When a service answered, as a line: who before the gap, the gap, who after it."""

from collections.abc import Iterator, Mapping
from typing import Any

WIDTH = 60  # characters for the whole watch


def lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    """Give one line where there was a gap that can be seen at this scale, and none elsewhere."""
    whole_s, gaps = evidence.get("watched_s") or 0.0, evidence["gaps"]
    cells = ["━"] * WIDTH
    for gap in gaps:
        begin, end = (round(second / whole_s * WIDTH) for second in (gap["start_s"], gap["start_s"] + gap["seconds"]))
        cells[begin:end] = "·" * len(cells[begin:end])
    if "·" in cells:
        longest = max(gaps, key=lambda gap: gap["seconds"])
        yield f"{longest['before']} {''.join(cells)} {longest['after']}".strip()
