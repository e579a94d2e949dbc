"""Several runs of one recipe beside each other: a table with means and standard deviations over their seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path

from cgan_train.checkpoint import load_checkpoint

_COLUMNS = {
    "CIEDE2000": ("ciede2000", 2), "of gray": ("ciede2000_gray", 2), "nearer by %": ("gain_percent", 1),
    "chroma": ("chroma_ratio", 2), "MAE %": ("mae", 2), "PSNR ab dB": ("psnr_ab", 2),
}  # fmt: skip


def table_of_runs(runs: Sequence[Path], generator: str = "") -> list[str]:
    """The lines of a table: measured quality of each run's newest checkpoint, then mean and deviation.

    `generator` is that of `load_checkpoint`, whose errors are raised.
    """
    metrics = [load_checkpoint(run, generator).metrics for run in runs]
    titles = [title for title, (key, _) in _COLUMNS.items() if all(key in each for each in metrics)]
    if not titles:
        return ["nothing was measured; give --val"]
    rows = [["run", *titles]]
    for run, each in zip(runs, metrics, strict=True):
        rows.append([run.name, *(f"{each[_COLUMNS[title][0]]:.{_COLUMNS[title][1]}f}" for title in titles)])
    for name, of in (("mean", statistics.fmean), ("deviation", _deviation)):
        values = ((of([each[_COLUMNS[title][0]] for each in metrics]), _COLUMNS[title][1]) for title in titles)
        rows.append([name, *(f"{value:.{digits}f}" for value, digits in values)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]


def _deviation(values: Sequence[float]) -> float:
    """Of a sample; 0 of one value."""
    return statistics.stdev(values) if len(values) > 1 else 0.0
