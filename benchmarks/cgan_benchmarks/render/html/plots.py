"""The plots of a result: speed with intervals, latency of single runs, quality by latency, video stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cgan_benchmarks.render.headline import VISIBLE, engine_name
from cgan_benchmarks.render.html import canvas
from cgan_benchmarks.render.tables import is_reference
from cgan_benchmarks.results.document import Document

_LANE = 30  # px a row
_AXIS = 64  # px below and above the lanes
_LANE_NARROW = 46  # px: the name stands above its lane
_STAGE_LANE = 38  # px, of the waterfall
_STAGE_COLORS = (canvas.TORCH, canvas.OPENVINO, canvas.ONNXRUNTIME, canvas.GPU)
_BINS = 160
_MIN_DIFFERENCE = 1e-3  # CIEDE2000: smaller differences are drawn there
_MAX_DIFFERENCE = 4.0  # CIEDE2000: larger and unknown differences are drawn there
_DASHED = {"color": canvas.SOFT, "linewidth": 1, "linestyle": (0, (3, 3))}


def name_of(row: Document) -> str:
    """The name of a row."""
    batch = f", batch {row['batch']}" if row["batch"] > 1 else ""
    return f"{row['model']}, {engine_name(row['backend'])}{batch}"


def speedups(rows: Sequence[Document]) -> str:
    """Speed relative to PyTorch, with the interval."""

    def plot(axes: Any, narrow: bool) -> None:
        for lane, row in enumerate(rows):
            color = canvas.engine_color(row["backend"])
            low, high = row["speedup_interval"]
            axes.plot((low, high), (lane, lane), color=color, linewidth=5, alpha=0.35, solid_capstyle="round")
            axes.plot(row["speedup"], lane, "o", color=color, markersize=7)
            if not narrow:
                right = max(high, row["speedup"])
                canvas.label(axes, f"{row['speedup']:.2f}", (right, lane), (9, 0))
        axes.axvline(1, **_DASHED)
        axes.set_xlim(left=0)
        axes.margins(x=0.08)
        axes.set_xlabel("times as fast as PyTorch")
        _lanes(axes, rows, narrow, [f"{row['speedup']:.2f}" for row in rows])

    return canvas.draw("speedups", *_heights(rows), plot)


def latencies(rows: Sequence[Document]) -> str:
    """Durations of single runs: density, median, and a line to the 99th percentile."""

    def plot(axes: Any, narrow: bool) -> None:
        for lane, row in enumerate(rows):
            color = canvas.engine_color(row["backend"])
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

    return canvas.draw("latencies", *_heights(rows), plot)


def quality(rows: Sequence[Document]) -> str:
    """Difference from the reference's colors against median latency."""
    others = [row for row in rows if not is_reference(row)]

    def plot(axes: Any, narrow: bool) -> None:
        seen: set[str] = set()
        for row in others:
            color = canvas.engine_color(row["backend"])
            height = _difference(row)
            name = engine_name(row["backend"])
            marker = "s" if "compiled" in row["backend"] else "D" if row["backend"].endswith("16") else "o"
            legend = None if name in seen else name
            seen.add(name)
            axes.plot(row["p50_ms"], height, marker, color=color, markersize=9, label=legend,
                      markeredgecolor=canvas.CARD, linestyle="none")  # fmt: skip
        for model in dict.fromkeys(row["model"] for row in others if row["model"] != "checkpoint"):
            same = [row for row in others if row["model"] == model]
            slowest = max(same, key=lambda row: float(row["p50_ms"]))
            place = slowest["p50_ms"], _difference(slowest)
            canvas.label(axes, model, place, (10, 0), color=canvas.INK, fontsize=9 if narrow else 10)
        for row in filter(is_reference, rows):
            axes.axvline(row["p50_ms"], **_DASHED)
            canvas.label(axes, "PyTorch", (row["p50_ms"], 1), (-5, -4), xycoords=("data", "axes fraction"),
                  ha="right", va="top", fontsize=9)  # fmt: skip
        axes.axhline(VISIBLE, color=canvas.LINE, linewidth=1.2)
        canvas.label(axes, "just visible", (0, VISIBLE), (4, 4), xycoords=("axes fraction", "data"),
              va="baseline", fontsize=9)  # fmt: skip
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_ylim(_MIN_DIFFERENCE / 2, _MAX_DIFFERENCE)
        axes.margins(x=0.12)
        _plain_ticks(axes, narrow)
        axes.set_yticks((1e-3, 1e-2, 1e-1, 1), ("≤ 0.001", "0.01", "0.1", "1"))
        axes.minorticks_off()
        axes.tick_params(axis="y", colors=canvas.SOFT)
        axes.set_xlabel("p50, milliseconds (logarithmic)")
        axes.set_ylabel("CIEDE2000 from PyTorch")
        legend = axes.figure.legend(frameon=False, loc="outside lower center", ncols=2 if narrow else 5, fontsize=9)
        for text in legend.get_texts():
            text.set_color(canvas.SOFT)

    return canvas.draw("quality", 340, 360, plot)


