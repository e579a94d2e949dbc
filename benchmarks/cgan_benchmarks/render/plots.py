"""Plots of results as PNG files for the documentation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cgan_benchmarks.results.document import Document
from cgan_benchmarks.video.stages import STAGES
from cgan_runtime.files.atomic import replacing
from cgan_train.plotting import Axes, Bbox, Figure, FigureCanvasAgg

_SIZE = (7.0, 3.6)  # inches
_LARGE = (7.5, 5.5)
_DPI = 120


def draw_paper_curve(document: Document, path: Path) -> None:
    """Draw MAE over epochs of each recipe of a paper table."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.add_subplot()
    for name, curve in document["curves"].items():
        if curve:
            axes.plot(*zip(*curve, strict=True), marker="o", markersize=4, label=name)
    axes.axhline(document["mae_gray"], color="gray", linestyle=":", label="gray image")
    axes.set(xlabel="epochs", ylabel="MAE over RGB, %", title="CIFAR-10 test split")
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside right upper", frameon=False)  # curves may go anywhere
    save(figure, path)


def draw_variants(document: Document, path: Path) -> None:
    """Draw quality against milliseconds, colored by chroma, with a line through the Pareto front."""
    rows = document["rows"]
    figure = Figure(figsize=_LARGE, layout="constrained")
    FigureCanvasAgg(figure)  # for the sizes of labels
    axes = figure.add_subplot()
    at = [(row["ms"], row["gain_percent"]) for row in rows]
    front = sorted(here for here in at if not any(_beats(other, here) for other in at))
    axes.plot(*zip(*front, strict=True), color="gray", linewidth=1, zorder=1, label="Pareto front")
    colors = [row["chroma_ratio"] for row in rows]
    ms, gain = zip(*at, strict=True)
    points = axes.scatter(ms, gain, c=colors, cmap="viridis", edgecolor="black", zorder=3)
    figure.colorbar(points, label="chroma relative to the truth's")
    axes.axhline(0, color="gray", linestyle=":", label="gray image")
    axes.set(xlabel=f"ms at {document['timed_at_px']} px", ylabel="CIEDE2000 under the gray image's, %")
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.xaxis.set_minor_formatter("{x:.3g}")
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.margins(x=0.15, y=0.15)
    axes.grid(which="both", alpha=0.3)
    axes.legend(frameon=False, loc="upper right")
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # nothing moves after the labels are placed
    axes.autoscale(False)
    _label(axes, [row["variant"]["name"] for row in rows], at)
    save(figure, path)


def draw_stage_costs(document: Document, path: Path) -> None:
    """Draw what a frame costs by stage, as bars: one row for each size and version."""
    videos = document["videos"]
    figure = Figure(figsize=_SIZE, layout="constrained")
    for axes, (size, versions) in zip(figure.subplots(len(videos), squeeze=False)[:, 0], videos.items(), strict=True):
        left = dict.fromkeys(versions, 0.0)
        for stage in STAGES:
            costs = [each[stage] for each in versions.values()]
            axes.barh(list(versions), costs, left=list(left.values()), label=stage, height=0.7)
            left = {name: left[name] + cost for name, cost in zip(versions, costs, strict=True)}
        axes.set_ylabel(size)
        axes.invert_yaxis()
    axes.set_xlabel("core-milliseconds a frame")
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(STAGES), frameon=False, fontsize=8)
    save(figure, path)


@dataclass(frozen=True)
class Tradeoff:
    """A model by how near the truth and how lively it is.

    Attributes:
        name: For people.
        chroma: Mean chroma relative to the truth's.
        gain: How far its mean CIEDE2000 lies under the gray images', in percent.
        frechet: Distance of its features from the truth's; None if it was not measured.
        guided: The same model given hints: their number, its chroma, and its gain.
    """

    name: str
    chroma: float
    gain: float
    frechet: float | None = None
    guided: tuple[tuple[int, float, float], ...] = ()


def draw_tradeoff(models: Sequence[Tradeoff], path: Path) -> None:
    """Draw how near the truth models are against the chroma that they give; models given hints as a line."""
    figure = Figure(figsize=_LARGE, layout="constrained")
    axes = figure.add_subplot()
    for model in models:
        frechet = "" if model.frechet is None else f", Fréchet {model.frechet:.0f}"
        (point,) = axes.plot(model.chroma, model.gain, "o", markersize=8, label=model.name + frechet)
        if model.guided:
            _, chroma, gain = zip(*model.guided, strict=True)
            axes.plot(chroma, gain, ".-", color=point.get_color(), alpha=0.6, label=f"{model.name} with hints")
            for hints, x, y in model.guided:
                axes.annotate(str(hints), (x, y), xytext=(5, -9), textcoords="offset points", fontsize=7)
    axes.axvline(1, color="gray", linestyle=":", label="as colorful as the truth")
    axes.set(xlabel="mean chroma relative to the truth's", ylabel="CIEDE2000 under the gray image's, %")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    save(figure, path)


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether one (ms, quality) is not worse in either, and better in one."""
    return one != other and one[0] <= other[0] and one[1] >= other[1]


def _label(axes: Axes, names: Sequence[str], at: Sequence[tuple[float, float]]) -> None:
    """Write each name as near to its point as there is room, with a thin line to the point."""
    pixels = [axes.transData.transform(here) for here in at]
    taken = [Bbox.from_bounds(x - 6, y - 6, 12, 12) for x, y in pixels]
    back = axes.transData.inverted()
    for name, here, (x, y) in zip(names, at, pixels, strict=True):
        label = axes.text(*here, name, fontsize=7, va="center", zorder=4)
        for distance, angle in itertools.product(range(10, 300, 7), range(0, 360, 20)):
            right, up = distance * math.cos(math.radians(angle)), distance * math.sin(math.radians(angle))
            place = tuple(back.transform((x + right, y + up)))
            label.set_position(place)
            label.set_horizontalalignment("left" if right >= 0 else "right")
            box = label.get_window_extent().expanded(1.05, 1.0)
            inside = axes.bbox.x0 < box.x0 and box.x1 < axes.bbox.x1
            if inside and not box.count_overlaps(taken):
                break
        taken.append(box)
        axes.plot(*zip(here, place, strict=True), color="gray", linewidth=0.5, zorder=1)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG. It appears under its name only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        figure.savefig(draft, format="png", dpi=_DPI, metadata={"Software": ""})
