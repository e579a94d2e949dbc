"""Whether a result can be judged: not under the load of other programs, nor with intervals that are too wide.

why = too_noisy(document, row)      # "other programs took 82 % of the processor"; empty if it can be judged
"""

from __future__ import annotations

from collections.abc import Sequence

from cgan_benchmarks.results.document import Document

MUCH_LOAD = 0.05  # of the machine, by other programs
MAX_WIDTH = 1 / 3  # of an interval, relative to its figure


def load_of(document: Document) -> str:
    """What other programs took of the processor, in words; empty where that is little or not known."""
    share = document["machine"].get("others")
    if not isinstance(share, int | float) or share < MUCH_LOAD:
        return ""
    return f"other programs took {100 * share:.0f} % of the processor"


def width_of(figure: float, interval: Sequence[float]) -> str:
    """How wide an interval is, in words; empty where it is narrow enough."""
    low, high = interval
    if high - low <= MAX_WIDTH * figure:
        return ""
    return f"the interval is {low:.3g} to {high:.3g}"


def too_noisy(document: Document, row: Document) -> str:
    """Why the speed of a row beside PyTorch cannot be judged; empty if it can be."""
    return load_of(document) or width_of(row["speedup"], row["speedup_interval"])