def waterfall(video: Document) -> str:
    """Mean milliseconds a frame of a video: of each stage in its order, and whole."""
    stages = {name: figures["mean_ms"] for name, figures in video["stages"].items()}
    ways = {name: figures["ms_a_frame"] for name, figures in video["ways"].items()}
    names = [*stages, *ways]

    def plot(axes: Any, narrow: bool) -> None:
        began, thick = 0.0, 0.34 if narrow else 0.5
        for lane, (name, ms) in enumerate((stages | ways).items()):
            if name in stages:
                axes.barh(lane, ms, thick, left=began, color=_STAGE_COLORS[lane % 4])
                began = end = began + ms
            else:
                axes.barh(lane, ms, thick, color=canvas.SOFT, alpha=0.45)
                end = ms
            canvas.label(axes, f"{ms:.1f}", (end, lane), (6, 0))
        axes.axhline(len(stages) - 0.5, **_DASHED)
        axes.set_xlim(0, 1.15 * max(began, *ways.values()))
        axes.set_ylim(len(names) - 0.5, -0.7)
        axes.set_xlabel("milliseconds a frame")
        canvas.name_lanes(axes, names, narrow)

    height, narrow_height = (_AXIS + 6 + lane * len(names) for lane in (_STAGE_LANE, _LANE_NARROW))
    return canvas.draw("waterfall", height, narrow_height, plot)


def _difference(row: Document) -> float:
    """Where a row's color difference is drawn."""
    found = _MAX_DIFFERENCE if row["ciede2000"] is None else row["ciede2000"]
    return float(min(max(found, _MIN_DIFFERENCE), _MAX_DIFFERENCE))


def _heights(rows: Sequence[Document]) -> tuple[int, int]:
    return _AXIS + _LANE * len(rows), _AXIS + _LANE_NARROW * len(rows)


def _lanes(axes: Any, rows: Sequence[Document], narrow: bool, figures: Sequence[str]) -> None:
    """A lane for each row; on a phone its name is followed by a figure."""
    names = [name_of(row) for row in rows]
    if narrow:
        names = [f"{name}: {figure}" for name, figure in zip(names, figures, strict=True)]
    axes.set_ylim(len(rows) - 0.4, -0.9 if narrow else -0.6)
    canvas.name_lanes(axes, names, narrow)


def _plain_ticks(axes: Any, narrow: bool) -> None:
    """Plain numbers of milliseconds on a logarithmic axis."""
    from cgan_train.plotting import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if narrow else (1, 1.5, 2, 3, 5, 7)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _density(values: Any) -> tuple[Any, Any]:
    """The outline of a violin plot: a smoothed histogram of logarithms with a peak of 1."""
    logs = np.log(values)
    low, high = np.percentile(logs, (0, 99.5))
    spread = max(high - low, 0.02)
    grid = np.linspace(low - 0.1 * spread, high + 0.1 * spread, _BINS)
    width = max(0.9 * min(logs.std(), 0.6 * spread) * len(logs) ** -0.2, 0.004)
    density = np.exp(-0.5 * ((grid[:, None] - logs[None]) / width) ** 2).sum(axis=1)
    return np.exp(grid), density / density.max()
