"""The plots of a result: how fast with which certainty, latency of single runs, quality against latency.

html = speedups(rows); html = latencies(rows); html = quality(rows)        # rows as in the JSON document
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cgan_benchmarks.render.html.canvas import (
    CARD,
    INK,
    LINE,
    SOFT,
    draw,
    engine_color,
    engine_name,
    name_above,
)

Row = dict[str, Any]

_LANE = 30  # px a row
_AXIS = 64  # px below and above the lanes
_LANE_NARROW = 46  # the name stands above its lane
_BINS = 160
_LEAST_DIFFERENCE = 1e-3  # CIEDE2000: what is below is drawn there
_MOST_DIFFERENCE = 4.0  # CIEDE2000: what is above, or not known, is drawn there
_VISIBLE = 1.0  # CIEDE2000: about the least that can be seen


def name_of(row: Row) -> str:
    """What a row is called."""
    batch = f", batch {row['batch']}" if row["batch"] > 1 else ""
    return f"{row['model']}, {engine_name(row['backend'])}{batch}"


def speedups(rows: Sequence[Row]) -> str:
    """How many times as fast as PyTorch, with the interval."""

    def plot(axes: Any, narrow: bool) -> None:
        for lane, row in enumerate(rows):
            color = engine_color(row["backend"])
            low, high = row["speedup_interval"]
            axes.plot((low, high), (lane, lane), color=color, linewidth=5, alpha=0.35, solid_capstyle="round")
            axes.plot(row["speedup"], lane, "o", color=color, markersize=7)
            if not narrow:
                right = max(high, row["speedup"])
                axes.annotate(f"{row['speedup']:.2f}", (right, lane), (9, 0), textcoords="offset points",
                              va="center", color=SOFT, fontsize=10)  # fmt: skip
        axes.axvline(1, color=SOFT, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_xlim(left=0)
        axes.margins(x=0.08)
        axes.set_xlabel("times as fast as PyTorch")
        _lanes(axes, rows, narrow, [f"{row['speedup']:.2f}" for row in rows])

    return draw("speedups", *_heights(rows), plot)


def latencies(rows: Sequence[Row]) -> str:
    """Where single runs lie: density, median, and the way to the 99th percentile."""

    def plot(axes: Any, narrow: bool) -> None:
        for lane, row in enumerate(rows):
            color = engine_color(row["backend"])
            x, density = _density(np.concatenate([np.ravel(part) for part in row["samples_ms"]]))
            half = (0.2 if narrow else 0.38) * density
            axes.fill_between(x, lane - half, lane + half, color=color, alpha=0.3, linewidth=0)
            axes.plot((row["p50_ms"], row["p99_ms"]), (lane, lane), color=color, linewidth=1.4)
            axes.plot(row["p50_ms"], lane, "o", color=color, markersize=6)
            axes.plot(row["p99_ms"], lane, "|", color=color, markersize=9, markeredgewidth=1.6)
        axes.set_xscale("log")
        _plain_ticks(axes, narrow)
        axes.set_xlabel("milliseconds a run (logarithmic)")
        _lanes(axes, rows, narrow, [f"{row['p50_ms']:.1f} ms" for row in rows])

    return draw("latencies", *_heights(rows), plot)


def quality(rows: Sequence[Row]) -> str:
    """How far colors are from the reference's, against the median."""
    others = [row for row in rows if f"{row['model']} / {row['backend']}" != row["reference"]]
    references = [row for row in rows if row not in others]

    def plot(axes: Any, narrow: bool) -> None:
        seen: set[str] = set()
        for row in others:
            color = engine_color(row["backend"])
            height = _difference(row)
            name = engine_name(row["backend"])
            label = None if name in seen else name
            seen.add(name)
            marker = "s" if "compiled" in row["backend"] else "D" if row["backend"].endswith("16") else "o"
            axes.plot(row["p50_ms"], height, marker, color=color, markersize=9, label=label,
                      markeredgecolor=CARD, linestyle="none")  # fmt: skip
        for model in dict.fromkeys(row["model"] for row in others if row["model"] != "checkpoint"):
            same = [row for row in others if row["model"] == model]
            slowest = max(same, key=lambda row: float(row["p50_ms"]))
            place = slowest["p50_ms"], _difference(slowest)
            axes.annotate(model, place, (10, 0), textcoords="offset points",
                          va="center", color=INK, fontsize=9 if narrow else 10)  # fmt: skip
        for row in references:
            axes.axvline(row["p50_ms"], color=SOFT, linewidth=1, linestyle=(0, (3, 3)))
            axes.annotate("PyTorch", (row["p50_ms"], 1), (-5, -4), xycoords=("data", "axes fraction"),
                          textcoords="offset points", ha="right", va="top", color=SOFT,
                          fontsize=9)  # fmt: skip
        axes.axhline(_VISIBLE, color=LINE, linewidth=1.2)
        axes.annotate("just visible", (0, _VISIBLE), (4, 4), xycoords=("axes fraction", "data"),
                      textcoords="offset points", color=SOFT, fontsize=9)  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(_LEAST_DIFFERENCE / 2, _MOST_DIFFERENCE)
        axes.margins(x=0.12)
        _plain_ticks(axes, narrow)
        axes.set_yticks((1e-3, 1e-2, 1e-1, 1), ("≤ 0.001", "0.01", "0.1", "1"))
        axes.minorticks_off()
        axes.tick_params(axis="y", colors=SOFT)
        axes.set_xlabel("p50, milliseconds (logarithmic)")
        axes.set_ylabel("CIEDE2000 from PyTorch")
        legend = axes.figure.legend(
            frameon=False, loc="outside lower center", ncols=2 if narrow else 5, fontsize=9
        )
        for text in legend.get_texts():
            text.set_color(SOFT)

    return draw("quality", 340, 360, plot)


def _difference(row: Row) -> float:
    """Where a row's color difference is drawn."""
    found = _MOST_DIFFERENCE if row["ciede2000"] is None else row["ciede2000"]
    return float(min(max(found, _LEAST_DIFFERENCE), _MOST_DIFFERENCE))


def _heights(rows: Sequence[Row]) -> tuple[int, int]:
    return _AXIS + _LANE * len(rows), _AXIS + _LANE_NARROW * len(rows)


def _lanes(axes: Any, rows: Sequence[Row], narrow: bool, figures: Sequence[str]) -> None:
    """Names of rows: beside their lanes, or on a phone above them, with a figure for each."""
    names = [name_of(row) for row in rows]
    if narrow:
        names = [f"{name}: {figure}" for name, figure in zip(names, figures, strict=True)]
    axes.set_ylim(len(rows) - 0.4, -0.9 if narrow else -0.6)
    if not narrow:
        axes.set_yticks(range(len(rows)), names)
        return
    axes.set_yticks([])
    for lane, name in enumerate(names):
        name_above(axes, lane, name)


def _plain_ticks(axes: Any, narrow: bool) -> None:
    """Milliseconds as people write them, on a logarithmic axis."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if narrow else (1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _density(values: Any) -> tuple[Any, Any]:
    """A smoothed histogram of logarithms, its peak 1: a violin's outline."""
    logs = np.log(values)
    low, high = np.percentile(logs, (0, 99.5))
    spread = max(high - low, 0.02)
    grid = np.linspace(low - 0.1 * spread, high + 0.1 * spread, _BINS)
    width = max(0.9 * min(logs.std(), 0.6 * spread) * len(logs) ** -0.2, 0.004)
    density = np.exp(-0.5 * ((grid[:, None] - logs[None]) / width) ** 2).sum(axis=1)
    return np.exp(grid), density / density.max()
